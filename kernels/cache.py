"""numba's cache of compiled kernels, made to stand damage: what is not what was written is compiled anew.

numba alone unpickles whatever a file holds: a truncated one is a traceback at every run, and changed bytes may be
machine code that runs. Here every file ends with a digest of its content.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

_FOLDER = str(Path(__file__).resolve().parent)
_FILES: Any = caching.IndexDataCacheFile
_SIZE = hashlib.sha256().digest_size

_notices: set[str] = set()


class _DamagedError(Exception):
    """A file is not what was written."""


class CheckedFiles(_FILES):  # type: ignore[misc, unused-ignore]
    """A kernel's index and data files, each with a digest; numba's own are called otherwise and left alone."""

    def __init__(self, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        super().__init__(cache_path, f"{filename_base}.sha", source_stamp)

    def load(self, key: Any) -> Any:
        """Return a kernel's compiled form, or None where there is none that can be trusted."""
        try:
            return super().load(key)
        except _DamagedError as damage:
            _tell(f"xbarsim: compiled kernel {damage} is damaged: it is compiled anew")
            return None

    def save(self, key: Any, data: Any) -> None:
        """Write a kernel's compiled form; where that cannot be done it is compiled again at the next run."""
        try:
            super().save(key, data)
        except OSError as error:
            _tell(f"xbarsim: compiled kernels cannot be kept in {self._cache_path} ({error.strerror})")

    def _load_index(self) -> Any:
        try:
            version, stamp, overloads = self._read(self._index_path)
        except FileNotFoundError:
            return {}
        except (OSError, _DamagedError):
            _tell(f"xbarsim: the list of compiled kernels {self._index_path} is damaged: it is made anew")
            return {}
        return overloads if (version, stamp) == (numba.__version__, self._source_stamp) else {}

    def _save_index(self, overloads: Any) -> None:
        self._write(self._index_path, (numba.__version__, self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return self._read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str) -> Any:
        content = Path(path).read_bytes()
        data, digest = content[:-_SIZE], content[-_SIZE:]
        if hashlib.sha256(data).digest() != digest:
            raise _DamagedError(path)
        return pickle.loads(data)

    def _write(self, path: str, content: Any) -> None:
        data = self._dump(content)
        with self._open_for_write(path) as file:
            file.write(data + hashlib.sha256(data).digest())


def _tell(line: str) -> None:
    if line not in _notices and sys.stderr is not None:
        _notices.add(line)
        # On a terminal the stage in hand may stand in the line.
        print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def guard() -> None:
    """Have the caches of this folder's kernels check their files; those of anybody else's functions stay numba's."""
    cache: Any = caching.Cache
    plain = cache.__init__
    if getattr(plain, "checks_kernels", False):
        return

    def begin(self: Any, py_func: Any) -> None:
        plain(self, py_func)
        if str(Path(py_func.__code__.co_filename).resolve().parent) == _FOLDER:
            files = self._cache_file
            base = files._index_name.removesuffix(".nbi")
            self._cache_file = CheckedFiles(files._cache_path, base, files._source_stamp)

    begin.checks_kernels = True  # type: ignore[attr-defined]
    cache.__init__ = begin
