"""``xbarsim infer``: parse, run a network on chips, print."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.network_options import check_torch, data_options, dataset
from xbarsim.cli.option_types import Count, Quantity, is_typed
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference_report import InferenceReport
    from xbarsim.nn.model_sources import Source

_HELP = """Run a network through the circuits of its chips: accuracy, and the error of each layer.

\b
xbarsim infer --model mlp --data digits --hardware rram-64
xbarsim infer --model mlp.pt --data mnist --set wires.word=2 --set wires.bit=2 --plot mlp.png
xbarsim infer --model mlp.pt --data mnist --set cells.drift.nu=0.05 --time 1 --time 3600 --compensate-drift
xbarsim infer --model mynets:build --weights mine.pt --data cifar10 --mean 0.49,0.48,0.45 --std 0.2

--model is a name of the zoo (mlp, lenet, vgg-small, resnet-8, binary-mlp, binary-vgg, linear), a checkpoint of
xbarsim train, or module:function (or file.py:function) that returns a torch module. A name of the zoo without
--weights is trained first; of large data only if --epochs says for how long.

Exit codes: 0 done; 2 bad input; 3 not solved.
"""

_QUICK = ("digits", "mnist", "fashion-mnist")  # trained without being asked


@click.command(help=_HELP)
@click.option("--model", default="mlp", show_default=True, help="The network.")
@click.option("--weights", metavar="FILE", help="Its weights: a checkpoint, or a state dict of torch.save.")
@click.option("--width", type=Quantity(above=0.0), default=1.0, show_default=True, help="Of a network of the zoo.")
@click.option("--epochs", type=Count(least=1), default=None, help="Train for so long first [10].")
@data_options("digits")
@click.option("--limit", type=Count(least=1), default=None, help="Use the first N test images.")
@click.option("--batch", type=Count(least=1), default=64, show_default=True, help="Images at a time.")
@click.option("--hardware", default="rram-64", show_default=True, help="rram-64, rram-64-8bit, rram-128, or a JSON.")
@click.option(
    "--set", "changes", metavar="NAME=VALUE", multiple=True, help="Change the hardware: wires.word=2; repeatable."
)
@click.option("--fidelity", type=click.Choice(["accurate", "ideal"]), default=None, help="The circuit, or no wires.")
@click.option("--digital", metavar="LAYER", multiple=True, help="Leave a layer in torch; repeatable.")
@click.option("--seeds", type=Count(), default=5, show_default=True, help="How many chips.")
@click.option("--first-seed", type=Count(), default=0, show_default=True, help="The first chip.")
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
@click.option("--compensate-drift", is_flag=True, help="Each layer makes up for drift by one digital number.")
@output_options(quiet="Print accuracies alone, no notes.", plot="Draw accuracies and errors of layers")
def infer(**options: Any) -> None:
    """Run, print and draw; ``_HELP`` says the rest."""
    check_torch()
    output = Output.of(options)
    with option_words(options["changes"], ("TrainSettings",)):
        report = _report(options, output)
    output.deliver(report, lambda path: _drawn(report, path))


def _drawn(report: InferenceReport, path: str) -> list[str]:
    from xbarsim.nn.accuracy_picture import draw
    from xbarsim.plot import save

    return save(draw(report), path)


def _report(options: dict[str, Any], output: Output) -> InferenceReport:
    start = time.perf_counter()
    with output.working() as progress:
        from xbarsim.nn.inference import infer as run
        from xbarsim.nn.inference_report import InferenceReport

        hardware = _hardware(options["hardware"], options["changes"], options["fidelity"])
        seeds = _seeds(options["first_seed"], options["seeds"])
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
    from xbarsim.nn.zoo import MODELS

    if is_typed("calibration") and not wants_data(hardware):
        raise InputError(
            "--calibration changes nothing: no converter of this hardware has a range from data (--set adc.bits=8 has)"
        )
    if is_typed("width") and options["model"] not in MODELS:
        raise InputError(f"--width changes nothing: it is of a network of the zoo by name, not of {options['model']}")


def _seeds(first: int, count: int) -> range:
    if count < 1 or first < 0:
        raise click.UsageError(f"--seeds is {count} and --first-seed {first}: give at least one chip, from seed 0 on")
    return range(first, first + count)


def _source(
    options: dict[str, Any],
    hardware: Hardware,
    output: Output,
    progress: Callable[[str], None],
    seconds: dict[str, float],
) -> Source:
    """Return the network with weights; one of the zoo is trained if it has none."""
    from xbarsim.nn import model_sources
    from xbarsim.nn.inference import on_hardware

    start = time.perf_counter()
    progress("data")
    width, scaled = options["width"], options["mean"] is not None or options["std"] is not None
    data = dataset(options["data"], options["data_folder"], options["mean"], options["std"])
    data = data.limited(test=options["limit"])
    source = model_sources.find(options["model"], data, weights=options["weights"], width=width, scaled=scaled)
    # What cannot be put on the hardware is said before it is trained.
    on_hardware(source.model, hardware, digital=options["digital"])
    seconds["data and model"] = time.perf_counter() - start
    if is_typed("width") and source.width not in (None, width):
        raise InputError(f"--width is {width:g} and {source.weights} holds a network of width {source.width:g}")
    if source.trained:
        if options["epochs"] is not None:
            raise click.UsageError("--epochs goes with a network that has no weights yet; this one has")
        return source
    start = time.perf_counter()
    source = _trained(source, options, output, progress)
    seconds["training"] = time.perf_counter() - start
    return source


def _trained(source: Source, options: dict[str, Any], output: Output, progress: Callable[[str], None]) -> Source:
    from dataclasses import replace

    from xbarsim.nn import zoo
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    data = source.dataset
    command = f"xbarsim train --model {options['model']} --data {options['data']} -o {options['model']}.pt"
    if options["epochs"] is None and data.name not in _QUICK:
        raise InputError(
            f"{options['model']} has no weights, and training it on {data.name} takes long: {command}, "
            f"then --model {options['model']}.pt; or --epochs N trains it now"
        )
    length = {} if options["epochs"] is None else {"epochs": options["epochs"]}
    settings = TrainSettings(batch=usual_batch(data), augment=data.name == "cifar10", **length)
    output.note(f"{options['model']} has no weights, so it is trained first; {command} keeps them")
    model = zoo.build(options["model"], data.shape, len(data.classes), width=options["width"], seed=settings.seed)
    Training(model, data, settings).run(progress=lambda text: progress(f"training: {text}"))
    words = f"trained for {settings.epochs} epochs on {len(data.train)} images, seed {settings.seed}"
    return replace(source, model=model.eval(), weights=words, trained=True)


def _hardware(name: str, changes: tuple[str, ...], fidelity: str | None) -> Hardware:
    from xbarsim.nn.hardware import PRESETS, Hardware, preset

    if name in PRESETS:
        hardware = preset(name)
    elif Path(name).is_file() or name.endswith(".json"):
        hardware = Hardware.from_json(Path(name))
    else:
        raise InputError(f"hardware is {name!r}: give {', '.join(PRESETS)}, or a JSON file of settings")
    record = hardware.to_dict()
    for change in changes:
        _change(record, change)
    if fidelity is not None:
        record["fidelity"] = fidelity
    try:
        hardware = Hardware.from_dict(record)
    except InputError as error:
        raise InputError(f"--set: {error}" if changes else str(error)) from None
    _check_effect(hardware, [change.partition("=")[0].strip() for change in changes], fidelity is not None)
    return hardware


def _check_effect(hardware: Hardware, names: list[str], fidelity: bool) -> None:
    """Refuse what is set without effect, but beside the setting that takes its effect away: so sweeps reach 0."""
    for name in names:
        why = hardware.idle.get(name)
        if why is not None and why not in names and not (why == "fidelity" and fidelity):
            value: Any = hardware
            for part in why.split("."):
                value = getattr(value, part)
            raise InputError(f"--set: {name} changes nothing while {why} is {value}: set that too, or leave {name} out")


def _change(record: dict[str, Any], change: str) -> None:
    """Put ``wires.word=2`` into nested settings; an effect that is off is turned on."""
    name, equals, text = change.partition("=")
    *above, last = name.strip().split(".")
    if not equals or not last:
        raise click.BadParameter(f"{change!r} is not NAME=VALUE, as wires.word=2", param_hint="--set")
    for part in above:
        if record.get(part) is None:
            record[part] = {}
        record = record[part]
        if not isinstance(record, dict):
            raise click.BadParameter(f"{change!r}: {part} has no settings of its own", param_hint="--set")
    try:
        record[last] = json.loads(text)
    except json.JSONDecodeError:
        record[last] = _typed(text.strip())


def _typed(text: str) -> float | str:
    """Return a number with a scale, as ``1k``, or the word as it is."""
    if text[:1].isdigit() or text[:1] in ("+", "-", "."):
        try:
            return parse(text)
        except InputError as error:
            if "ambiguous" in str(error):
                raise click.BadParameter(str(error), param_hint="--set") from None
    return text
