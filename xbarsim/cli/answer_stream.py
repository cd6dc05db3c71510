"""Answers of many netlists, each printed when it is there, in the form of one."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from xbarsim.cli.failures import printable
from xbarsim.files import written_whole
from xbarsim.text_table import comma_separated

if TYPE_CHECKING:
    from xbarsim.analysis.answers import Answers
    from xbarsim.cli.output import Output


class AnswerStream:
    """Prints the answers of many netlists, or puts them into one file.

    Tables stand under a line with the file's name, JSON has a line for each netlist, and CSV has the name in its first
    column: tables of the same columns have one heading.

    Parameters
    ----------
    output : Output
        Where to, and in what form.
    file : binary file, optional
        What takes the answers in the place of stdout.
    """

    def __init__(self, output: Output, file: IO[bytes] | None) -> None:
        self._form = "numbers" if output.quiet and output.form == "table" else output.form
        self._file = file
        self._heading: list[str] | None = None
        self._begun = False

    @classmethod
    @contextmanager
    def to(cls, output: Output) -> Iterator[AnswerStream]:
        """Give a stream; a file that it goes to is written when all is there, whole or not at all."""
        if output.path is None:
            yield cls(output, None)
            return
        target = Path(output.path).resolve()
        # Without a name: whatever ends the process leaves nothing behind.
        with tempfile.TemporaryFile(dir=target.parent if target.is_file() or not target.exists() else None) as file:
            yield cls(output, file)
            file.seek(0)
            with written_whole(output.path) as whole:
                shutil.copyfileobj(file, whole)

    def add(self, name: str, answers: Answers) -> None:
        """Give a netlist's answer."""
        if self._form == "json":
            self._put(json.dumps({"file": name, **answers.record()}, allow_nan=False) + "\n")
        elif self._form == "csv":
            self._put("".join(self._columns(name, answers)))
        else:
            gap = "\n" * self._begun
            self._put(f"{gap}==> {printable(name)} <==\n{getattr(answers, f'as_{self._form}')()}\n")
        self._begun = True

    def fail(self, name: str, code: int, message: str) -> None:
        """Say that a netlist has no answer, in the one form that has a place for it."""
        if self._form == "json":
            self._put(json.dumps({"file": name, "error": message, "exit": code}) + "\n")

    def _columns(self, name: str, answers: Answers) -> Iterator[str]:
        for heading, *rows in answers.csv_tables():
            if heading != self._heading:
                yield "\n" * (self._heading is not None) + comma_separated([["file", *heading]]) + "\n"
                self._heading = heading
            if rows:
                yield comma_separated([printable(name), *row] for row in rows) + "\n"

    def _put(self, text: str) -> None:
        if self._file is None:
            click.echo(text, nl=False)
        else:
            self._file.write(text.encode())
