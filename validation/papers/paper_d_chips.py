"""The chips of paper D: 64 x 64 arrays of 1 kohm and 1 Mohm, with stuck cells, spread resistances and wires."""

from __future__ import annotations

from dataclasses import dataclass, replace

from paper_runs import Records, Setting
from torch import nn

from xbarsim.mitigation import Study
from xbarsim.nn import Hardware, Mapping, Wires
from xbarsim.nn.datasets import Dataset
from xbarsim.nonideal import Faults, Nonidealities, Variation

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

    def study(self, label: str, kind: Hardware, chains: tuple[str, ...], chips: int = 5, data: str = "train") -> Study:
        """Return a study; ``data`` is "test" where methods get test images instead of training images."""
        dataset = self.dataset
        if data == "test":
            dataset = replace(dataset, train=dataset.test)
        return self.records.study(data, Setting(label, kind, chains, chips), self.model, dataset)


def page(title: str, name: str, body: str, text: str) -> str:
    """Return a page of results: what a command measured, in words and in a table."""
    command = f"`python validation/papers/paper_d.py {name} --weights bnn.pt --write`"
    setting = (
        "BinaryNet 784-1024-1024-1024-10 on MNIST, 64 x 64 arrays of 1 kohm and 1 Mohm, percent of 10,000 test images"
    )
    return f"# {title}\n\n{command}: {setting}.\n{text}\n\n{body}\n"
