"""The library's messages in the words of the command line: options for arguments, settings for classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import click

from xbarsim.errors import InputError

_DIGITAL = re.compile(r"\bdigital=\(((?:'[^']*',? ?)+)\)")
_EXTEND = re.compile(r'\bextend="(\w+)"')
_FIELD = re.compile(r"\b([A-Z]\w+)\.(\w+) is\b")
_WHOLE = re.compile(r"\b([A-Z]\w+) is made from (.*?): give its settings by name")
_VERBS = "is|are|has|must|names|holds|gives|and|of|needs"
"""What follows an argument where a message begins with its name."""


@contextmanager
def option_words(changes: Sequence[str] = (), options: Sequence[str] = ()) -> Iterator[None]:
    """Say an InputError that is raised inside in the caller's words.

    Parameters
    ----------
    changes : sequence of str
        What ``--set`` was given: ``Converter.bits`` is what of them ends in ``.bits``.
    options : sequence of str
        Classes whose fields are options of the same name.

    Raises
    ------
    InputError
        The same, in other words.
    """
    try:
        yield
    except InputError as error:
        text = translated(str(error), changes, options)
        if text == str(error):
            raise
        raise type(error)(text) from None


def spelled(text: str, parameters: Iterable[click.Parameter]) -> str:
    """Return a message with a command's options as they are typed, in the place of arguments of those names.

    ``word_wire is -1.0`` becomes ``--word-wire is -1.0``, and ``method="kron"`` ``--method kron``. Where a message
    begins any name counts; behind that, where it may be an everyday word, only one that no prose has.
    """
    flags = [flag for parameter in parameters for flag in parameter.opts if flag.startswith("--")]
    for flag in flags:
        name = flag.removeprefix("--").replace("-", "_")
        text = re.sub(rf"^{name}(?=(?:\[[\d, ]+\])? (?:{_VERBS})\b)", flag, text)
        text = re.sub(rf"""(?<![\w.-]){name}=(?:"([^"]*)"|'([^']*)')""", partial(_typed, flag), text)
        if "_" in name:
            text = re.sub(rf"(?<![\w./\\'\"-]){name}(?![\w/\\'\"=(-]|\.\w)", flag, text)
    return text


def _typed(flag: str, match: re.Match[str]) -> str:
    value = match[1] or match[2] or ""
    return f"{flag} {value}" if re.fullmatch(r"[\w.,/-]+", value) else f"{flag} '{value}'"


def translated(text: str, changes: Sequence[str], options: Sequence[str]) -> str:
    """Return a message with what the caller typed in the place of what Python would be told."""
    names = [change.partition("=")[0].strip() for change in changes]

    def field(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind in options:
            return f"--{name.replace('_', '-')} is"
        typed = [setting for setting in names if setting.rsplit(".", 1)[-1] == name]
        return f"{typed[-1]} is" if typed else match[0]

    def whole(match: re.Match[str]) -> str:
        kind, value = match.groups()
        typed = [setting for setting in names if setting.rsplit(".", 1)[-1].replace("_", "") == kind.lower()]
        return f"{typed[-1]} is {value}: give its settings by name, as {typed[-1]}.NAME=VALUE" if typed else match[0]

    text = _DIGITAL.sub(
        lambda match: " ".join(f"--digital {name}" for name in re.findall(r"'([^']*)'", match[1])), text
    )
    text = _EXTEND.sub(r"--extend \1", _FIELD.sub(field, _WHOLE.sub(whole, text)))
    return f"--{text}" if text.startswith("digital names") else text
