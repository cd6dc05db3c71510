"""Compiled kernels: plain arrays in, arrays and a status code out. They check nothing; :mod:`xbarsim` does."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


def _ensure_cache_folder() -> None:
    """See that numba finds a folder for compiled kernels; without any it would refuse to import them.

    It tries ``NUMBA_CACHE_DIR``, the folder of the kernels and the user's cache folder. Where none can be written
    (a read-only installation without a home), kernels are compiled into a temporary folder at each run.
    """
    beside = Path(__file__).resolve().parent / "__pycache__"
    # Not Path.expanduser: it raises where there is no home at all.
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "numba"  # noqa: PTH111
    variable = os.environ.get("NUMBA_CACHE_DIR")
    for folder in ([Path(variable)] if variable else []) + [beside, home]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return
        except OSError:
            continue
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="xbarsim-kernels-")
    atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]


_ensure_cache_folder()

from xbarsim.kernels import cache  # noqa: E402 - numba looks for its folder when it is first imported

cache.guard()
