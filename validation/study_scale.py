"""How long status, report and export of a study take that has 100,000 recorded trials.

python validation/study_scale.py                  # makes such a store, and prints the table
python validation/study_scale.py --trials 10000   # a smaller one
python validation/study_scale.py --folder FOLDER  # where the store stays, and is taken from the next time
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from xbarsim.study.open_study import OpenStudy
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_file import read
from xbarsim.study.trial import Trial

METHODS = ("none", "gain", "fpt", "match", "bias", "bn", "retrain", "noise:sigma=0.1", "headroom:h=2", "precompensate")
CHIPS = 20
RATES = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
FILE = """
title = "{trials} trials"
methods = {methods}
seeds = {chips}

[[model]]
source = "mlp"

[hardware]
base = "rram-64"
cells.faults.ocr = 5

[sweep]
"wires.word+wires.bit" = {wires}
"cells.faults.rate" = {rates}
"""
NUMBERS = (
    "accuracy", "before", "ideal", "labels", "images", "gradient_steps", "forward_images", "writes", "pulses",
    "most_writes_a_cell", "unconverged", "spare_rows", "router_lines", "negated_lines", "sram_weights",
    "correction_macs", "digital_gains", "area", "clipped_share", "method_seconds",
)  # fmt: skip
TRACE = 'Traceback (most recent call last):\n  File "work.py", line 1, in perform\nxbarsim.errors.InputError: no row {}'


def make(folder: Path, trials: int) -> Path:
    """Write a study's file and a store with answers to nearly all of its trials; return the file."""
    wires = [round(0.1 * k, 1) for k in range(max(1, trials // (len(METHODS) * len(RATES) * CHIPS)))]
    path = folder / f"scale_{trials}.toml"
    path.write_text(
        FILE.format(trials=trials, methods=json.dumps(METHODS), chips=CHIPS, wires=wires, rates=list(RATES))
    )
    if path.with_suffix(".sqlite").exists():
        return path
    study = OpenStudy(read(path), path.with_suffix(".sqlite"))
    draw = random.Random(0)
    hardware = {"cells": dict.fromkeys((f"setting {k}" for k in range(40)), 1.0)}
    listed = []
    with Store(study.store) as store:
        for ohms in wires:
            for rate in RATES:
                for method in METHODS:
                    point = {"wires.word+wires.bit": ohms, "cells.faults.rate": rate, "method": method}
                    for chip in range(CHIPS):
                        settings = {"hardware": hardware, "place": point, "seed": chip}
                        listed.append(Trial("mitigation", settings, point | {"chip": chip}))
        store.list_trials(study.name, listed, study.facts(2))
    base = sqlite3.connect(study.store)  # a transaction of all: a hundred thousand of one each take minutes
    with base:
        for trial in listed:
            answer = _answer(draw, trial)
            if answer is not None:
                base.execute(
                    "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        trial.key, trial.kind, "failed" if answer.numbers is None else "done",
                        json.dumps(trial.settings), None if answer.numbers is None else json.dumps(answer.numbers),
                        answer.seconds, 1, answer.trace, "2026-01-01T00:00:00+00:00",
                        "Python 3.11.7, xbarsim 0.1.0, numpy 2.4.6, numba 0.68.1, scipy 1.17.1, torch 2.13.0",
                    ),
                )  # fmt: skip
    base.close()
    return path


def _answer(draw: random.Random, trial: Trial) -> TrialAnswer | None:
    place, luck = trial.point, draw.random()
    if luck < 0.01:
        return None
    if luck < 0.015:
        return TrialAnswer(None, 1.0, 1, TRACE.format(draw.randrange(5)))
    loss = place["cells.faults.rate"] * (1.0 - METHODS.index(place["method"]) / 10) + place["wires.word+wires.bit"] / 50
    numbers = dict.fromkeys(NUMBERS, 0)
    return TrialAnswer(numbers | {"accuracy": 0.98 - loss + draw.gauss(0.0, 0.01), "ideal": 0.98}, 1.0 + luck)


def seconds(*arguments: object) -> tuple[float, float]:
    """Return the wall time of a command, its start included, and what processors spent on it."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "xbarsim", "study", *map(str, arguments)], stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed")
    return wall, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        path = make(folder, options.trials)
        size = path.with_suffix(".sqlite").stat().st_size / 1e6
        print(f"{options.trials} trials, a store of {size:.0f} MB; best of {options.rounds}\n")
        print("| command | seconds | of processors |\n|---|---|---|")
        for words in (
            ("status",), ("status", "--json"), ("export", "-o", folder / "scale.csv"),
            ("export", "-o", folder / "scale.parquet"), ("report", "-o", folder / "scale.html"),
        ):  # fmt: skip
            wall, spent = min(seconds(words[0], path, *words[1:]) for _ in range(options.rounds))
            shown = " ".join(word if isinstance(word, str) else word.name for word in words)
            print(f"| `xbarsim study {shown}` | {wall:.2f} | {spent:.2f} |", flush=True)


if __name__ == "__main__":
    main()
