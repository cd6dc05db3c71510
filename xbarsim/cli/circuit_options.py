"""A crossbar on the command line: its matrices from files, its ends as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.option_types import Ohms, in_order, is_typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.crossbar import Array, Crossbar
    from xbarsim.netlist import Circuit
    from xbarsim.netlist.recognition import Recognition


def _ohms(name: str, text: str) -> Any:
    return click.option(name, type=Ohms(), default="0", show_default=True, help=text)


circuit_options = in_order(
    click.option("--conductance", metavar="FILE", help="Cells in siemens, rows x cols: .npy or .csv."),
    click.option("--voltages", metavar="FILE", help="Row voltages in volts: .npy or .csv; a row a vector."),
    _ohms("--word-wire", "Ohms of a word-line segment."),
    _ohms("--bit-wire", "Ohms of a bit-line segment."),
    _ohms("--driver", "Ohms from each row's source."),
    _ohms("--sense", "Ohms to each column's virtual ground."),
)
"""Adds the options that describe a crossbar by its matrices."""


def crossbar_of(
    conductance: str, voltages: str | None, word_wire: Any, bit_wire: Any, driver: Any, sense: Any
) -> tuple[Crossbar, Array]:
    """Return the crossbar and the voltages that options describe.

    Raises
    ------
    InputError
        A file is not what it should be.
    UsageError
        There are no voltages.
    """
    from xbarsim.cli.matrix_files import load, load_line, load_vectors
    from xbarsim.crossbar import Crossbar

    if voltages is None:
        raise click.UsageError("--conductance needs --voltages FILE, one voltage for each row")

    def ohms(value: Any, name: str) -> Any:
        if not isinstance(value, Path):
            return value
        return load_line(value, name) if name in ("driver", "sense") else load(value, name)

    crossbar = Crossbar(
        load(conductance, "conductance"),
        word_wire=ohms(word_wire, "word_wire"),
        bit_wire=ohms(bit_wire, "bit_wire"),
        driver=ohms(driver, "driver"),
        sense=ohms(sense, "sense"),
    )
    return crossbar, load_vectors(voltages, "voltages", *crossbar.shape)


def check_one_circuit(netlists: Any, conductance: str | None) -> None:
    """Refuse both ways to give a circuit, and neither."""
    if bool(netlists) == (conductance is not None):
        raise click.UsageError("give either --netlist FILE, or --conductance FILE and --voltages FILE")


def check_untyped(*more: str) -> None:
    """Refuse options that describe a crossbar by its matrices, and others, beside a netlist."""
    for name in ("conductance", "voltages", "word_wire", "bit_wire", "driver", "sense", *more):
        if is_typed(name):
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --conductance; a netlist says it itself")


def note_sweeps(circuit: Circuit, path: str, note: Callable[[str], None]) -> None:
    """Say that a netlist's sweeps are not what is answered."""
    if any(
        getattr(run, "axes", ()) or getattr(getattr(run, "analysis", run), "sweeps", ()) for run in circuit.analyses
    ):
        note(f"{path}: sweeps are left out: sources are at their dc values, what .step varies at its first")


def output_names(recognition: Recognition) -> tuple[str, ...]:
    """Return what a netlist's crossbar's outputs are called: by their last nodes, or by their numbers."""
    names = [str(name) for name in recognition.node_names("bit")[-1]]
    return tuple(f"i[{j}]" if name in ("", "0") else name for j, name in enumerate(names))
