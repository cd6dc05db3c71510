"""``xbarsim infer --sweep``: a study without a file, whose network is trained once."""

from __future__ import annotations

import itertools
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.hardware_options import built_hardware, chip_seeds, setting_value
from xbarsim.cli.model_options import QUICK, check_width
from xbarsim.cli.network_options import numbers
from xbarsim.cli.option_types import Command, Count, in_order, is_typed
from xbarsim.cli.option_words import translated
from xbarsim.cli.stop_signals import signals
from xbarsim.cli.study_progress import Tracker
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.cli.output import Output
    from xbarsim.nn.hardware import Hardware
    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.sweep_report import SweepReport

_PLACE = "infer"


def sweep_options() -> Callable[[Command], Command]:
    """Add ``--sweep`` and what goes with it, which ``swept`` takes."""
    return in_order(
        click.option(
            "--sweep",
            "sweeps",
            metavar="NAME=VALUES",
            multiple=True,
            help="A setting's values, wires.word=0,1,2; NAME+NAME=VALUES together; repeatable: all combinations.",
        ),
        click.option("--store", metavar="FILE", help="Keep a sweep's answers there; the same command goes on with it."),
        click.option("--jobs", type=Count(least=1), default=None, help="Processes of a sweep [one a core]."),
    )


def check_alone(options: dict[str, Any]) -> None:
    """Refuse what goes with ``--sweep`` where there is none."""
    for name in ("store", "jobs"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} goes with --sweep NAME=VALUES: one setting alone is run here and now")


@dataclass(frozen=True)
class _Axis:
    """One ``--sweep``: the settings' names as they were typed, and the values' words."""

    name: str
    words: tuple[str, ...]

    @property
    def settings(self) -> list[str]:
        return [part.strip() for part in self.name.split("+")]


def swept(options: dict[str, Any], output: Output) -> tuple[SweepReport, bool]:
    """Run a sweep; return its report, and whether all of it has an answer.

    Raises
    ------
    InputError
        An option or a value is wrong, or has no meaning here.
    Exit
        It was interrupted.
    """
    _check_idle(options)
    axes = _axes(options["sweeps"])
    chips = chip_seeds(options["first_seed"], options["seeds"])
    hardware = [built for _, built in _each_hardware(axes, options)]
    _check_calibration(hardware)
    check_width(options["model"])
    with _store(options["store"]) as store, signals() as caught:
        with _words(options["changes"]):
            opened = _opened(options, axes, list(chips), store)
            _check_training(opened, options)
            report = _run(opened, axes, options, output, caught)
        if caught and any(row.errors or not row.chips for row in report.combinations):
            fate = f"{store} has what is done" if options["store"] else "nothing is kept without --store FILE"
            output.say(f"interrupted: {fate}")
            raise click.exceptions.Exit(128 + caught[0])
    return report, not any(row.errors for row in report.combinations)


def _run(
    opened: OpenStudy, axes: list[_Axis], options: dict[str, Any], output: Output, caught: list[int]
) -> SweepReport:
    from xbarsim.study.store import Store
    from xbarsim.study.study_run import run_study
    from xbarsim.study.sweep_report import SweepReport, combinations_of

    start = time.perf_counter()
    tracker = Tracker(output)
    # What failed is tried again: whoever types a command a second time has changed what was in its way.
    tally = run_study(
        opened, jobs=options["jobs"], again=True, report=tracker.ended, progress=tracker.doing,
        stop=lambda: bool(caught),
    )  # fmt: skip
    with Store(opened.store, write=False) as store:
        combinations = combinations_of(store.trial_rows(opened.name))
    seconds = {"trials": tally.seconds, "total": time.perf_counter() - start}
    setup = " ".join([options["hardware"], *options["changes"]])
    facts = {
        "model": options["model"], "data": options["data"], "hardware": setup, "fidelity": options["fidelity"],
        "seconds": seconds,
    }  # fmt: skip
    heading = (f"{options['model']} on {options['data']}; {setup}", f"{len(opened.trials)} trials")
    return SweepReport(heading, tuple(axis.name for axis in axes), combinations, facts)


def _check_idle(options: dict[str, Any]) -> None:
    """Refuse options that have no meaning for several networks on hardware."""
    if options["memory"] is not None:
        raise click.UsageError("--memory is of one process, and a sweep has several: leave it out, or take --jobs 1")
    if options["plot"] is not None:
        raise click.UsageError("--plot draws one hardware: a study's file has pictures, by xbarsim study report")


def _axes(texts: tuple[str, ...]) -> list[_Axis]:
    axes = []
    for text in texts:
        name, equals, values = text.partition("=")
        words = tuple(word.strip() for word in values.split(","))
        if not equals or not name.strip() or "" in words:
            raise click.BadParameter(f"{text!r} is not NAME=VALUES, as wires.word=0,1,2", param_hint=["--sweep"])
        axes.append(_Axis(name.strip(), words))
    for axis in axes:
        if [other.name for other in axes].count(axis.name) > 1:
            raise click.BadParameter(f"{axis.name} is swept twice: give all its values once", param_hint=["--sweep"])
    return axes


