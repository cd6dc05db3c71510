"""``xbarsim mitigate``: parse, try methods on chips, print; what is finished stays on disk until all is."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.against_option import single_setting
from xbarsim.cli.finished_pairs import command_facts, deliver_whole, interrupted, partial_paths
from xbarsim.cli.hardware_options import built_hardware, chip_seeds, hardware_options, seed_options
from xbarsim.cli.model_options import check_width, chosen_source, model_options
from xbarsim.cli.network_options import check_torch, data_options
from xbarsim.cli.option_types import Count, in_order, is_typed
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.errors import InputError
from xbarsim.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.mitigation import Chain, Record, Study, Trials
    from xbarsim.mitigation.all_methods import Offer
    from xbarsim.mitigation.partial_file import PartialFile
    from xbarsim.mitigation.study_report import MitigationReport
    from xbarsim.nn.datasets import Dataset
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.model_sources import Source
    from xbarsim.plot.figures import Figure

_QUICK = {"seeds": 1, "limit": 1000, "validation": 500, "epochs": 1}
_QUICK_TRAINING = 2000  # images
_VALIDATION = 5000

_HELP = f"""Try methods against faults, variation and wires on chips: accuracy that each brings back, and its price.

\b
xbarsim mitigate --model mlp.pt --data mnist --set cells.faults.rate=0.1 \\
    --method headroom:h=2 --format json -o out.json
xbarsim mitigate --model mlp.pt --data mnist --set cells.faults.rate=0.1 \\
    --against faults.rate=0,0.1,0.2 \\
    --method headroom --method headroom:h=4 --plot rates.png
xbarsim mitigate --model mlp.pt --data mnist --set cells.faults.rate=0.1 \\
    --all --plot side_by_side.png
xbarsim mitigate --list

Each --method is a row: NAME, NAME:OPTION=VALUE,OPTION=VALUE, or several joined by +, one after the other. The first row
is none, the same chips without any. Methods see training and validation images; test images give the accuracies alone.

--all tries every method of the list that goes with the network, the hardware and the data, with its defaults, and says
which do not, and why; the table has what each costs, and what none beats. A --method beside it takes the place of the
one that it names. --plot then has a panel for each cost.

--quick is for a first look: 1 chip, the first {_QUICK["limit"]} test images, {_QUICK_TRAINING} images to train and
{_QUICK["validation"]} to choose by, and 1 epoch for a network without weights; what is given beside it counts instead.

With -o FILE, each method on a chip that is finished goes to FILE.partial at once. After Ctrl-C (exit code 130), or
whatever else, the same command with --resume FILE goes on; more methods and chips may be added.

