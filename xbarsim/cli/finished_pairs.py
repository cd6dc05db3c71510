"""Finished pairs of ``xbarsim mitigate`` on disk: beside the output, gone on with, removed when all is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.errors import InputError, SolveError
from xbarsim.files import checked_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.cli.output import Output
    from xbarsim.mitigation.partial_file import PartialFile
    from xbarsim.mitigation.study_report import MitigationReport
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.model_sources import Source
    from xbarsim.plot.figures import Figure


def command_facts(source: Source, hardware: Hardware, swept: str | None, method_seed: int) -> dict[str, Any]:
    """Return what numbers depend on, but for methods and chips."""
    from xbarsim import __version__
    from xbarsim.mitigation import Plan
    from xbarsim.nn.training import fingerprint

    data = source.dataset
    assert data.validation is not None
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    facts = {name: value for name, value in data.facts().items() if name != "source"}
    return {
        "model": source.name,
        "weights": Plan.of(source.model).fingerprint(),
        "data": {**facts, **{f"{name}_content": fingerprint(split) for name, split in splits.items()}},
        "hardware": hardware.to_dict(),
        "method seed": method_seed,
        "--against": swept,
        "xbarsim": __version__,
    }


def partial_paths(output: Output, resume: str | None) -> tuple[Path | None, Path | None]:
    """Return where finished pairs go, if anywhere, and the file that is gone on with, if there is one.

    Raises
    ------
    InputError
        The file to go on with is not there, that to write cannot be written, or another command's is there.
    """
    source = None
    if resume is not None:
        beside = Path(f"{resume}.partial")
        source = beside if beside.is_file() else Path(resume)
        if not source.is_file():
            raise InputError(f"--resume {resume}: there is no such file, nor {beside}: leave --resume out to begin")
    path = source
    if output.path is not None:
        target = Path(output.path)
        # What is no file, a pipe, has none beside it.
        path = Path(f"{output.path}.partial") if target.is_file() or not target.exists() else None
    if path is not None:
        checked_target(path)
        if path.exists() and (source is None or source.resolve() != path.resolve()):
            raise InputError(
                f"{path} is there, of a command that was stopped: --resume {path} goes on with it, or remove it"
            )
    return path, source


def interrupted(state: list[PartialFile]) -> str:
    """Return what is said on Ctrl-C: where finished pairs are, if there are any."""
    if not state or state[0].path is None or not state[0].is_safe:
        return "interrupted"
    path = state[0].path
    return f"interrupted; what is finished is in {path}, the same command with --resume {path} goes on"


def deliver_whole(report: MitigationReport, partial: PartialFile, output: Output, draw: Callable[[], Figure]) -> None:
    """Print or write all of it, and remove the file of pairs when it is not needed any more."""

    def drawn() -> Figure:
        partial.remove()
        return draw()

    try:
        output.deliver(report, drawn)
    except InputError as error:
        if partial.is_safe and partial.path is not None and partial.path.exists():
            raise InputError(f"{error}; all is in {partial.path}: --resume {partial.path} writes it") from None
        if output.path is not None and "the numbers are whole" not in str(error):
            click.echo(report.as_json())
            raise InputError(f"{error}; all is printed instead") from None
        raise
    partial.remove()
    empty = [row for row in report.rows if not row.result.records]
    if empty:
        failure = next(failure for _, name, failure in report.failures if name == empty[0].name)
        raise SolveError(f"{empty[0].name} came to no end on any chip: {failure.message}")