def _each_hardware(axes: list[_Axis], options: dict[str, Any]) -> Iterator[tuple[list[str], Hardware]]:
    """Give each combination's changes and hardware, checked as a command with ``--set`` alone would check it."""
    for words in itertools.product(*(axis.words for axis in axes)):
        changes = [
            f"{name}={word}"
            for axis, word in zip(axes, words, strict=True)
            for name in axis.settings
            if not name.startswith("model.")
        ]
        try:
            yield (
                changes,
                built_hardware(options["hardware"], (*options["changes"], *changes), options["fidelity"], energy=True),
            )
        except InputError as error:
            text = translated(str(error).removeprefix("--set: "), [*options["changes"], *changes], ())
            raise InputError(f"--sweep, at {', '.join(changes) or 'any point'}: {text}") from None


def _check_calibration(hardware: list[Hardware]) -> None:
    from xbarsim.nn.ranges import wants_data

    if is_typed("calibration") and not any(wants_data(each) or each.energy is not None for each in hardware):
        raise InputError(
            "--calibration changes nothing: no converter of this hardware has a range from data (--set adc.bits=8 has)"
        )


def _opened(options: dict[str, Any], axes: list[_Axis], chips: list[int], store: Path) -> OpenStudy:
    from xbarsim.study.open_study import OpenStudy
    from xbarsim.study.study_file import study_of

    hardware: dict[str, Any] = {"base": options["hardware"]}
    for change in options["changes"]:
        name, _, text = change.partition("=")
        _put(hardware, name.strip(), setting_value(text, "--set"))
    if options["fidelity"] is not None:
        hardware["fidelity"] = options["fidelity"]
    model = {"source": options["model"], "weights": options["weights"], "epochs": options["epochs"]}
    if is_typed("width"):
        model["width"] = options["width"]
    data = {"name": options["data"], "folder": options["data_folder"], "test": options["limit"]}
    data |= {key: list(numbers(options[key], f"--{key}")) for key in ("mean", "std") if options[key] is not None}
    inference: dict[str, Any] = {"batch": options["batch"], "map_storage": options["map_storage"]}
    inference |= {"digital": list(options["digital"])}
    if is_typed("calibration"):
        inference["calibration"] = options["calibration"]
    if options["times"] or options["compensate_drift"]:
        inference |= {"times": list(options["times"]), "compensate": options["compensate_drift"]}
    record = {
        "name": f"infer {options['model']} on {options['data']}, {' '.join(options['sweeps'])}",
        "model": {name: value for name, value in model.items() if value is not None},
        "data": {name: value for name, value in data.items() if value is not None},
        "hardware": hardware,
        "inference": inference,
        "seeds": chips,
        "sweep": {axis.name: [setting_value(word, "--sweep") for word in axis.words] for axis in axes},
    }
    return OpenStudy(study_of(record, _PLACE, Path.cwd()), store)


def _put(record: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        record = record.setdefault(part, {})
    record[last] = value


def _check_training(opened: OpenStudy, options: dict[str, Any]) -> None:
    """Refuse to train for long without being asked."""
    trained = any(trial.artifacts for trial in opened.trials)
    on_purpose = options["epochs"] is not None or any("model.epochs" in axis.settings for axis in opened.file.axes)
    if trained and not on_purpose and options["data"] not in QUICK:
        command = f"xbarsim train --model {options['model']} --data {options['data']} -o {options['model']}.pt"
        raise InputError(
            f"{options['model']} has no weights, and training it on {options['data']} takes long: {command}, "
            f"then --model {options['model']}.pt; or --epochs N trains it now"
        )


@contextmanager
def _store(path: str | None) -> Iterator[Path]:
    """Give the file of answers, one that ends with the command if none is asked for."""
    if path is not None:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="xbarsim-sweep-") as folder:
        yield Path(folder) / "sweep.sqlite"


_WORDS = (
    (re.compile(rf"^{_PLACE}: sweep(?:\.|, )"), "--sweep "),
    (re.compile(rf"^{_PLACE}: (?:model|data|inference)\.name\b"), "--data"),
    (re.compile(rf"^{_PLACE}: hardware\."), "--set "),
    (re.compile(rf"^{_PLACE}: (?:model|data|inference)\."), "--"),
    (re.compile(rf"^{_PLACE}: "), ""),
)


@contextmanager
def _words(changes: tuple[str, ...]) -> Iterator[None]:
    """Say what is wrong with the study in the words of the command line."""
    try:
        yield
    except InputError as error:
        text = str(error)
        for pattern, option in _WORDS:
            text = pattern.sub(option, text)
        raise InputError(translated(text, changes, ("TrainSettings",))) from None
