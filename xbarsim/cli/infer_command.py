"""``xbarsim infer``: parse, run a network on chips, print."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.hardware_options import built_hardware, chip_seeds, hardware_options, seed_options
from xbarsim.cli.infer_sweep import check_alone, sweep_options, swept
from xbarsim.cli.map_options import LIMIT, SETTING, map_options
from xbarsim.cli.model_options import check_width, chosen_source, model_options
from xbarsim.cli.network_options import check_torch, data_options
from xbarsim.cli.option_types import Count, Quantity, is_typed
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference_report import InferenceReport
    from xbarsim.nn.model_sources import Source
    from xbarsim.plot.figures import Figure

_HELP = """Run a network through the circuits of its chips: accuracy, and the error of each layer.

\b
xbarsim infer --model mlp --data digits --hardware rram-64
xbarsim infer --model mlp.pt --data mnist --set wires.word=2 \\
    --set wires.bit=2 --plot mlp.png
xbarsim infer --model mlp.pt --data mnist --set cells.drift.nu=0.05 \\
    --time 1 --time 3600 --compensate-drift
xbarsim infer --set energy.read=100n --set energy.adc=2p
xbarsim infer --sweep wires.word+wires.bit=0,1,2,5 --sweep adc.bits=4,6,8 \\
    --store wires.sqlite
xbarsim infer --model vgg-small.pt --data cifar10 --maps recompute \\
    --batch 1000
xbarsim infer --model mynets:build --weights mine.pt --data cifar10 \\
    --mean 0.49,0.48,0.45 --std 0.2

--model is a name of the zoo (mlp, lenet, vgg-small, resnet-8, resnet-18, binary-mlp, binary-vgg, linear), a checkpoint
of xbarsim train, or module:function (or file.py:function) that returns a torch module. A name of the zoo without
--weights is trained first; of large data only if --epochs says for how long.

Exit codes: 0 done; 2 bad input; 3 not solved.
"""


@click.command(help=_HELP)
@model_options()
@data_options("digits")
@click.option("--limit", type=Count(least=1), default=None, help="Use the first N test images.")
@click.option("--batch", type=Count(least=1), default=64, show_default=True, help="Images at a time.")
@hardware_options()
@click.option("--digital", metavar="LAYER", multiple=True, help="Leave a layer in torch; repeatable.")
@seed_options()
@sweep_options()
@click.option(
    "--calibration", type=Count(least=1), default=128, show_default=True, help="Training images for converters' ranges."
)
@click.option(
    "--time",
    "times",
    type=Quantity(),
    multiple=True,
    metavar="SECONDS",
    help="When cells that drift are read, after programming; repeatable.",
)
@map_options()
@click.option("--compensate-drift", is_flag=True, help="Each layer makes up for drift by one digital number.")
@output_options(quiet="Print accuracies alone, no notes.", plot="Draw accuracies and errors of layers")
def infer(**options: Any) -> None:
    """Run, print and draw; ``_HELP`` says the rest."""
    check_torch()
    if options["sweeps"]:
        _sweep(options)
        return
    check_alone(options)
    output = Output.of(options)
    with option_words(options["changes"], ("TrainSettings",)):
        report = _report(options, output)
    output.deliver(report, lambda: _drawn(report))


def _sweep(options: dict[str, Any]) -> None:
    drawn = options["plot"]
    output = Output.of(options)
    report, whole = swept(options | {"plot": drawn}, output)
    output.deliver(report)
    if not whole:
        errors = {text: None for row in report.combinations for text in row.errors}
        for text in errors:
            announce.say(f"error: {text}")
        raise click.exceptions.Exit(3)


def _drawn(report: InferenceReport) -> Figure:
    from xbarsim.nn.accuracy_picture import draw

    return draw(report)


def _report(options: dict[str, Any], output: Output) -> InferenceReport:
    start = time.perf_counter()
    with output.working() as progress:
        from xbarsim.nn.inference import infer as run
        from xbarsim.nn.inference_report import InferenceReport

        hardware = built_hardware(options["hardware"], options["changes"], options["fidelity"], energy=True)
        seeds = chip_seeds(options["first_seed"], options["seeds"])
        times = _times(hardware, options["times"], options["compensate_drift"])
        _check_idle(hardware, options)
        seconds: dict[str, float] = {}
        source = _source(options, hardware, output, progress, seconds)
        ready = time.perf_counter()
        inference = run(
            source.model,
            source.dataset,
            hardware,
            seeds=seeds,
            digital=options["digital"],
            batch=options["batch"],
            calibration=options["calibration"],
            times=times,
            compensate=options["compensate_drift"],
            map_storage=options["map_storage"],
            memory=options["memory"],
            progress=progress,
            report=lambda chip: output.say(f"chip {chip.seed}: {chip.accuracy:.2%} in {chip.seconds:.1f} s"),
        )
    seconds |= {"inference": time.perf_counter() - ready, "total": time.perf_counter() - start}
    if inference.alike and len(seeds) > 1:
        output.note("all chips are alike: nothing in this hardware differs from one to the next")
    facts = source.dataset.facts()
    name = " ".join([options["hardware"], *options["changes"]])
    return InferenceReport(
        source.name, source.weights, facts, name, hardware, options["digital"], inference, seconds,
        options["compensate_drift"],
    )  # fmt: skip


def _times(hardware: Hardware, times: tuple[float, ...], compensate: bool) -> list[float]:
    from xbarsim.nn.inference import checked_times

    try:
        return checked_times(hardware, times, compensate)
    except InputError as error:
        option = "--time" if times or hardware.cells.drift else "--compensate-drift"
        raise InputError(f"{option}: {error}") from None


def _check_idle(hardware: Hardware, options: dict[str, Any]) -> None:
    """Refuse options that would change nothing."""
    from xbarsim.nn.ranges import wants_data

    if is_typed("calibration") and not wants_data(hardware) and hardware.energy is None:
        raise InputError(
            "--calibration changes nothing: no converter of this hardware has a range from data (--set adc.bits=8 has)"
        )
    check_width(options["model"])


def _source(
    options: dict[str, Any],
    hardware: Hardware,
    output: Output,
    progress: Callable[[str], None],
    seconds: dict[str, float],
) -> Source:
    from xbarsim.nn.inference import on_hardware
    from xbarsim.nn.planning import footprint_of

    def check(source: Source) -> None:
        """Refuse what does not fit, or does not go onto the hardware."""
        choices = {name: options[name] for name in ("digital", "batch", "map_storage", "memory")}
        footprint_of(source.model, source.dataset, hardware, **choices).check(SETTING, LIMIT)
        on_hardware(source.model, hardware, digital=options["digital"])

    return chosen_source(
        options,
        output,
        progress,
        seconds,
        cut=lambda data: data.limited(test=options["limit"]),
        check=check,
    )
