"""Stages on a terminal: what is printed meanwhile has a line of its own, and nothing wraps."""

import errno
import io
import os
import re
import warnings
from contextlib import redirect_stderr

import pytest
from cli_tools import call

from xbarsim.cli import announce, command_line
from xbarsim.errors import ExtrapolationWarning


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and what would stand on it."""

    def isatty(self):
        return True

    def lines(self):
        return [
            re.sub(r".*\x1b\[K", "", line.split("\r")[-1] if "\r" in line else line)
            for line in self.getvalue().split("\n")
        ]


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((40, 24)))
    return Terminal()


def test_a_note_takes_the_stages_place(terminal):
    with redirect_stderr(terminal), announce.stages(True) as progress:
        progress("solving")
        announce.say("note: first")
        progress("solving more")
        announce.say("note: second")
        progress("done")
    assert terminal.lines() == ["note: first", "note: second", ""]


def test_a_stage_never_wraps(terminal):
    with redirect_stderr(terminal), announce.stages(True) as progress:
        progress("a stage with a very long name, " * 5)
    longest = max(map(len, re.split(r"\r\x1b\[K|\n", terminal.getvalue())))
    assert 30 < longest < 40


def test_no_terminal_no_codes():
    stream = io.StringIO()
    with redirect_stderr(stream), announce.stages(True) as progress:
        progress("solving")
        announce.say("note: only")
    assert stream.getvalue() == "note: only\n"


class Full(Terminal):
    """A stream on a disk that is full."""

    def flush(self):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_cannot_be_said_ends_no_work(monkeypatch):
    with redirect_stderr(Full()), announce.stages(True) as progress:
        progress("solving")
        announce.say("note: lost")
        progress("solving more")
    with redirect_stderr(Full()), pytest.raises(SystemExit) as end:
        command_line.main(["solve", "--nothing"])
    assert end.value.code == 2


def test_a_warning_is_a_note(capsys, monkeypatch):
    def warn(arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("cells went\n too far", ExtrapolationWarning, stacklevel=1)
        raise SystemExit(0)

    monkeypatch.setattr(command_line, "_run", warn)
    usual = warnings.showwarning
    assert call(capsys, "info").err == "note: cells went too far\n"
    assert warnings.showwarning is usual
