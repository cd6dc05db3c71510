"""Off-device training, then few iterations on the device: the abstract's claims of ITT-RNA on an MLP and a LeNet.

python validation/papers/paper_b.py --networks DIR --records b.jsonl            # prints the page
python validation/papers/paper_b.py --networks DIR --records b.jsonl --write    # writes results/papers/b_writes.md
python validation/papers/paper_b.py --networks DIR --quick                      # one chip, few images, in minutes

DIR has mlp.pt and lenet.pt; what is missing there is trained first, in some minutes:
xbarsim train --model mlp --data mnist --limit 55000 -o DIR/mlp.pt
xbarsim train --model lenet --epochs 8 --data mnist --limit 55000 -o DIR/lenet.pt

MNIST under XBARSIM_DATA. A run that was stopped goes on from its records; rows that are asked for come first, and
``--rows N`` measures the first N of them only.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import paper_runs
import provenance
from paper_runs import Records, Setting, table

from xbarsim.mitigation import Study, chain
from xbarsim.mitigation.chip_study import ChainResult
from xbarsim.nn import Hardware, Tiles
from xbarsim.nonideal import Faults, Nonidealities, Variation

TRAINING = {"mlp": ("--model", "mlp"), "lenet": ("--model", "lenet", "--epochs", "8")}
LONG = {"mlp": "MLP 784-128-10", "lenet": "LeNet-5"}
CHIPS = 2


@dataclass(frozen=True)
class Kind:
    """A kind of chip: a spread of resistances, or a rate of stuck cells and how many at HRS come on one at LRS."""

    sigma: float = 0.0
    rate: float = 0.0
    ocr: float = 1.0

    @property
    def label(self) -> str:
        return f"{100 * self.rate:g} % stuck, OCR {self.ocr:g}" if self.rate else f"sigma {self.sigma:g}"

    def hardware(self) -> Hardware:
        cells = Nonidealities(
            r_on=1e4,
            r_off=1e6,
            variation=Variation(self.sigma) if self.sigma else None,
            faults=Faults(self.rate, ocr=self.ocr) if self.rate else None,
        )
        return Hardware(tiles=Tiles(64, 64), cells=cells, fidelity="ideal")


VARIED, STUCK, EVEN = Kind(sigma=1.0), Kind(rate=0.2, ocr=5.17), Kind(rate=0.2, ocr=1.0)


@dataclass(frozen=True)
class Row:
    """A network on a kind of chip, iterations on the device, and what a prototype lost by each way to them."""

    network: str
    kind: Kind
    iterations: int
    prototype: str = ""


ROWS = (
    Row("mlp", VARIED, 300, "0.8-0.9 lost, 0.05 writes"),
    Row("lenet", VARIED, 300, "0.4-0.5"),
    Row("lenet", STUCK, 300, "0.5-0.7"),
    Row("mlp", STUCK, 1500, "0.8, 0.4 writes"),
    Row("mlp", STUCK, 300, "1.6-1.9"),
    Row("mlp", EVEN, 300, "3.8-4.3"),
    Row("lenet", EVEN, 300, "1.1"),
    Row("mlp", VARIED, 1500, "0.2-0.4, 0.22 writes"),
)
WAYS = {"on the device alone": "mapping=none,rounds=0", "matched": "rounds=0", "off the device first": ""}
"""By name: options of what comes before the iterations."""
SHORT = {True: "steps=10,rounds=3,batch=64", False: ""}


def ways(iterations: int, quick: bool) -> dict[str, str]:
    """Return the chain of each way."""
    interval = max(1, iterations // 6)
    chains = {}
    for name, options in WAYS.items():
        words = [options, SHORT[quick] if "rounds" not in options else "batch=64" * quick, f"iterations={iterations}",
                 f"interval={interval}"]  # fmt: skip
        chains[name] = f"itt-rna:{','.join(word for word in words if word)}"
    return chains


class Runs:
    """Networks, and what was measured of them.

    Parameters
    ----------
    folder : Path
        Where the networks are.
    records : Records
        What is kept.
    quick : bool
        Whether one chip, a tenth of the iterations and few images do.
    """

    def __init__(self, folder: Path, records: Records, quick: bool) -> None:
        self._folder, self.records, self._quick = folder, records, quick
        self._networks: dict[str, tuple] = {}

    def _network(self, name: str) -> tuple:
        if name not in self._networks:
            model, dataset = paper_runs.network(self._folder / f"{name}.pt", *TRAINING[name])
            if self._quick:
                few = dataset.limited(train=2000, test=1000)
                dataset = replace(few, validation=few.validation.first(500))
            self._networks[name] = model, dataset
        return self._networks[name]

    def study(self, row: Row) -> tuple[Study, dict[str, str]]:
        """Return what was measured of a row, and the chains by name."""
        chains = ways(math.ceil(row.iterations / 10) if self._quick else row.iterations, self._quick)
        setting = Setting(
            f"{row.network}, {row.kind.label}", row.kind.hardware(), tuple(chains.values()), 1 if self._quick else CHIPS
        )
        return self.records.study("quick" if self._quick else "writes", setting, *self._network(row.network)), chains


def result(study: Study, text: str) -> ChainResult:
    label = chain(text).label
    return next(entry for entry in study.results if entry.chain.label == label)


def lost(study: Study, text: str) -> float:
    """Return the points that a chain loses against torch, mean over chips."""
    return 100.0 * (study.ideal - result(study, text).mean)


def last(study: Study, text: str, name: str) -> float:
    """Return the last point of a curve, mean over chips."""
    return float(np.mean([record.trace[name][-1] for record in result(study, text).records]))


def cells(row: Row, study: Study, chains: dict[str, str]) -> list[str]:
    """Return a line of the table: points lost and writes a cell by each way."""
    line = [LONG[row.network], row.kind.label, str(row.iterations), f"{lost(study, 'none'):.2f}"]
    alone = last(study, chains["on the device alone"], "writes_a_cell")
    for name, text in chains.items():
        spread = 100.0 * result(study, text).deviation if len(result(study, text).records) > 1 else 0.0
        writes, most = last(study, text, "writes_a_cell"), last(study, text, "most_writes_a_cell")
        share = "" if name == "on the device alone" else f", {100.0 * writes / alone:.0f} %"
        line += [f"{lost(study, text):.2f} ({spread:.2f})", f"{writes:.3f}{share}; {most:.0f}"]
    return [*line, row.prototype]


HEAD = ["network", "chip", "iterations", "none: lost"] + [
    word for name in WAYS for word in (f"{name}: lost", "writes a cell; most")
] + ["prototype"]  # fmt: skip

ASKED = (
    ("sigma 1, MLP", "< 1.1 lost", "< 1.1", Row("mlp", VARIED, 300), 1.1),
    ("sigma 1, LeNet", "< 1.1 lost", "< 1.1", Row("lenet", VARIED, 300), 1.1),
    ("20 % stuck, OCR 5.17, LeNet", "< 1 lost", "< 1", Row("lenet", STUCK, 300), 1.0),
    ("20 % stuck, OCR 5.17, MLP, 1,500 iterations", "< 1 lost", "< 1", Row("mlp", STUCK, 1500), 1.0),
)


def asked(studies: Sequence[tuple[Row, Study, dict[str, str]]]) -> str:
    """Return what is asked for beside what was measured, for as many rows as there are."""
    lines = []
    by_row = {(row.network, row.kind, row.iterations): (study, chains) for row, study, chains in studies}
    for label, wish, paper, row, bound in ASKED:
        if (row.network, row.kind, row.iterations) not in by_row:
            continue
        study, chains = by_row[row.network, row.kind, row.iterations]
        losses = {name: lost(study, chains[name]) for name in ("matched", "off the device first")}
        words = ", ".join(f"{name} {loss:.2f}" for name, loss in losses.items())
        lines.append([label, wish, paper, words, "yes" if min(losses.values()) < bound else "no"])
    for row, study, chains in studies:
        alone = chains["on the device alone"]
        words, good = [], False
        for name in ("matched", "off the device first"):
            share = last(study, chains[name], "writes_a_cell") / last(study, alone, "writes_a_cell")
            better = lost(study, alone) - lost(study, chains[name])
            words.append(f"{name} {100.0 * share:.0f} %, {better:+.2f} points")
            good = good or (share <= 0.3 and better >= 0.0)
        label = f"writes, {LONG[row.network]}, {row.kind.label}, {row.iterations} iterations"
        lines.append([label, "<= 30 % of the same from an unmitigated chip, no lower", "few", ", ".join(words),
                      "yes" if good else "no"])  # fmt: skip
    return table(["", "asked", "paper (abstract)", "measured", "reached"], lines)


def picture(path: Path, study: Study, chains: dict[str, str]) -> None:
    """Draw accuracy on the chip against writes a cell, of each way and chip."""
    from xbarsim.plot import new_figure, style

    figure = new_figure(figsize=(6.4, 4.2))
    axes = figure.subplots()
    for number, (name, text) in enumerate(chains.items()):
        for k, record in enumerate(result(study, text).records):
            writes, level = record.trace["writes_a_cell"], record.trace["chip_validation"]
            axes.plot(writes, 100.0 * np.array(level), **style(number), markersize=4, label=None if k else name)
    axes.set_xlabel("writes a cell, beyond programming")
    axes.set_ylabel("validation images right, %")
    axes.grid(linewidth=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)


TEXT = f"""
Pairs of cells of 10 kohm and 1 Mohm, 64 x 64 arrays, a factor a cell, ideal fidelity, {CHIPS} chips, MNIST. Points lost
are those of 10,000 test images against torch (sample deviation of chips). Writes are of the iterations, over all cells;
the programming before them is one more. "most" is the most often written cell. Known stuck cells are never written.

