"""The command line in this process, found as ``python -m xbarsim`` finds it."""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

NOTICES = ("xbarsim: compiling", "xbarsim: compiled in")
"""What only the first run after an installation says."""
CLOCKS = re.compile(r"^time .*$|\b\d+\.\d+ s\b|(?<=in )\d+(\.\d+)? s\b", re.MULTILINE)
HOW = re.compile(r"^(residual +\S+) \((.*)\)$", re.MULTILINE)


def run(*arguments: object, files: Mapping[str, str] | None = None, stdin: str = "") -> dict[str, Any]:
    """Run the command in a new folder that holds ``files``, and return exit code, output, notes and written files."""
    before, streams = Path.cwd(), [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    code: Any = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            Path(folder, name).write_text(text, encoding="utf-8")
        os.chdir(folder)
        try:
            entry = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
            with (
                mock.patch.object(sys, "argv", ["xbarsim", *map(str, arguments)]),
                mock.patch.object(sys, "stdin", entry),
                redirect_stdout(streams[0]),
                redirect_stderr(streams[1]),
            ):
                runpy.run_module("xbarsim", run_name="__main__")
        except SystemExit as left:
            code = left.code
        finally:
            os.chdir(before)
        results = [path for path in sorted(Path(folder).iterdir()) if path.name not in (files or {})]
        contents = {path.name: path.read_bytes() for path in results if path.is_file()}
    out, notes = (
        stream.buffer.getvalue().decode("utf-8", "backslashreplace").replace(folder, "FOLDER") for stream in streams
    )
    out = re.sub(r"^Date:.*$", "Date:", out, flags=re.MULTILINE)
    notes = "".join(line for line in notes.splitlines(keepends=True) if not line.startswith(NOTICES))
    label = " ".join(how for _, how in HOW.findall(out))
    values: dict[str, Any] = {"code": code, "out": timeless(out), "notes": CLOCKS.sub("TIME", notes), "label": label}
    return values | {f"file {name}": _content(name, content) for name, content in contents.items()}


def timeless(text: str) -> str:
    """Return a JSON record without its seconds, or a table without its clocks and without what says how."""
    try:
        record = json.loads(text)
    except ValueError:
        return CLOCKS.sub("TIME", HOW.sub(r"\1", text))
    if isinstance(record, dict):
        record.pop("seconds", None)
        for epoch in record.get("history", []):
            epoch.pop("seconds", None)
    return json.dumps(record, sort_keys=True)


def _content(name: str, content: bytes) -> str | int:
    if name.endswith(".raw"):
        return re.sub(rb"^Date:.*$", b"Date:", content, flags=re.MULTILINE).hex()
    if name.endswith((".png", ".pdf", ".svg")):
        return 1  # a picture was made; its bytes are matplotlib's
    return timeless(content.decode("utf-8", "replace"))
