"""Files of artifacts, by key: each with a checksum, so that one that is damaged is made again and never used."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.files import written_whole

_MARK = b"xbarsim1"
_HEAD = len(_MARK) + hashlib.sha256().digest_size


def write_artifact(folder: Path, key: str, content: bytes) -> None:
    """Keep an artifact, whole or not at all: a mark, the SHA-256 of its content, its content."""
    with written_whole(folder / key) as file:
        file.write(_MARK + hashlib.sha256(content).digest())
        file.write(content)


def read_artifact(folder: Path, key: str) -> bytes:
    """Return an artifact's content.

    Raises
    ------
    InputError
        It is damaged.
    FileNotFoundError
        There is none.
    """
    content = _content((folder / key).read_bytes())
    if content is None:
        raise InputError(f"{folder / key} is damaged: run the study again, which makes it anew")
    return content


def is_whole(folder: Path, key: str) -> bool:
    """Whether an artifact is there, as it was written."""
    try:
        with (folder / key).open("rb") as file:
            head = file.read(_HEAD)
            return head == _MARK + _digest_of_rest(file)
    except FileNotFoundError:
        return False


def _content(file: bytes) -> bytes | None:
    content = file[_HEAD:]
    return content if file[:_HEAD] == _MARK + hashlib.sha256(content).digest() else None


def _digest_of_rest(file: io.BufferedReader) -> bytes:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.digest()
