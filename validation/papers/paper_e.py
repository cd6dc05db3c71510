"""Training for a technology: what ends of lines cost, what a closed form of them knows, and what training brings back.

python validation/papers/paper_e.py ends --weights mlp500.pt --records e.jsonl           # prints it
python validation/papers/paper_e.py ends --weights mlp500.pt --records e.jsonl --write   # writes results/papers/e_*.md
python validation/papers/paper_e.py training --weights mlp500.pt --quick                 # a first look, in minutes

Tables: ends (circuit, closed form and a gain by R_s and R_n), training (at 1000 ohm, chips alike and varying), wires
(an MLP on 64 x 64 arrays, 20 ohm everywhere), cnn (a layer of 4096 x 512). The paper's abstract alone was at hand; its
networks are 784 x 500 and 4096 x 512. Each table has a network of its own; where --weights is missing it is trained:
xbarsim train --data mnist --limit 55000 -o FILE with
--model mlp --width 3.90625 (784-500-10: ends, training), --model mlp (wires), and wide_cnn.py for 3 epochs (cnn).

MNIST under XBARSIM_DATA. Numbers are percent of 10,000 test images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paper_runs
import provenance
import wide_cnn
from paper_e_maps import map_errors
from paper_runs import Records, Setting, cell, mean, table
from torch import nn

from xbarsim.mitigation import Study, chain
from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn.datasets import Dataset
from xbarsim.nonideal import Nonidealities, Variation

OHMS = (10.0, 100.0, 300.0, 500.0, 1000.0)
SIGMA = 0.5
CHIPS = 3
BATCH = 128
NETWORKS = {
    "ends": ("--model", "mlp", "--width", "3.90625"),
    "training": ("--model", "mlp", "--width", "3.90625"),
    "wires": ("--model", "mlp"),
    "cnn": ("wide_cnn",),
}


def whole(source: float, sense: float, *, rows: int = 784, cols: int = 500, sigma: float = 0.0) -> Hardware:
    """Return arrays as large as the layers, without wires, whose drivers and sense resistances are not 0."""
    cells = Nonidealities(r_on=1e4, r_off=1e6, variation=Variation(sigma) if sigma else None)
    return Hardware(Tiles(rows, cols), cells, wires=Wires(0.0, 0.0, source, sense))


def wired(ohms: float, sigma: float = 0.0) -> Hardware:
    """Return arrays of 64 x 64, 1 kohm and 1 Mohm, with so many ohms in every segment and end."""
    cells = Nonidealities(variation=Variation(sigma) if sigma else None)
    return Hardware(cells=cells, wires=Wires(ohms, ohms, ohms, ohms))


@dataclass(frozen=True)
class Work:
    """The network, the data, and what was measured."""

    model: nn.Module
    dataset: Dataset
    records: Records
    quick: bool = False

    def study(self, name: str, label: str, hardware: Hardware, chains: tuple[str, ...], chips: int = 1) -> Study:
        """Return a study of a table; a quick one is kept apart from it."""
        name = f"{name}, quick" if self.quick else name
        return self.records.study(name, Setting(label, hardware, chains, chips), self.model, self.dataset)

    def trained(self, method: str, steps: int, options: str = "") -> str:
        """Return a chain of a training of so many steps, a tenth of them in a quick look."""
        steps = max(2, steps // 10) if self.quick else steps
        return f"{method}:images={steps * BATCH},batch={BATCH}{',' if options else ''}{options}"


def ends(work: Work) -> str:
    """What the ends cost a network that was trained without, and what the closed form says of it."""
    earlier = {(100.0, 100.0): "96.0", (300.0, 300.0): "92.1", (500.0, 500.0): "81.7, closed 71.6",
               (1000.0, 1000.0): "45.3, closed 41.7", (0.0, 1000.0): "69.9"}  # fmt: skip
    pairs = [*((ohms, ohms) for ohms in OHMS), *((ohms, 0.0) for ohms in OHMS), *((0.0, ohms) for ohms in OHMS)]
    rows, curves = [], {}
    for source, sense in pairs:
        hardware = whole(source, sense)
        label = f"R_s {source:g}, R_n {sense:g}"
        study = work.study("ends", label, hardware, ("gain",))
        closed = Hardware.from_dict(hardware.to_dict() | {"fidelity": "closed"})
        predicted = work.study("ends", f"{label}, closed", closed, ())
        first, second = map_errors(work.model, hardware)
        errors = first.array, first.worst, first.pair, first.after_gain, second.pair
        accuracies = cell(study, "none"), cell(predicted, "none"), cell(study, "gain")
        rows.append(
            [f"{source:g}", f"{sense:g}", *(f"{100 * error:.2f}" for error in errors), *accuracies,
             earlier.get((source, sense), "")]
        )  # fmt: skip
        kind = "both" if source and sense else "R_s alone" if source else "R_n alone"
        values = mean(study, "none"), mean(predicted, "none"), mean(study, "gain"), *(100 * error for error in errors)
        curves.setdefault(kind, []).append((max(source, sense), values))
    if not work.quick:
        drawn(provenance.RESULTS / "papers" / "e_ends.png", curves)
    head = ["R_s", "R_n", "one array", "its worst cell", "the pair", "after a gain", "500 x 10: the pair", "circuit",
            "closed form says", "circuit, `gain`", "prototype: circuit"]  # fmt: skip
    picture = "![Accuracy and error](e_ends.png)"
    body = f"Ideal {100 * study.ideal:.2f} % (prototype 97.19).\n\n{table(head, rows)}\n\n{picture}"
    return page("Source and sense resistance on whole arrays", "ends", "mlp500.pt", body, ENDS_TEXT)


ENDS_TEXT = """
784-500-10 on whole arrays of 10 kohm and 1 Mohm, no wires, no variation; trained without any of it. Columns three to
seven: how far the closed form's map is from the circuit's, percent, relative in the Frobenius norm; of the layer of
784 x 500 its positive array, the cell of it that is farthest off, the difference of the pair, and that times the number
that brings it nearest; of 500 x 10 the difference. Where R_s or R_n is 0 it is exact. With both it takes bit lines for
grounded, which have risen, and all currents of an array come out too small, those of small conductances by most of
what they are. Both arrays of a pair are wrong alike: in the difference little is left of it, and no gain removes the
rest."""

METHODS = {
    "none": "none", "gain": "gain",
    "closed, no gain": ("technology-closed", 429, "variation=false,gain=false"),
    "closed, its own gain": ("technology-closed", 200, "variation=false,refit=false"),
    "closed, the circuit's gain": ("technology-closed", 200, "variation=false"),
    "exact, no gain": ("technology-exact", 200, "variation=false,gain=false"),
    "exact": ("technology-exact", 200, "variation=false"),
}  # fmt: skip
VARYING = {
    "none": "none", "gain (the chip's maps)": "gain",
    "closed, cells alike": ("technology-closed", 100, "variation=false"),
    "closed, drawn chips": ("technology-closed", 100, ""),
    "closed, drawn chips, then gain": ("technology-closed", 100, "+gain"),
    "exact, cells alike": ("technology-exact", 100, "variation=false"),
    "exact, drawn chips": ("technology-exact", 100, ""),
}  # fmt: skip
HEAD = ["", "steps", "accuracy", "below ideal", "seconds"]
Entry = str | tuple[str, int, str]


def training(work: Work) -> str:
    """What training brings back at 1000 ohm, of chips that are alike and of such that vary."""
    earlier = {"none": "45.3", "gain": "90.8", "closed, no gain": "81.9 (1500 steps)",
               "closed, the circuit's gain": "97.0 (800 steps)", "exact": "97.0"}  # fmt: skip
    rows, ideal = measured(work, "training", whole(1000.0, 1000.0), METHODS, earlier)
    varied, _ = measured(work, "training", whole(1000.0, 1000.0, sigma=SIGMA), VARYING, {}, chips=CHIPS)
    body = both_kinds(ideal, rows, varied)
    return page("Training for R_s = R_n = 1000 ohm", "training", "mlp500.pt", body, TRAINING_TEXT)


TRAINING_TEXT = """
784-500-10 on whole arrays of 10 kohm and 1 Mohm, no wires, R_s = R_n = 1000 ohm; all accuracies on the exact circuit.
Steps of 128 images, AdamW, 0.002 falling to 0. `gain` is one digital number a layer and no training. "its own gain" is
that of the closed form, before training; the circuit's is fitted at the end to what was trained. Drawn chips: another
simulated one at each step. Seconds: of the method, on a machine that had other work."""


def both_kinds(ideal: float, alike: list[list[str]], varied: list[list[str]]) -> str:
    """Return the tables of cells that are alike, and of such that vary, in words."""
    return (
        f"Ideal {ideal:.2f} %. Cells alike, one chip:\n\n{table([*HEAD, 'prototype'], alike)}\n\n"
        f"Cells that vary, each by a lognormal factor of sigma {SIGMA}; {CHIPS} chips that no training has seen:\n\n"
        f"{table(HEAD, [row[:-1] for row in varied])}"
    )


def wires(work: Work) -> str:
    """Segments of lines, of which the closed form knows nothing."""
    earlier = {"none": "72.6", "closed, its own gain": "79.6", "closed, the circuit's gain": "89.9",
               "exact": "95.5 (60 steps)"}  # fmt: skip
    entries = {name: METHODS[name] for name in METHODS if name != "exact, no gain"}
    short = {"exact, 60 steps": ("technology-exact", 60, "variation=false")}
    long = {"exact": ("technology-exact", 429, "variation=false")}
    rows, ideal = measured(work, "wires", wired(20.0), entries | short | long, earlier)
    varied, _ = measured(work, "wires", wired(20.0, SIGMA), VARYING, {}, chips=CHIPS)
    body = both_kinds(ideal, rows, varied)
    return page("Training for wires of 20 ohm", "wires", "mlp.pt", body, WIRES_TEXT)


WIRES_TEXT = """
784-128-10 on 64 x 64 arrays of 1 kohm and 1 Mohm, 20 ohm in every segment, driver and sense resistance; all accuracies
on the exact circuit. The closed form sees the ends alone. 429 steps of 128 images are one epoch of 55,000."""


def cnn(work: Work) -> str:
    """A layer of 4096 x 512, the paper's larger one."""
    entries: dict[str, Entry] = {
        "none": "none", "gain": "gain",
        "closed, no gain": ("technology-closed", 60, "variation=false,gain=false"),
        "closed, the circuit's gain": ("technology-closed", 60, "variation=false"),
        "exact": ("technology-exact", 10, "variation=false"),
    }  # fmt: skip
    blocks = []
    for ohms in (300.0, 1000.0):
        hardware = whole(ohms, ohms, rows=4096, cols=512)
        some = entries if ohms == 1000.0 else {"none": "none", "gain": "gain"}
        rows, ideal = measured(work, "cnn", hardware, some, {})
        blocks.append(f"R_s = R_n = {ohms:g} ohm:\n\n{table(HEAD, [row[:-1] for row in rows])}")
    return page("A layer of 4096 x 512", "cnn", "cnn.pt", f"Ideal {ideal:.2f} %.\n\n" + "\n\n".join(blocks), CNN_TEXT)


