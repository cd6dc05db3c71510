"""``xbarsim infer``: parse, run a network on chips, print."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.delivery import checked_places, deliver, drawn
from xbarsim.cli.network_options import data_options, dataset, need_torch
from xbarsim.cli.option_types import Count, Quantity
from xbarsim.cli.option_words import option_words
from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference import ChipResult
    from xbarsim.nn.inference_report import InferenceReport
    from xbarsim.nn.model_sources import Source

_HELP = """Run a network through the circuits of its chips: accuracy, and the error of each layer.

\b
xbarsim infer --model mlp --data digits --hardware rram-64
xbarsim infer --model mlp.pt --data mnist --set wires.word=2 --set wires.bit=2 --plot mlp.png
xbarsim infer --model mlp.pt --data mnist --set cells.drift.nu=0.05 --time 1 --time 3600 --compensate-drift
xbarsim infer --model mynets:build --weights mine.pt --data cifar10 --mean 0.49,0.48,0.45 --std 0.2

--model is a name of the zoo (mlp, lenet, vgg-small, resnet-8, binary-mlp, binary-vgg), a checkpoint of xbarsim
train, or module:function (or file.py:function) that returns a torch module. A name of the zoo without --weights is
trained first; of large data only if --epochs says for how long.

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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--output", "-o", metavar="FILE", help="Write there, whole or not at all, instead of printing.")
@click.option("--plot", metavar="FILE", help="Draw accuracies and errors of layers: .png, .svg or .pdf.")
def infer(as_json: bool, output: str | None, plot: str | None, **given: Any) -> None:
    """Run, print and draw; ``_HELP`` says the rest."""
    need_torch()
    checked_places(output, plot)
    with option_words(given["changes"], ("TrainSettings",)):
        report = _report(given)
    deliver(report.as_json() if as_json else report.as_table(), output)
    if plot is not None:
        from xbarsim.nn.accuracy_picture import draw
        from xbarsim.plot import save

        drawn(lambda: save(draw(report), plot))


def _report(given: dict[str, Any]) -> InferenceReport:
    from xbarsim.cli import interrupt
    from xbarsim.resources import thread_count

    thread_count()
    start = time.perf_counter()
    with interrupt.immediate("xbarsim: interrupted"):
        from xbarsim.nn.inference import infer as run
        from xbarsim.nn.inference_report import InferenceReport

        hardware = _hardware(given["hardware"], given["changes"], given["fidelity"])
        seeds = _seeds(given["first_seed"], given["seeds"])
        times = _times(hardware, given["times"], given["compensate_drift"])
        _see_options(hardware, given)
        seconds: dict[str, float] = {}
        with announce.compilation(), announce.stages(True) as progress:
            source = _source(given, hardware, progress, seconds)
            ready = time.perf_counter()
            found = run(
                source.model,
                source.dataset,
                hardware,
                seeds=seeds,
                digital=given["digital"],
                batch=given["batch"],
                calibration=given["calibration"],
                times=times,
                compensate=given["compensate_drift"],
                progress=progress,
                report=_say,
            )
        seconds |= {"inference": time.perf_counter() - ready, "total": time.perf_counter() - start}
        if found.alike and len(seeds) > 1:
            announce.say("note: all chips are alike: nothing in this hardware differs from one to the next")
        facts = source.dataset.facts()
        name = " ".join([given["hardware"], *given["changes"]])
        return InferenceReport(
            source.name, source.weights, facts, name, hardware, given["digital"], found, seconds,
            given["compensate_drift"],
        )  # fmt: skip


def _say(chip: ChipResult) -> None:
    announce.say(f"chip {chip.seed}: {chip.accuracy:.2%} in {chip.seconds:.1f} s")


def _times(hardware: Hardware, times: tuple[float, ...], compensate: bool) -> list[float]:
    from xbarsim.nn.inference import checked_times

    try:
        return checked_times(hardware, times, compensate)
    except InputError as error:
        option = "--time" if times or hardware.cells.drift else "--compensate-drift"
        raise InputError(f"{option}: {error}") from None


