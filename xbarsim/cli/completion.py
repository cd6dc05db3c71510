"""What a shell asks when a key is pressed in the middle of a command: options, choices, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
from click.shell_completion import CompletionItem, shell_complete

VARIABLE = "_XBARSIM_COMPLETE"
"""Set by the shell's script: ``bash_source`` prints that script, ``bash_complete`` answers it."""

_KINDS = {"FILE": "file", "FILES": "file", "DIR": "dir", "TARGET": "file"}


def answer(cli: click.Group, instruction: str) -> int:
    """Print what the shell asked for, and return the exit code."""
    for parameter in _parameters(cli):
        kind = _KINDS.get(str(parameter.metavar or parameter.human_readable_name).strip("[].").upper())
        if kind is not None:
            # click knows files by their types; here they are words, whose messages are our own.
            parameter._custom_shell_complete = _paths(kind)
    return shell_complete(cli, {}, "xbarsim", VARIABLE, instruction)


def _paths(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def paths(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type=kind)]

    return paths


def _parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for part in command.commands.values():
            yield from _parameters(part)
