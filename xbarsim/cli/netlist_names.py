"""The netlists of a command line: words behind ``--netlist``, standard input, or a list of names that comes there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import IO, BinaryIO

import click

from xbarsim.errors import InputError
from xbarsim.quantities import parse

OPTION = "--netlist"
STANDARD_INPUT = "-"
NAME_LIST = "-0"

_CHUNK = 65536
_LONGEST = 1 << 20
"""Bytes of a name; what is longer is no list."""


class NetlistCommand(click.Command):
    """A command whose ``--netlist`` takes every word up to the next option, as a shell's ``*.sp`` gives them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a command line."""
        return super().parse_args(ctx, repeated(args))


def repeated(words: Sequence[str]) -> list[str]:
    """Return a command line with ``--netlist`` before each of its names; behind ``--`` a name may begin with a dash."""
    spread: list[str] = []
    naming = False
    remaining = iter(words)
    for word in remaining:
        if word == OPTION:
            spread += [word, *next(([name] for name in remaining), [])]
            naming = True
        elif word.startswith(f"{OPTION}="):
            spread.append(word)
            naming = True
        elif naming and word == "--":
            spread += [f"{OPTION}={name}" for name in remaining]
        elif naming and (not word.startswith("-") or word in (STANDARD_INPUT, NAME_LIST)):
            spread += [OPTION, word]
        else:
            spread.append(word)
            naming = False
    return spread


def check_words(words: Sequence[str]) -> None:
    """Refuse what names no netlist at all, or would read standard input twice or where it is closed.

    Raises
    ------
    UsageError
        It does.
    """
    if list(words) == [""]:
        raise click.UsageError(f"{OPTION} has an empty name: give the name of a file")
    readers = [word for word in words if word in (STANDARD_INPUT, NAME_LIST)]
    if len(readers) > 1:
        raise click.UsageError(f"{OPTION} {' and '.join(readers)}: standard input is read once, by one of them")
    if readers and sys.stdin is None:
        raise click.UsageError(f"{OPTION} {readers[0]}: standard input is closed")


def parameters_of(words: Sequence[str]) -> dict[str, float]:
    """Return the parameters that ``NAME=VALUE`` words set.

    Raises
    ------
    BadParameter
        One is no such word, or two set the same parameter.
    """
    parameters: dict[str, float] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not name or not equals:
            raise click.BadParameter(f"{word!r} is not NAME=VALUE, as rw=2", param_hint=["--param"])
        if name.lower() in parameters:
            raise click.BadParameter(f"{name} is set twice: give it once", param_hint=["--param"])
        try:
            parameters[name.lower()] = parse(text)
        except InputError as error:
            raise click.BadParameter(f"{name}: {error}", param_hint=["--param"]) from None
    return parameters


def sources(words: Sequence[str]) -> Iterator[tuple[str, str | IO[str]]]:
    """Yield what each netlist is called and where it is read from, those of a list as they come.

    Raises
    ------
    InputError
        The list holds no names, or is none.
    """
    for word in words:
        if word == STANDARD_INPUT:
            yield "<stdin>", standard_input()
        elif word == NAME_LIST:
            yield from ((name, name) for name in listed(sys.stdin.buffer))
        else:
            yield word, word


def standard_input() -> IO[str]:
    """Return stdin as UTF-8 whatever the locale; the reader names a line that is not."""
    return TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="")


def listed(stream: BinaryIO) -> Iterator[str]:
    """Yield names that end with NUL, each when it is there; the last may end with the list.

    Raises
    ------
    InputError
        There are none, or they end with newlines.
    """
    tail = b""
    count = 0
    while chunk := stream.read1(_CHUNK):  # type: ignore[attr-defined]
        *names, last = chunk.split(b"\0")
        if names:
            names[0], tail = tail + names[0], last
        else:
            tail += last
        if len(tail) > _LONGEST:
            raise InputError(f"{OPTION} {NAME_LIST}: a name of over {_LONGEST} bytes: {_FORM}")
        for name in names:
            count += 1
            yield os.fsdecode(name)
    if not (tail or count):
        raise InputError(f"{OPTION} {NAME_LIST}: standard input holds no names: {_FORM}")
    if tail:
        # Not Path.exists(), to which what is too long for a name is an error.
        if not count and b"\n" in tail and not os.path.exists(tail):  # noqa: PTH110
            raise InputError(f"{OPTION} {NAME_LIST}: the names on standard input end with newlines: {_FORM}")
        yield os.fsdecode(tail)


_FORM = "give names that end with NUL, as find -print0 writes them and tr '\\n' '\\0' makes them"
