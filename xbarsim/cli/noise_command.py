"""``xbarsim noise``: parse, compute, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.circuit_options import (
    check_one_circuit,
    check_untyped,
    circuit_options,
    crossbar_of,
    note_sweeps,
    output_names,
)
from xbarsim.cli.device_options import DeviceCommand, built_device
from xbarsim.cli.option_types import Command, Quantity, in_order
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.crossbar import Array, Crossbar
    from xbarsim.noise.noise_report import NoiseReport
    from xbarsim.plot.figures import Figure

_HELP = """Find the noise of a crossbar's output currents, and the bits that it leaves.

Thermal noise of wires, ends and cells, and what cells make beside it. With several rows of voltages, a sample of
inputs, also signal to noise, bits a read, and the converter worth paying for. Numbers take scales: 1k, 1meg, 100n.

\b
xbarsim noise --netlist xbar.sp --band 1,1meg
xbarsim noise --conductance g.npy --voltages inputs.npy --word-wire 1 \\
    --bit-wire 1 --band 1k,10meg --flicker 1e-9

Exit codes: 0 solved; 2 bad input; 3 not converged.
"""


def _cell(name: str, default: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=Quantity(), default=default, show_default=True, help=text)


_noise_options = in_order(
    click.option("--band", metavar="FROM,TO", default="1,1meg", show_default=True, help="Hertz."),
    click.option("--temperature", type=Quantity(), default="300", show_default=True, help="Kelvin."),
    _cell("--fano", "0", "Share of shot noise: 0 thermal noise alone, 1 electrons that know nothing of each other."),
    _cell("--flicker", "0", "Density at 1 Hz as a share of a cell's squared current."),
    _cell("--exponent", "1", "Of the frequency in flicker noise."),
    _cell("--telegraph", "0", "Share of a cell's current that a trap takes."),
    _cell("--occupancy", "0.5", "Share of the time that it does."),
    _cell("--lifetime", "1m", "Seconds that the trap remembers."),
)


@click.command(cls=DeviceCommand, help=_HELP)
@click.option("--netlist", metavar="FILE", help="A crossbar as a netlist.")
@circuit_options
@_noise_options
@output_options(quiet="Print each output's noise alone, no notes.", plot="Draw noise, correlations and bits")
def noise(netlist: str | None, **options: Any) -> None:
    """Compute, print and draw; ``_HELP`` says the rest."""
    output = Output.of(options)
    check_one_circuit(netlist, options["conductance"])
    report = _report(netlist, options, output)
    output.deliver(report, lambda: _drawn(report, netlist or options["conductance"]))


def _drawn(report: NoiseReport, source: str) -> Figure:
    from xbarsim.noise.noise_picture import draw

    return draw(report, Path(source).name)


def _report(netlist: str | None, options: dict[str, Any], output: Output) -> NoiseReport:
    with output.working():
        from xbarsim.noise import CellNoise, output_noise
        from xbarsim.noise.noise_report import NoiseReport

        band = _band(options["band"])
        with option_words():
            cells = CellNoise(
                **{
                    name: options[name]
                    for name in ("fano", "flicker", "exponent", "telegraph", "occupancy", "lifetime")
                }
            )
        crossbar, voltages, names = _of_netlist(netlist, output) if netlist else _of_matrices(options)
        with option_words():
            answer = output_noise(crossbar, voltages, band=band, temperature=options["temperature"], cells=cells)
        return NoiseReport(answer, crossbar.shape, names, band, options["temperature"])


def _of_matrices(options: dict[str, Any]) -> tuple[Crossbar, Array, tuple[str, ...]]:
    device = built_device(options)
    matrices = ("conductance", "voltages", "word_wire", "bit_wire", "driver", "sense")
    crossbar, voltages = crossbar_of(**{name: options[name] for name in matrices})
    crossbar = crossbar.with_cells(crossbar.conductance, device)
    return crossbar, voltages, tuple(f"i[{j}]" for j in range(crossbar.shape[1]))


def _of_netlist(path: str, output: Output) -> tuple[Crossbar, Array, tuple[str, ...]]:
    from xbarsim import netlist

    check_untyped("device")
    circuit = netlist.read(path)
    recognition = circuit.recognise()
    if recognition.crossbar is None or recognition.left_out is not None:
        raise InputError(
            f"{path} is no crossbar, whose noise could be told: {recognition.reason or recognition.left_out}"
        )
    note_sweeps(circuit, path, output.note)
    return recognition.crossbar, recognition.voltages, output_names(recognition)


def _band(text: str) -> tuple[float, float]:
    words = text.split(",")
    if len(words) != 2:
        raise click.BadParameter(f"{text!r} must be two frequencies with a comma between", param_hint="--band")
    try:
        low, high = (parse(word) for word in words)
    except InputError as error:
        raise click.BadParameter(str(error), param_hint="--band") from None
    return low, high
