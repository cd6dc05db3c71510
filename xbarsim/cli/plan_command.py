"""``xbarsim plan``: parse, look at a network's shapes and a few arrays, print."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.hardware_options import built_hardware, hardware_options
from xbarsim.cli.map_options import LIMIT, SETTING, map_options
from xbarsim.cli.network_options import check_torch
from xbarsim.cli.option_types import Count, Quantity, is_typed
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.nn.footprint_report import FootprintReport
    from xbarsim.nn.model_sources import Sketch

_HELP = """Say what a network on crossbars takes, before it is made: arrays, cells, memory and time.

\b
xbarsim plan --model resnet-18 --hardware rram-64
xbarsim plan --model mlp.pt --hardware rram-128 \\
    --set cells.variation.sigma=0.1 --batch 256
xbarsim plan --model mynets:build --input 3x224x224 --maps recompute \\
    --memory 4G --format json

--model is a name of the zoo, a checkpoint of xbarsim train, or module:function. Arrays, cells and bytes are counted
from shapes. Seconds are reckoned from a few arrays of the hardware, programmed and run here for less than a second, and
from one pass of the model itself through torch.

Exit codes: 0 done, whether it fits or not; 2 bad input.
"""


class InputShape(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A shape, as ``3x32x32``."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return whole numbers."""
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", value):
            self.fail(f"{value!r} is no shape: give whole numbers with x between, as 3x32x32", param, ctx)
        return tuple(int(size) for size in value.split("x"))


@click.command(help=_HELP)
@click.option("--model", default="mlp", show_default=True, help="The network.")
@click.option("--width", type=Quantity(above=0.0), default=1.0, show_default=True, help="Of a network of the zoo.")
@click.option(
    "--input", "shape", type=InputShape(), default=None, help="One input [3x32x32 in the zoo; a checkpoint's own]."
)
@click.option("--classes", type=Count(least=2), default=10, show_default=True, help="Outputs of a network of the zoo.")
@click.option("--batch", type=Count(least=1), default=1, show_default=True, help="Inputs at a time.")
@hardware_options()
@click.option("--digital", metavar="LAYER", multiple=True, help="Leave a layer in torch; repeatable.")
@map_options()
@click.option("--threads", type=Count(least=1), default=None, help="For the circuits [all cores].")
@output_options(quiet="Print totals alone.")
def plan(**options: Any) -> None:
    """Count, try, print; ``_HELP`` says the rest."""
    check_torch()
    output = Output.of(options)
    with option_words(options["changes"]):
        report = _report(options, output)
    output.deliver(report)


def _report(options: dict[str, Any], output: Output) -> FootprintReport:
    with output.working() as progress:
        from xbarsim.nn.footprint_report import FootprintReport
        from xbarsim.nn.planning import plan as planned

        hardware = built_hardware(options["hardware"], options["changes"], options["fidelity"])
        progress("the model")
        sketch = _sketch(options)
        progress("a few arrays")
        footprint = planned(
            sketch.model,
            hardware,
            sketch.inputs(options["batch"]),
            digital=options["digital"],
            map_storage=options["map_storage"],
            threads=options["threads"],
            memory=options["memory"],
        )
    if not sketch.shape:
        output.note("without --input neither memory nor time of what goes through is known")
    name = " ".join([options["hardware"], *options["changes"]])
    shape = "x".join(map(str, sketch.shape))
    words = f"{options['batch']} x {shape} at a time" if shape else "inputs not known"
    return FootprintReport(sketch.name, name, hardware, words, footprint, footprint.verdict(SETTING, LIMIT))


def _sketch(options: dict[str, Any]) -> Sketch:
    from xbarsim.cli.model_options import check_width
    from xbarsim.nn import model_sources, zoo

    check_width(options["model"])
    if is_typed("classes") and options["model"] not in zoo.MODELS:
        raise InputError(f"--classes changes nothing: it is of a network of the zoo by name, not of {options['model']}")
    return model_sources.sketched(options["model"], options["shape"], options["classes"], width=options["width"])
