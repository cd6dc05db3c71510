"""Training for a kind of chip, distillation and sparse adaptation on MNIST: G. Charan et al., IEEE JXCDC 6, 2020.

python validation/papers/paper_c.py rsa --weights mlp.pt --lenet lenet.pt --records c.jsonl  # prints it
with --write  # writes results/papers/c_*.md
with --quick  # a first look: 1 chip, few images

Tables: rsa (sparse adaptation by share of the weights), writing (pulses of write-verify); trainings are the study
c_injection.toml. Networks that are missing are trained first, in a few minutes:
xbarsim train --model mlp --data mnist --limit 55000 -o mlp.pt
xbarsim train --model lenet --data mnist --limit 55000 --epochs 8 -o lenet.pt

Arrays of 128 x 128, 10 kohm and 1 Mohm, 16 levels a cell, gaussian factors of sigma 0.1, 1.75 % of the cells stuck at
LRS and 9.04 % at HRS, without wires. MNIST under XBARSIM_DATA. What is measured, and each network that a training came
to, is kept beside the records: a command that was stopped goes on from there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import paper_runs
import provenance
import torch
from paper_runs import Records, Setting, cell, mean, table
from torch import nn

from xbarsim.mitigation import Harness, Plan, Study, chain
from xbarsim.nn import Hardware, Tiles
from xbarsim.nn.datasets import Dataset
from xbarsim.nonideal import Faults, Levels, Nonidealities, Variation

LRS, HRS = 0.0175, 0.0904
SHARES = (0.01, 0.03, 0.05, 0.1)
PICKS = ("random", "importance")
EPOCHS = {"MLP": 6, "LeNet": 4}


def hardware(*, sigma: float = 0.1, stuck: bool = True, kind: str = "gaussian", levels: bool = True) -> Hardware:
    """Return chips as the paper has them."""
    cells = Nonidealities(
        r_on=1e4,
        r_off=1e6,
        levels=Levels(16) if levels else None,
        variation=Variation(sigma, kind=kind),
        faults=Faults.of_rates(LRS, HRS) if stuck else None,
    )
    return Hardware(tiles=Tiles(128, 128), cells=cells, fidelity="ideal")


@dataclass(frozen=True)
class Work:
    """The networks, the data, and what was measured."""

    models: dict[str, nn.Module]
    dataset: Dataset
    records: Records
    folder: Path | None
    quick: bool

    @cached_property
    def ideals(self) -> dict[str, float]:
        """Torch's accuracy of each network, in percent."""
        harness = {name: Harness(model, self.dataset, hardware()) for name, model in self.models.items()}
        return {name: 100 * entry.ideal() for name, entry in harness.items()}

    def study(self, name: str, setting: Setting, model: nn.Module) -> Study:
        if self.quick:
            setting = dataclasses.replace(setting, chips=1)
        return self.records.study(name, setting, model, self.dataset)

    def trained(self, network: str, method: str) -> nn.Module:
        """Return what a training for the kind of chip makes of a network; it serves all chips."""
        model = self.models[network]
        if method == "plain":
            return model
        text = f"{method}:epochs={1 if self.quick else EPOCHS[network]}"
        path = None
        if self.folder is not None and not self.quick:
            path = self.folder / f"{Plan.of(model).fingerprint()[:12]}-{re.sub('[^a-z0-9]+', '-', text)}.pt"
            if path.exists():
                student = Plan.of(model).model
                student.load_state_dict(torch.load(path, weights_only=True))
                return student
        applied = Harness(model, self.dataset, hardware()).apply(chain(text), 0)
        print(f"{network}, {text}: loss of each epoch {applied.trace['loss']}, {applied.seconds:.0f} s", flush=True)
        if path is not None:
            torch.save(applied.plan.model.state_dict(), path)
        return applied.plan.model


METHODS = ("plain", "noise", "distill")


def rsa(work: Work) -> str:
    """Sparse adaptation of the plain and of the trained networks, by share and pick."""
    earlier = {"random": ("95.4", "97.0", "97.6", "98.0"), "importance": ("97.5", "98.0", "98.2", "98.4")}
    few = "images=1000,pick_images=500" if work.quick else f"images={IMAGES}"
    shares = []
    rows = []
    for method in METHODS:
        texts = {(pick, share): f"rsa:epochs=2,share={share:g},pick={pick},{few}" for pick in PICKS for share in SHARES}
        setting = Setting(f"LeNet, {method}", hardware(), tuple(texts.values()), chips=2)
        study = work.study("rsa", setting, work.trained("LeNet", method))
        for pick in PICKS:
            rows.append([method, pick, cell(study, "none"), *(cell(study, texts[pick, share]) for share in SHARES)])
            if method == "plain":
                rows.append(["prototype", pick, "79.1", *earlier[pick]])
            enough = [share for share in SHARES if mean(study, texts[pick, share]) >= work.ideals["LeNet"] - 1.0]
            shares.append([method, pick, f"{100 * enough[0]:g} %" if enough else "none of these"])
    head = ["network", "pick", "no adaptation", *(f"{100 * share:g} %" for share in SHARES)]
    body = (
        f"LeNet, in torch {work.ideals['LeNet']:.2f} %:\n\n{table(head, rows)}\n{SHARES_TEXT}\n"
        f"{table(['network', 'pick', 'share'], shares)}"
    )
    return page("Sparse adaptation with the chip in the loop", "rsa", body, RSA_TEXT)