CNN_TEXT = """
Two convolutions (25 x 32 and 288 x 64 as matrices), 4096 x 512 and 512 x 10 on MNIST, all on whole arrays of 10 kohm
and 1 Mohm without wires, cells alike. The paper's abstract names neither its network nor its data. A step of the exact
circuit reduces two arrays of 4096 x 512 and takes seconds: it has 10 of them."""


def measured(
    work: Work, name: str, hardware: Hardware, entries: dict[str, Entry], earlier: dict[str, str], chips: int = 1
) -> tuple[list[list[str]], float]:
    """Return a row for each entry, and the ideal accuracy in percent."""
    texts = {}
    for label, entry in entries.items():
        if isinstance(entry, str):
            texts[label] = entry
            continue
        method, steps, options = entry
        options, plus, after = options.partition("+")
        texts[label] = work.trained(method, steps, options) + plus + after
    rows, ideal = [], math.nan
    for label, text in texts.items():
        study = work.study(name, label, hardware, () if text == "none" else (text,), chips)
        ideal = 100 * study.ideal
        result = next(result for result in study.results if result.chain.label == chain(text).label)
        entry = entries[label]
        steps = "" if isinstance(entry, str) else str(max(2, entry[1] // 10) if work.quick else entry[1])
        seconds = max((record.seconds for record in result.records), default=math.nan)
        rows.append(
            [
                label,
                steps,
                cell(study, text),
                f"{ideal - mean(study, text):.2f}",
                f"{seconds:.0f}",
                earlier.get(label, ""),
            ]
        )
    return rows, ideal


def drawn(path: Path, curves: dict[str, list[tuple[float, tuple[float, ...]]]]) -> None:
    """Draw accuracies on the circuit and by the closed form, and the closed form's error, against ohms."""
    from xbarsim.plot import TEXT, new_figure, style

    figure = new_figure(figsize=(9.0, 4.6))
    left, right = figure.subplots(1, 2)
    for number, (kind, points) in enumerate(curves.items()):
        look = style(number)
        color, mark = look["color"], look["marker"]
        ohms = [point[0] for point in points]
        values = np.array([point[1] for point in points])
        left.plot(ohms, values[:, 0], "-", marker=mark, color=color, markersize=4, label=f"{kind}: circuit")
        left.plot(ohms, values[:, 1], ":x", color=color, markersize=5, label=f"{kind}: closed form says")
        left.plot(ohms, values[:, 2], "--", color=color, linewidth=1, label=f"{kind}: circuit, a gain a layer")
    both = np.array([point[1] for point in curves["both"]])
    ohms = [point[0] for point in curves["both"]]
    lines = {
        3: "one array of 784 x 500",
        4: "its worst cell",
        5: "the pair",
        6: "the pair, after a gain",
        7: "500 x 10",
    }
    for number, (column, label) in enumerate(lines.items()):
        right.plot(ohms, both[:, column], **style(number), markersize=4, linewidth=1, label=label)
    left.set_ylabel("test images right, %")
    right.set_ylabel("closed form's map off the circuit's, %")
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("ohm")
        axes.grid(linewidth=0.3)
        axes.legend(fontsize=TEXT, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


def page(title: str, name: str, weights: str, body: str, text: str) -> str:
    command = f"`python validation/papers/paper_e.py {name} --weights {weights} --write`"
    return f"# {title}\n\n{command}: percent of 10,000 test images of MNIST.\n{text}\n\n{body}\n"


TABLES: dict[str, Callable[[Work], str]] = {"ends": ends, "training": training, "wires": wires, "cnn": cnn}


def main() -> None:
    parser = paper_runs.command(__doc__, list(TABLES))
    parser.add_argument(
        "--quick", action="store_true", help="1,000 test images, a tenth of the steps; not to be written"
    )
    arguments = parser.parse_args()
    if arguments.quick and arguments.write:
        parser.error("--quick is a first look: leave out --write")
    if len({NETWORKS[name] for name in arguments.tables}) > 1:
        parser.error(f"{' and '.join(arguments.tables)} are of several networks: give one command for each")
    if arguments.tables[0] == "cnn":
        model, dataset = wide_cnn.trained(arguments.weights, paper_runs.VALIDATION)
    else:
        model, dataset = paper_runs.network(arguments.weights, *NETWORKS[arguments.tables[0]])
    dataset = dataset.limited(test=1000) if arguments.quick else dataset
    for name in arguments.tables:
        work = Work(model, dataset, Records(arguments.records), arguments.quick)
        text = TABLES[name](work)
        print(text)
        if arguments.write:
            (provenance.RESULTS / "papers").mkdir(exist_ok=True)
            provenance.write_page(f"papers/e_{name}.md", text, work.records.origin)


if __name__ == "__main__":
    main()
