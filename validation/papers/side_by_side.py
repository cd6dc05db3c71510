"""All methods side by side, by what they bring and what they cost, on chips with stuck cells, variation and wires.

python validation/papers/side_by_side.py mlp lenet bnn --weights nets --answers answers              # prints the pages
python validation/papers/side_by_side.py mlp lenet bnn --weights nets --answers answers --write      # and writes them
python validation/papers/side_by_side.py mlp --weights nets --answers answers --quick                # a first look

The folder nets has what these make of MNIST, all of it under XBARSIM_DATA:
xbarsim train --model mlp --data mnist -o nets/mlp.pt
xbarsim train --model lenet --data mnist --epochs 8 -o nets/lenet.pt
xbarsim train --model binary-mlp --data mnist --epochs 8 -o nets/bnn.pt

Each case is one ``xbarsim mitigate --all``, whose answer is kept in the folder answers: what is there is not measured
again, and what was stopped goes on. Five chips, 1.75 % of the cells stuck at LRS and 9.04 % at HRS, variation of sigma
0.1, wires and ends of 1 and of 20 ohm, arrays of 64 x 64 cells of 1 kohm and 1 Mohm.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import provenance
from paper_runs import table

CELLS = ("cells.faults.rate=0.1079", "cells.faults.ocr=5.1657", "cells.variation.sigma=0.1")
LINES = ("word", "bit", "driver", "sense")
OHMS = (1, 20)
COINS = {
    "labels": ("labels",), "images": ("labels", "images"), "steps": ("gradient_steps",), "pulses": ("pulses",),
    "area": ("area",),
}  # fmt: skip


def _shorter(steps: int) -> tuple[str, ...]:
    """Return all trainings with so few steps of 128 images: each step through wires reduces all circuits anew.

    Those that are of one chip have a quarter of the steps, on each.
    """
    kind = ("noise", "distill", "technology-closed", "technology-approximate", "technology-exact")
    chip = ("retrain", "rsa", "bias", "bn")
    return tuple(f"{name}:epochs=1,images={128 * steps}" for name in kind) + tuple(
        f"{name}:epochs=1,images={32 * steps}" for name in chip
    )


def _without_norms(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in texts if not text.startswith("bn:"))


@dataclass(frozen=True)
class Case:
    """A network, and what is tried with it in another way than by default."""

    title: str
    file: str
    methods: tuple[str, ...]
    left_out: tuple[str, ...] = ()


CASES = {
    "mlp": Case("MLP 784-128-10", "mlp.pt", _without_norms(_shorter(400))),
    "lenet": Case("LeNet", "lenet.pt", _without_norms(_shorter(200))),
    "bnn": Case("binary MLP 3x512", "bnn.pt", _shorter(40)),
}


def answer(name: str, ohms: int, weights: Path, folder: Path, *, quick: bool, jobs: int | None) -> dict[str, Any]:
    """Return what the command says of a case, which draws its picture, too."""
    case = CASES[name]
    path = folder / f"{name}_{ohms}{'_quick' if quick else ''}.json"
    if not path.exists():
        settings = [f"wires.{line}={ohms}" for line in LINES]
        options = [part for setting in (*CELLS, *settings) for part in ("--set", setting)]
        # A first look has few images in any case.
        methods = (text.partition(",images=")[0] if quick else text for text in case.methods)
        options += [part for text in methods for part in ("--method", text)]
        options += [part for method in case.left_out for part in ("--leave-out", method)]
        partial = path.with_name(f"{path.name}.partial")
        options += ["--resume", str(partial)] if partial.exists() else []
        command = [
            sys.executable, "-m", "xbarsim", "mitigate", "--model", str(weights / case.file), "--data", "mnist",
            "--hardware", "rram-64", "--all", "--plot", str(path.with_suffix(".png")), "--format", "json",
            "-o", str(path), *(["--quick"] if quick else []),
            *([] if jobs is None else ["--jobs", str(jobs)]), *options,
        ]  # fmt: skip
        ended = subprocess.run(command, check=False)
        # 3: a row has no result on any chip; the others are there.
        if ended.returncode not in (0, 3) or not path.exists():
            raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}")
        record = json.loads(path.read_text()) | {"origin": provenance.current_origin()}
        path.write_text(json.dumps(record))
    whole: dict[str, Any] = json.loads(path.read_text())
    return whole


def page(name: str, answers: Mapping[int, dict[str, Any]]) -> str:
    """Return what all cases of a network came to."""
    first = next(iter(answers.values()))
    parts = [
        f"# All methods side by side: {CASES[name].title}",
        f"`python validation/papers/side_by_side.py {name} --weights nets --answers answers --write`: MNIST, "
        f"{first['data']['test_images']} test images, {len(first['seeds'])} chips, 64 x 64 arrays, 1 kohm and 1 Mohm, "
        "1.75 % of cells stuck at LRS and 9.04 % at HRS, sigma 0.1.",
        f"Percent of test images, mean (sample deviation); torch has {100 * first['accuracy_ideal']:.2f} %. Costs are "
        "means of a chip; a star where no row is at least as accurate for less, nor better for as much.",
    ]
    for ohms, record in answers.items():
        parts += [f"## Wires and ends of {ohms} ohm", _table(record), f"![costs](side_by_side_{name}_{ohms}.png)"]
        if record["failed"]:
            lines = (f"{entry['method']}, chip {entry['seed']}: {entry['message']}" for entry in record["failed"])
            parts.append("Came to no end: " + "; ".join(lines) + ".")
    reasons = "\n".join(f"- {entry['method']}: {entry['message']}" for entry in first["left_out"])
    return "\n\n".join([*parts, f"Not tried:\n\n{reasons}"]) + "\n"


def _table(record: Mapping[str, Any]) -> str:
    rows = []
    for entry in record["methods"]:
        if entry["mean"] is None:
            continue
        knows = max((step["needs"]["knows"] for step in entry["chain"]), key=("hardware", "faults", "maps").index)
        cells = [entry["name"], f"{100 * entry['mean']:.2f} ({100 * entry['std']:.2f})", knows]
        for coin, names in COINS.items():
            star = " *" if entry["name"] in record["fronts"][coin] else ""
            cells.append(f"{sum(entry['cost_mean'][name] for name in names):,.0f}{star}")
        rows.append(cells)
    return table(["method", "accuracy", "knows", *COINS], rows)


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("networks", nargs="+", choices=list(CASES), metavar="NETWORK", help=", ".join(CASES))
    parser.add_argument("--weights", type=Path, required=True, help="the folder of the trained networks")
    parser.add_argument("--answers", type=Path, required=True, help="the folder where answers are kept")
    parser.add_argument("--quick", action="store_true", help="one chip and few images: no page is written")
    parser.add_argument("--jobs", type=int, help="processes at a time; as many as cores")
    arguments = parser.parse_args()
    if arguments.quick and arguments.write:
        parser.error("--quick has no page: leave --write out")
    arguments.answers.mkdir(parents=True, exist_ok=True)
    for name in arguments.networks:
        answers = {}
        for ohms in OHMS:
            more = {"quick": arguments.quick, "jobs": arguments.jobs}
            answers[ohms] = answer(name, ohms, arguments.weights, arguments.answers, **more)
        text = page(name, answers)
        print(text)
        if arguments.write:
            folder = provenance.RESULTS / "papers"
            folder.mkdir(exist_ok=True)
            origin = provenance.oldest([record["origin"] for record in answers.values()])
            provenance.write_page(f"papers/side_by_side_{name}.md", text, origin)
            for ohms in OHMS:
                picture = (arguments.answers / f"{name}_{ohms}.png").read_bytes()
                (folder / f"side_by_side_{name}_{ohms}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