- *On the device alone* is the baseline of writes: `itt-rna:mapping=none,rounds=0`, the same threshold, iterations and
  rate, from a chip on which the network was programmed as it is.
- *Matched* is `itt-rna:rounds=0`: rows matched layer by layer, then the iterations.
- *Off the device first* is `itt-rna`: rows matched and weights reduced layer by layer, then the iterations.

The paper's abstract promises less than 1.1 points under resistance variation, and less than 1 at 20 % stuck cells, for
MLP and CNN; it names neither sigma nor the ratio of stuck-open to stuck-closed cells (OCR), nor the networks.
"""


CURVE = """The MLP with 20 % stuck cells, OCR 5.17: accuracy on validation images, sent through the chip, against writes
of the iterations; a line a chip."""
QUICK = "\nQuick: one chip, a tenth of the iterations, few images; no figure for any page.\n"


def page(studies: Sequence[tuple[Row, Study, dict[str, str]]], quick: bool) -> str:
    """Return the page."""
    ideals = {LONG[row.network]: 100.0 * study.ideal for row, study, _ in studies}
    words = ", ".join(f"{name} {ideal:.2f} %" for name, ideal in ideals.items())
    lines = table(HEAD, [cells(row, study, chains) for row, study, chains in studies])
    return (
        "# Off the device, then on it: accuracy and writes\n\n"
        "`python validation/papers/paper_b.py --networks DIR --write`"
        f"\n{QUICK * quick}{TEXT}\nIdeal: {words}.\n\n{lines}\n\n"
        f"![Accuracy against writes](b_writes.png)\n\n{CURVE}\n\n{asked(studies)}\n"
    )


def parser() -> argparse.ArgumentParser:
    command = provenance.parser(__doc__)
    command.add_argument("--networks", type=Path, required=True, help="folder of mlp.pt and lenet.pt")
    command.add_argument("--records", type=Path, help="what is measured, kept in this file")
    command.add_argument("--rows", type=int, default=len(ROWS), help="so many rows, the first")
    command.add_argument("--quick", action="store_true", help="one chip, few images, a tenth of the iterations")
    return command


def main() -> None:
    arguments = parser().parse_args()
    arguments.networks.mkdir(exist_ok=True, parents=True)
    runs = Runs(arguments.networks, Records(arguments.records), arguments.quick)
    studies = [(row, *runs.study(row)) for row in ROWS[: arguments.rows]]
    text = page(studies, arguments.quick)
    print(text)
    if arguments.write and not arguments.quick:
        (provenance.RESULTS / "papers").mkdir(exist_ok=True)
        stuck = [entry for entry in studies if entry[0].kind == STUCK and entry[0].network == "mlp"]
        for _, study, chains in sorted(stuck, key=lambda entry: entry[0].iterations)[-1:]:
            picture(provenance.RESULTS / "papers" / "b_writes.png", study, chains)
        provenance.write_page("papers/b_writes.md", text, runs.records.origin)


if __name__ == "__main__":
    main()