IMAGES = 20_000
RSA_TEXT = f"""
Two chips. `rsa:epochs=2,images={IMAGES}`: the arrays are written once; a share of all weights has a digital addend,
trained by Adam through the very chip. Importance is `|dL/dw|` on the chip over 2,000 labelled images. plain is the
network as it was trained in torch, noise and distill as in
[the study of trainings](../../../docs/results/c_injection.md). Asked: importance
at least random at every share; within a point of the plain network in torch at 5 % by importance on the plain LeNet (a
prototype missed 0.98 at 3 %). Paper (secondary source): 3 % of the weights are enough after distillation, 7 % before;
the published abstract: up to 5 %."""
SHARES_TEXT = """
The smallest of these shares that comes within a point of the plain network in torch, whatever the training:"""


def writing(work: Work) -> str:
    """Pulses of write-verify, the method that both are to spare."""
    rows = []
    for stuck in (False, True):
        kind = hardware(sigma=0.5, stuck=stuck, kind="lognormal", levels=False)
        label = f"sigma 0.5, {'1.75/9.04 %' if stuck else 'none'} stuck"
        for network, model in work.models.items():
            study = work.study("writing", Setting(f"{network}, {label}", kind, ("write-verify",), chips=5), model)
            records = study.results[1].records
            # Each cell of the arrays in use has one blind write without the method.
            cells = [record.cost.writes for record in study.results[0].records]
            pulses = np.mean([record.cost.pulses for record in records]) / np.mean(cells)
            failed = np.mean([record.cost.unconverged for record in records]) / np.mean(cells)
            rows.append(
                [network, label, str(len(records)), cell(study, "none"), cell(study, "write-verify"), f"{pulses:.1f}",
                 f"{100 * failed:.1f} %"]
            )  # fmt: skip
    rows.append(["", "prototype, sigma 0.5, stuck", "", "", "", "8.4", "5.2 %"])
    head = ["network", "cells", "chips", "blind", "`write-verify`", "pulses a cell, each with a read", "unconverged"]
    return page("What read-verify-write takes", "writing", table(head, rows), WRITING_TEXT)


WRITING_TEXT = """
Tolerance 1 % of the range, at most 100 pulses, factors lognormal, no levels. The paper's own figure is of time: the
joint method is 15 to 150 times faster than read-verify-write of every cell; it does not count pulses. Blind programming
takes one write a cell; `rsa` takes none more, `noise` and `distill` none at all."""


def page(title: str, name: str, body: str, text: str) -> str:
    command = f"`python validation/papers/paper_c.py {name} --weights mlp.pt --lenet lenet.pt --write`"
    setting = (
        "MLP 784-128-10 and LeNet-5 on MNIST, 128 x 128 arrays of 10 kohm and 1 Mohm, differential, ideal fidelity, "
        "cells of 16 levels, gaussian factors of sigma 0.1, 1.75 % stuck at LRS and 9.04 % at HRS, if nothing else is "
        "said; percent of 10,000 test images, mean of the chips (sample deviation)"
    )
    return f"# {title}\n\n{command}: {setting}.\n{text}\n\n{body}\n"


TABLES: dict[str, Callable[[Work], str]] = {"rsa": rsa, "writing": writing}


def main() -> None:
    parser = paper_runs.command(__doc__, list(TABLES))
    parser.add_argument("--lenet", type=Path, required=True, help="the trained LeNet, likewise")
    parser.add_argument(
        "--quick", action="store_true", help="a first look: 1 chip, 2,000 training and 1,000 test images"
    )
    arguments = parser.parse_args()
    if arguments.quick and arguments.write:
        parser.error("--quick is a first look, and no page: leave --write out")
    model, dataset = paper_runs.network(arguments.weights, "--model", "mlp")
    lenet, _ = paper_runs.network(arguments.lenet, "--model", "lenet", "--epochs", "8")
    if arguments.quick:
        dataset = dataclasses.replace(dataset, train=dataset.train.first(2000), test=dataset.test.first(1000))
    records = None if arguments.quick else arguments.records
    folder = None if records is None else records.resolve().parent
    for name in arguments.tables:
        work = Work({"MLP": model, "LeNet": lenet}, dataset, Records(records), folder, arguments.quick)
        text = TABLES[name](work)
        print(text)
        if arguments.write:
            (provenance.RESULTS / "papers").mkdir(exist_ok=True)
            provenance.write_page(f"papers/c_{name}.md", text, work.records.origin)


if __name__ == "__main__":
    main()