Exit codes: 0 done; 2 bad input; 3 some row has no result, its circuits were not solved or its trainings diverged on
every chip; 130 interrupted.
"""


@click.command(help=_HELP)
@click.option("--list", "listing", is_flag=True, help="List all methods, what they need, and their options.")
@model_options()
@data_options("digits")
@hardware_options()
@click.option(
    "--method", "texts", metavar="NAME[:OPTION=VALUE,...][+NAME...]", multiple=True, help="A row; repeatable."
)
@seed_options()
@in_order(
    click.option("--all", "everything", is_flag=True, help="Try all methods that apply, side by side."),
    click.option("--leave-out", metavar="NAME", multiple=True, help="A method that --all is not to try; repeatable."),
    click.option("--method-seed", type=Count(least=0), default=0, show_default=True, help="Of what methods draw."),
    click.option(
        "--validation",
        type=Count(),
        default=None,
        help=f"The last N training images are to choose by [{_VALIDATION}, or a fifth of few].",
    ),
    click.option("--limit", type=Count(least=1), default=None, help="Use the first N test images."),
    click.option("--quick", is_flag=True, help="Few images, one chip: a first look."),
    click.option(
        "--against",
        metavar="NAME=VALUES",
        multiple=True,
        callback=single_setting,
        help="Sweep a setting of the hardware: faults.rate=0,0.1,0.2.",
    ),
    click.option(
        "--jobs",
        type=Count(least=1),
        default=None,
        help="Processes; they change no number [as many as there are cores].",
    ),
    click.option("--resume", metavar="FILE", help="Go on with the command that was to write FILE."),
)
@output_options(quiet="Print mean accuracies alone, no notes.", plot="Draw accuracy against the swept setting or costs")
def mitigate(**options: Any) -> None:
    """Try, print and draw; ``_HELP`` says the rest."""
    check_torch()
    output = Output.of(options)
    if options["listing"]:
        _list(output)
        return
    with option_words([*options["changes"], options["against"] or ""], ("TrainSettings",)):
        report, pairs = _report(options, output)
    deliver_whole(report, pairs, output, lambda: _drawn(report))


def _list(output: Output) -> None:
    from xbarsim.mitigation.method_list import MethodList

    allowed = ("listing", "form", "as_json", "output", "quiet")
    for name in click.get_current_context().params:
        if name not in allowed and is_typed(name):
            raise click.UsageError("--list goes with --format, --json, --output and --quiet alone: leave the rest out")
    output.deliver(MethodList.of_catalogue())


def _report(options: dict[str, Any], output: Output) -> tuple[MitigationReport, PartialFile]:
    start = time.perf_counter()
    state: list[PartialFile] = []
    with output.working(lambda: interrupted(state)) as progress:
        from xbarsim.mitigation.partial_file import PartialFile
        from xbarsim.mitigation.study_report import MitigationReport
        from xbarsim.mitigation.worker_processes import checked_jobs

        checked_jobs(options["jobs"])
        if options["quick"]:
            options |= {name: value for name, value in _QUICK.items() if not is_typed(name)}
        chains = _chains(options)
        hardware = built_hardware(options["hardware"], options["changes"], options["fidelity"])
        points = _points(hardware, options["against"])
        swept = options["against"] and options["against"].partition("=")[0].strip()
        seeds, method_seed = chip_seeds(options["first_seed"], options["seeds"]), options["method_seed"]
        check_width(options["model"])
        path, resumed = partial_paths(output, options["resume"])

        offer = partial(_offer, options, chains, [variant for _, variant in points])
        trials = partial(_trials, points, offer, seeds, method_seed, swept)
        seconds: dict[str, float] = {}
        source = chosen_source(
            options, output, progress, seconds, cut=lambda data: _cut(data, options), check=trials
        )  # fmt: skip
        pairs = PartialFile(path, command_facts(source, hardware, swept, method_seed), resumed)
        state.append(pairs)
        if resumed is not None:
            output.note(f"{counted(len(pairs), 'pair')} of a method and a chip: finished already")
        _warn(output, [variant for _, variant in points])
        offered = offer(source)
        names = {chain.label: text for text, chain in offered.chains.items()}
        studies = _studies(trials(source), pairs, names, swept, options["jobs"], output, progress)
    seconds["total"] = time.perf_counter() - start
    name = " ".join([options["hardware"], *options["changes"]])
    left_out = offered.left_out if options["everything"] else None
    facts = source.name, source.weights, source.dataset.facts(), name, hardware
    report = MitigationReport(*facts, studies, method_seed, swept, names, seconds, left_out)
    _tell(output, report)
    return report, pairs


def _trials(
    points: list[tuple[Any, Hardware]],
    offer: Callable[[Source], Offer],
    seeds: range,
    method_seed: int,
    swept: str | None,
    source: Source,
) -> list[tuple[Any, Trials]]:
    """Return what is to be tried at each value of the swept setting, all of it checked."""
    from xbarsim.mitigation import Trials

    trials, chains = [], list(offer(source).chains.values())
    for value, variant in points:
        try:
            trial = Trials(source.model, source.dataset, variant, chains, seeds=seeds, method_seed=method_seed)
        except InputError as error:
            raise InputError(str(error) if swept is None else f"{swept}={value}: {error}") from None
        trials.append((value, trial))
    return trials


def _tell(output: Output, report: MitigationReport) -> None:
    """Say what a reader of the numbers should know."""
    if any(study.alike for _, study in report.studies):
        output.note("chips of this hardware cannot differ: one stands for all")
    for value, row, failure in report.failures:
        where = "" if report.swept is None else f" at {report.swept}={value}"
        output.note(f"{row}, chip {failure.seed}{where} failed: {failure.message}")


def _studies(
    trials: list[tuple[Any, Trials]],
    pairs: PartialFile,
    names: dict[str, str],
    swept: str | None,
    jobs: int | None,
    output: Output,
    progress: Callable[[str], None],
) -> list[tuple[Any, Study]]:
    """Return what comes out at each value of the swept setting."""
    studies: list[tuple[Any, Study]] = []
    for value, trial in trials:
        place = "" if swept is None else f"{swept}={value}: "
        study = trial.run(
            ideal=studies[0][1].ideal if studies else None,
            finished=pairs.finished(value),
            jobs=jobs,
            progress=_placed(progress, place),
            report=_reporter(output, pairs, value, place, names),
        )
        studies.append((value, study))
    return studies


def _offer(options: dict[str, Any], chains: dict[str, Chain], variants: list[Hardware], source: Source) -> Offer:
    """Return the rows that were asked for; with --all those of all methods beside them."""
    from xbarsim.mitigation.all_methods import Offer, all_methods

    if not options["everything"]:
        return Offer(chains)
    return all_methods(source.model, source.dataset, variants, chains, options["leave_out"])


def _chains(options: dict[str, Any]) -> dict[str, Chain]:
    from xbarsim.mitigation import chain

    if not options["texts"] and not options["everything"]:
        raise click.UsageError("give --method NAME, once or several times, or --all; xbarsim mitigate --list names all")
    if options["leave_out"] and not options["everything"]:
        raise click.UsageError("--leave-out goes with --all: leave it out, or give --all")
    chains: dict[str, Chain] = {}
    for text in options["texts"]:
        try:
            row = chain(text)
        except InputError as error:
            raise InputError(f"--method {text}: {error}") from None
        if row.label in [before.label for before in chains.values()]:
            raise InputError(f"--method {text} is there twice: give each once")
        chains[text.strip()] = row
    return chains


def _points(hardware: Hardware, against: str | None) -> list[tuple[Any, Hardware]]:
    from xbarsim.cli.against_option import swept_hardware

    return [(None, hardware)] if against is None else swept_hardware(hardware, against)


def _cut(data: Dataset, options: dict[str, Any]) -> Dataset:
    """Return the part of the data that is used, with images to choose by set apart."""
    whole, validation = len(data.train), options["validation"]
    if validation is None:
        validation = min(_VALIDATION, whole // 5)
    elif not is_typed("validation"):
        validation = min(validation, whole // 5)
    elif not 0 < validation < whole:
        raise InputError(f"--validation is {validation}: it must be at least 1, and below the {whole} training images")
    data = data.split(validation)
    return data.limited(train=_QUICK_TRAINING if options["quick"] else None, test=options["limit"])


def _warn(output: Output, variants: list[Hardware]) -> None:
    """Say, once, what a user should know of the hardware before waiting."""
    for variant in variants:
        wires = variant.wires
        resistive = any(ohms > 0.0 for ohms in (wires.word, wires.bit, wires.driver, wires.sense))
        if variant.mapping.kind == "offset" and variant.fidelity != "ideal" and resistive:
            output.note(
                "mapping offset with wires: the digital offset does not follow IR drop; take mapping.kind=differential "
                "or reference, or --fidelity ideal"
            )
            break
    if any(variant.cells.drift is not None for variant in variants):
        output.note("cells drift, and are read at t0, right after programming")


def _placed(progress: Callable[[str], None], place: str) -> Callable[[str], None]:
    return lambda text: progress(f"{place}{text}")


def _reporter(
    output: Output, pairs: PartialFile, value: Any, place: str, names: dict[str, str]
) -> Callable[[Chain, Record], None]:
    def report(chain: Chain, record: Record) -> None:
        before = pairs.complaint
        pairs.add(chain.label, record, value)
        if pairs.complaint is not None and before is None:
            output.note(pairs.complaint)
        gain = "" if chain.label == "none" else f" -> {record.after:.2%} in {record.seconds:.1f} s"
        output.say(f"{place}{names.get(chain.label, chain.label)}, chip {record.seed}: {record.before:.2%}{gain}")

    return report


def _drawn(report: MitigationReport) -> Figure:
    from xbarsim.mitigation.side_by_side_picture import draw_side_by_side
    from xbarsim.mitigation.study_picture import draw

    return draw_side_by_side(report) if report.comparison else draw(report)