def _see_options(hardware: Hardware, given: dict[str, Any]) -> None:
    """Refuse options that would change nothing."""
    from xbarsim.nn.ranges import wants_data
    from xbarsim.nn.zoo import MODELS

    if _by_hand("calibration") and not wants_data(hardware):
        raise InputError(
            "--calibration changes nothing: no converter of this hardware has a range from data (--set adc.bits=8 has)"
        )
    if _by_hand("width") and given["model"] not in MODELS:
        raise InputError(f"--width changes nothing: it is of a network of the zoo by name, not of {given['model']}")


def _by_hand(option: str) -> bool:
    """Tell whether an option was given, and is not its default."""
    return click.get_current_context().get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE


def _seeds(first: int, count: int) -> range:
    if count < 1 or first < 0:
        raise click.UsageError(f"--seeds is {count} and --first-seed {first}: give at least one chip, from seed 0 on")
    return range(first, first + count)


def _source(
    given: dict[str, Any], hardware: Hardware, progress: Callable[[str], None], seconds: dict[str, float]
) -> Source:
    """Return the network with weights; one of the zoo is trained if it has none."""
    from xbarsim.nn import model_sources
    from xbarsim.nn.inference import on_hardware

    start = time.perf_counter()
    progress("data")
    data = dataset(given["data"], given["data_folder"], given["mean"], given["std"]).limited(test=given["limit"])
    scaled = given["mean"] is not None or given["std"] is not None
    found = model_sources.find(given["model"], data, weights=given["weights"], width=given["width"], scaled=scaled)
    # What cannot be put on the hardware is said before it is trained.
    on_hardware(found.model, hardware, digital=given["digital"])
    seconds["data and model"] = time.perf_counter() - start
    if _by_hand("width") and found.width not in (None, given["width"]):
        raise InputError(f"--width is {given['width']:g} and {found.weights} holds a network of width {found.width:g}")
    if found.trained:
        if given["epochs"] is not None:
            raise click.UsageError("--epochs goes with a network that has no weights yet; this one has")
        return found
    start = time.perf_counter()
    trained = _trained(found, given, progress)
    seconds["training"] = time.perf_counter() - start
    return trained


def _trained(source: Source, given: dict[str, Any], progress: Callable[[str], None]) -> Source:
    from dataclasses import replace

    from xbarsim.nn import zoo
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    data = source.dataset
    command = f"xbarsim train --model {given['model']} --data {given['data']} -o {given['model']}.pt"
    if given["epochs"] is None and data.name not in _QUICK:
        raise InputError(
            f"{given['model']} has no weights, and training it on {data.name} takes long: {command}, "
            f"then --model {given['model']}.pt; or --epochs N trains it now"
        )
    chosen = {} if given["epochs"] is None else {"epochs": given["epochs"]}
    settings = TrainSettings(batch=usual_batch(data), augment=data.name == "cifar10", **chosen)
    announce.say(f"note: {given['model']} has no weights, so it is trained first; {command} keeps them")
    model = zoo.build(given["model"], data.shape, len(data.classes), width=given["width"], seed=settings.seed)
    Training(model, data, settings).run(progress=lambda text: progress(f"training: {text}"))
    words = f"trained for {settings.epochs} epochs on {len(data.train)} images, seed {settings.seed}"
    return replace(source, model=model.eval(), weights=words, trained=True)


def _hardware(name: str, changes: tuple[str, ...], fidelity: str | None) -> Hardware:
    from xbarsim.nn.hardware import PRESETS, Hardware, preset

    if name in PRESETS:
        found = preset(name)
    elif Path(name).is_file() or name.endswith(".json"):
        found = Hardware.from_json(Path(name))
    else:
        raise InputError(f"hardware is {name!r}: give {', '.join(PRESETS)}, or a JSON file of settings")
    record = found.to_dict()
    for change in changes:
        _change(record, change)
    if fidelity is not None:
        record["fidelity"] = fidelity
    try:
        hardware = Hardware.from_dict(record)
    except InputError as error:
        raise InputError(f"--set: {error}" if changes else str(error)) from None
    _see_effect(hardware, [change.partition("=")[0].strip() for change in changes], fidelity is not None)
    return hardware


def _see_effect(hardware: Hardware, names: list[str], fidelity: bool) -> None:
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
