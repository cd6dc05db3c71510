"""FPT and what it is compared with on BinaryNet for MNIST (3 x 1024): the tables and figures of G. Jung et al.

python validation/papers/paper_d.py table3 --weights bnn.pt --records d.jsonl            # prints it
python validation/papers/paper_d.py table3 --weights bnn.pt --records d.jsonl --write    # writes results/papers/d_*.md

Where bnn.pt is missing it is trained first, in some ten minutes:
xbarsim train --model binary-mlp --width 2 --data mnist --limit 55000 --epochs 25 -o bnn.pt

Arrays of 64 x 64, 1 kohm and 1 Mohm. MNIST under XBARSIM_DATA. Numbers are percent of 10,000 test images: the mean of
all chips, and the sample deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import paper_runs
import provenance
from paper_runs import Records, Setting, cell, table
from torch import nn

from xbarsim.nn import Hardware, Mapping, Wires
from xbarsim.nn.datasets import Dataset
from xbarsim.nonideal import Faults, Nonidealities, Variation

TUNED = ("fpt",)
TRAINED = tuple(f"{name}:epochs=2,images=20000" for name in ("bias", "bn", "retrain"))
BALANCED, UNBALANCED = Mapping("differential"), Mapping("offset")
HEALTHY_REFERENCE = Mapping("reference", reference_faults=False)


def hardware(
    mapping: Mapping, rate: float, ocr: float, *, sigma: float = 0.0, ohms: float = 0.0, of: str = "resistance"
) -> Hardware:
    """Return chips of a stuck rate, an open-close ratio, a spread of resistances, and wires and ends."""
    variation = Variation(sigma, kind="gaussian", of=of) if sigma else None
    cells = Nonidealities(faults=Faults(rate, ocr) if rate else None, variation=variation)
    wires = Wires(ohms, ohms, ohms, ohms)
    return Hardware(cells=cells, mapping=mapping, wires=wires, fidelity="accurate" if ohms else "ideal")


@dataclass(frozen=True)
class Work:
    """The network, the data, and what was measured."""

    model: nn.Module
    dataset: Dataset
    records: Records

    def study(self, name: str, setting: Setting):
        return self.records.study(name, setting, self.model, self.dataset)


def wires(work: Work) -> str:
    """SI and FPT where wires take current."""
    prototype = {
        ("differential", 0.5, 0.0): "96.6, 98.0", ("differential", 1.0, 0.0): "80.3, 97.7",
        ("differential", 1.0, 0.2): "45.0, 97.3", ("reference", 1.0, 0.0): "23.0, 94.9",
        ("reference", 1.0, 0.2): "20.2, 82.9",
    }  # fmt: skip
    rows = []
    for mapping, ohms, rate, ocr in (
        (BALANCED, 0.5, 0.0, 0.2), (BALANCED, 1.0, 0.0, 0.2), (BALANCED, 0.5, 0.2, 0.2), (BALANCED, 1.0, 0.2, 0.2),
        (BALANCED, 1.0, 0.2, 1.0), (BALANCED, 2.0, 0.2, 0.2), (HEALTHY_REFERENCE, 1.0, 0.0, 1.0),
        (HEALTHY_REFERENCE, 1.0, 0.2, 1.0),
    ):  # fmt: skip
        label = f"{mapping.kind}, {ohms:g} ohm, {100 * rate:g} %, OCR {ocr:g}"
        study = work.study("wires", Setting(label, hardware(mapping, rate, ocr, ohms=ohms), TUNED))
        scheme = "balanced" if mapping.kind == "differential" else "unbalanced, healthy reference"
        faults = f"{100 * rate:g} %, OCR {ocr:g}" if rate else "none"
        earlier = prototype.get(
            (mapping.kind, ohms, rate if ocr == (0.2 if mapping.kind == "differential" else 1.0) else -1), ""
        )
        chips = str(len(study.seeds))
        rows.append([scheme, f"{ohms:g}", faults, chips, cell(study, "none"), cell(study, "fpt"), earlier])
    head = ["weights", "ohm, all segments and ends", "stuck cells", "chips", "SI", "FPT", "prototype, 1 chip: SI, FPT"]
    return page("FPT against IR drop", "wires", table(head, rows), WIRES_TEXT)


WIRES_TEXT = """
SI is simple inference: the network as it is, on the same chips. The circuit is solved with every segment, driver and
sense resistance; one chip stands for all where chips cannot differ. FPT moves digital gains and shifts only: 1,024
unlabelled images, no label, no gradient, no second write. The paper has curves on CIFAR-10 (figure 6b), about 5 points
lost at 1 ohm up to a rate of 20 %, and no SI beside them."""


def table3(work: Work) -> str:
    """SI, FPT and the three trainings, unbalanced, OCR 1."""
    paper = {
        0.1: ("97.36", "97.47", "97.81", "97.93", "97.32"), 0.2: ("91.85", "97.21", "97.23", "97.35", "96.92"),
        0.4: ("44.23", "95.07", "94.93", "96.70", "97.19"),
    }  # fmt: skip
    earlier = {
        0.1: ("97.93", "97.93", "-", "-", "-"), 0.2: ("97.23", "97.66", "97.62", "97.75", "97.76"),
        0.4: ("86.40", "95.06", "95.52", "96.30", "97.27"),
    }  # fmt: skip
    rows = []
    for rate in (0.0, 0.1, 0.2, 0.4):
        kind = hardware(UNBALANCED, rate, 1.0)
        study = work.study("table3", Setting(f"{100 * rate:g} %", kind, TUNED))
        cells = [cell(study, label) for label in ("none", *TUNED)]
        if rate:
            once = work.study("table3", Setting(f"{100 * rate:g} %", kind, TRAINED, chips=1))
            cells += [cell(once, label) for label in TRAINED]
        rows.append([f"{100 * rate:g} %", "measured", *cells, *["-"] * (5 - len(cells))])
        if rate:
            rows += [["", "paper", *paper[rate]], ["", "prototype", *earlier[rate]]]
    stuck = []
    for rate in (0.1, 0.2, 0.4):
        study = work.study(
            "table3", Setting(f"stuck reference, {100 * rate:g} %", hardware(Mapping("reference"), rate, 1.0), TUNED)
        )
        stuck.append(
            [
                f"{100 * rate:g} %",
                cell(study, "none"),
                cell(study, "fpt"),
                {0.2: "96.3, 97.3", 0.4: "71.9, 88.1"}.get(rate, ""),
            ]
        )
    head = ["stuck", "", "SI", "FPT", "bias", "bn", "retrain"]
    second = table(["stuck", "SI", "FPT", "prototype: SI, FPT"], stuck)
    body = f"{table(head, rows)}\n\nWith a reference column whose cells are stuck as others are:\n\n{second}"
    return page("Table III: FPT and three trainings", "table3", body, TABLE3_TEXT)


TABLE3_TEXT = """
Unbalanced (`offset`: one cell a weight, the reference is healthy), OCR 1, no wires. SI and FPT: five chips, mean and
sample deviation; bias, bn, retrain: the first chip, 2 epochs of 20,000 images (the paper: 10 epochs of all)."""


def page(title: str, name: str, body: str, text: str) -> str:
    command = f"`python validation/papers/paper_d.py {name} --weights bnn.pt --write`"
    setting = (
        "BinaryNet 784-1024-1024-1024-10 on MNIST, 64 x 64 arrays of 1 kohm and 1 Mohm, percent of 10,000 test images"
    )
    return f"# {title}\n\n{command}: {setting}.\n{text}\n\n{body}\n"


TABLES: dict[str, Callable[[Work], str]] = {"wires": wires, "table3": table3}


def main() -> None:
    arguments = paper_runs.command(__doc__, list(TABLES)).parse_args()
    training = ("--model", "binary-mlp", "--width", "2", "--epochs", "25")
    model, dataset = paper_runs.network(arguments.weights, *training)
    for name in arguments.tables:
        work = Work(model, dataset, Records(arguments.records))
        text = TABLES[name](work)
        print(text)
        if arguments.write:
            (provenance.RESULTS / "papers").mkdir(exist_ok=True)
            provenance.write_page(f"papers/d_{name}.md", text, work.records.origin)


if __name__ == "__main__":
    main()
