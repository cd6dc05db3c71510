"""The results of a circuit's variants put together as one sweep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from xbarsim.analysis.results import AnalysisResult, Integration
from xbarsim.analysis.transients import trimmed
from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist.analyses import Family

_NUMBER = re.compile(r"\d[\d.]*(?:e[-+]?\d+)?")


def places_of(family: Family) -> Iterator[tuple[int, ...]]:
    """Yield the places of all variants along the axes, the first axis the fastest."""
    sizes = tuple(axis.values.size for axis in family.axes)
    for place in np.ndindex(*sizes[::-1]):
        yield place[::-1]


def named_place(family: Family, place: tuple[int, ...]) -> str:
    """Return what a variant's values are, for messages.

    Parameters
    ----------
    family : Family
        Variants of a circuit.
    place : tuple of int
        Which value of each axis.
    """
    values = {axis.name: float(axis.values[at]) for axis, at in zip(family.axes, place, strict=True)}
    return ", ".join(f"{name} = {value:g}" for name, value in (family.altered | values).items())


def add_notes(notes: list[str], more: Sequence[str], file: str) -> None:
    """Add a variant's notes to those of the circuit; where they differ in numbers only, one note says so for all.

    Parameters
    ----------
    notes : list of str
        Those that there are; it is changed.
    more : sequence of str
        A variant's.
    file : str
        The netlist's.
    """
    kinds = {_NUMBER.sub("0", note) for note in notes}
    fresh = [note for note in more if note not in notes]
    notes += [note for note in fresh if _NUMBER.sub("0", note) not in kinds]
    alike = f"{file}: notes name the values of one point of a sweep, others have their own"
    if any(_NUMBER.sub("0", note) in kinds for note in fresh) and alike not in notes:
        notes.append(alike)


def joined(family: Family, results: Sequence[AnalysisResult]) -> AnalysisResult:
    """Return one result of all variants, in the order of ``places_of``.

    Parameters
    ----------
    family : Family
        Variants of a circuit, and their axes.
    results : sequence of AnalysisResult
        One for each variant.

    Raises
    ------
    InputError
        The variants have different nodes or sources.
    """
    first = results[0]
    if not family.axes:
        return replace(trimmed(first), altered=dict(family.altered))
    for place, result in zip(places_of(family), results, strict=True):
        if result.nodes != first.nodes or result.branches != first.branches:
            raise InputError(
                f"at {named_place(family, place)} the circuit has other nodes or sources than before, which makes no"
                " sweep: solve it as a netlist of its own"
            )
    sweep = [*first.sweep, *((axis.name, axis.values) for axis in family.axes)]
    order = [sweep[k] for k in family.order]
    # In an array the slowest comes first.
    shape = tuple(values.size for _, values in reversed(sweep))
    axes = [len(sweep) - 1 - k for k in reversed(family.order)]

    def column(pieces: list[Array]) -> Array:
        whole = np.concatenate(pieces)
        inner = whole.shape[1:]
        turned = whole.reshape(*shape, *inner).transpose(*axes, *range(len(shape), len(shape) + len(inner)))
        return np.ascontiguousarray(turned.reshape(-1, *inner))

    same_outputs = all(result.outputs == first.outputs for result in results) and bool(first.outputs)
    ideal = [result.ideal for result in results if result.ideal is not None]
    worst = max(results, key=lambda result: result.residual)
    return AnalysisResult(
        "dc" if first.kind == "op" else first.kind,
        order,
        first.nodes,
        column([result.voltages for result in results]),
        first.branches,
        column([result.currents for result in results]),
        column([np.atleast_1d(result.power) for result in results]),
        worst.residual,
        worst.how,
        first.outputs if same_outputs else [],
        column([result.output_currents for result in results]) if same_outputs else np.zeros((0, 0)),
        column(ideal) if same_outputs and len(ideal) == len(results) else None,
        readings={
            text: column([result.readings[text] for result in results])
            for text in first.readings
            if all(text in result.readings for result in results)
        },
        repeats=family.repeats,
        altered=dict(family.altered),
        units={axis.name: axis.unit for axis in family.axes},
        integration=_runs_together(family, results),
        internal=tuple(run for result in results for run in result.internal),
        inside=first.inside if all(result.inside == first.inside for result in results) else (),
    )


def _runs_together(family: Family, results: Sequence[AnalysisResult]) -> Integration | None:
    """Return how the runs of all variants went; None if they were none."""
    runs = [result.integration for result in results if result.integration is not None]
    if not runs:
        return None
    problems = [
        f"{run.problem} (at {named_place(family, place)})"
        for place, run in zip(places_of(family), runs, strict=True)
        if not run.complete
    ]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    accepted, rejected = (sum(getattr(run, name) for run in runs) for name in ("accepted", "rejected"))
    return Integration(accepted, rejected, not problems, problems[0] + more if problems else "")
