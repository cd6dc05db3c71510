"""Small studies with answers that are put into their stores: nothing is trained, nothing is solved."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from xbarsim.study.listing import listing
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.report_settings import report_settings
from xbarsim.study.report_view import ReportView
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_file import read
from xbarsim.study.study_table import StudyTable
from xbarsim.study.trial import Artifact, Trial

HEAD = """
title = "Faults <b>& wires</b>"
text = \"\"\"First.

Second <script>alert(1)</script>.\"\"\"
methods = ["none", "fpt"]
[[model]]
source = "mlp"
"""
SWEEP = '[sweep]\n"cells.faults.rate" = [0, 0.1]\n'
VERSIONS = "Python 3.11, xbarsim 0.1.0"
TRACE = (
    'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'
    "xbarsim.errors.InputError: no row <3>\nand a second line"
)
FAILURE = TrialAnswer(None, 2.0, 2, TRACE)

METHODS = {"method": ["none", "fpt"]}
RATES = {"cells.faults.rate": [0, 0.1], **METHODS}


def accuracy(mean: float, **others: Any) -> TrialAnswer:
    return TrialAnswer({"accuracy": mean, "ideal": 0.98, **others}, 2.0)


def trials(axes: Mapping[str, Iterable[Any]], chips: int, artifacts: tuple[Artifact, ...] = ()) -> list[Trial]:
    places = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return [
        Trial("mitigation", {"place": place, "seed": chip}, place | {"chip": chip}, artifacts)
        for place in places
        for chip in range(chips)
    ]


def study(
    folder: Path,
    text: str = HEAD + SWEEP,
    axes: Mapping[str, Iterable[Any]] = RATES,
    answer: Callable[[dict[str, Any]], TrialAnswer | None] = lambda point: accuracy(0.9),
    chips: int = 3,
    jobs: int = 2,
) -> OpenStudy:
    """Write a study's file and a store that lists its trials, with the answers that a function gives to points."""
    path = folder / "faults.toml"
    path.write_text(text, "utf-8")
    opened = OpenStudy(read(path), path.with_suffix(".sqlite"))
    listed = trials(axes, chips)
    with Store(opened.store) as store:
        store.select("PRAGMA synchronous=OFF")  # a test's store may be lost
        store.list_trials(opened.name, listed, opened.facts(jobs))
        for trial in listed:
            found = answer(dict(trial.point))
            if found is not None:
                store.record(trial, found, VERSIONS)
    opened.__dict__["trials"] = listed  # what the file asks for needs torch to be told
    return opened


BITS = {"adc.bits": [4, 6, 8], "cells.faults.rate": [0, 0.01, 0.1], "method": ["none", "fpt"]}
BITS_SWEEP = '[sweep]\n"adc.bits" = [4, 6, 8]\n"cells.faults.rate" = [0, 0.01, 0.1]\n'


def one_failure(point: dict[str, Any]) -> TrialAnswer:
    """Answer a point with an accuracy that faults lower; one chip of ``fpt`` without faults fails."""
    if point["method"] == "fpt" and point.get("cells.faults.rate") == 0 and point["chip"] == 0:
        return FAILURE
    return accuracy(0.9 + 0.01 * point["chip"] - point.get("cells.faults.rate", 0) / 2)


def answered(
    folder: Path,
    more: str = "",
    sweep: str = SWEEP,
    axes: Mapping[str, Iterable[Any]] = RATES,
    reply: Callable[[dict[str, Any]], TrialAnswer | None] = one_failure,
    chips: int = 3,
) -> OpenStudy:
    """Return a study with more in its file than its head and what it sweeps."""
    return study(folder, HEAD + sweep + more, axes, reply, chips)


def view(opened: OpenStudy) -> ReportView:
    """Return how a report shows a study."""
    return ReportView.of(StudyTable.of(listing(opened).rows), report_settings(opened.file), "faults.toml")
