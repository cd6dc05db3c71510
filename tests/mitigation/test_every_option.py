"""Every option of every method acts: another value comes to another plan, or notes or uses something else."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import pytest
from mitigation_tools import CELLS, ENDS, HARDWARE, harness_of

from xbarsim.mitigation import catalogue, chain
from xbarsim.nn import Wires

pytestmark = pytest.mark.filterwarnings("ignore::xbarsim.mitigation.precompensate.UnreachableWarning")

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
PULSES = {"tolerance": "0.1", "of": "target", "max_pulses": "3", "step": "0.5", "shrink": "0.9", "noise": "0.3"}

_REDUCING = "N=4,batch=20,interval=8,reductions=40,steps=1"
_ON_AND_OFF = "rounds=3,steps=2,share=0.02,batch=20,iterations=4,interval=2,threshold=0.005"
_TRAINING = "epochs=1,batch=20,images=60"

BASES = {
    "headroom": ("", "mlp"),
    "gain": ("", "mlp"),
    "output-correction": ("share=0.05", "mlp"),
    "precompensate": ("iterations=3", "mlp"),
    "neuron-permutation": ("", "mlp"),
    "write-verify": ("", "mlp"),
    "greedy-rows": ("", "mlp"),
    "match-rows": ("", "mlp"),
    "row-flip": ("", "mlp"),
    "row-flip-match": ("", "mlp"),
    "fpt": ("iterations=3,batch=10", "norm"),
    "reduce-fix": (_REDUCING, "single"),
    "itt-rna": (_ON_AND_OFF, "mlp"),
    "vat": ("gammas=0.1/0.2,epochs=1,batch=20", "single"),
    "bias": (_TRAINING, "mlp"),
    "bn": (_TRAINING, "norm"),
    "retrain": (_TRAINING, "mlp"),
    "noise": (_TRAINING, "mlp"),
    "distill": (_TRAINING, "mlp"),
    "rsa": (f"{_TRAINING},share=0.1", "mlp"),
    "technology-closed": (_TRAINING, "mlp"),
    "technology-approximate": (_TRAINING, "mlp"),
    "technology-exact": (_TRAINING, "mlp"),
}
"""By method: options that are set before, and the network."""

WIRED = {
    name: replace(ENDS, cells=STEADY.cells)
    for name in ("technology-closed", "technology-approximate", "technology-exact")
}
WIRED["noise"] = WIRED["technology-exact"]
WIRED["precompensate"] = replace(
    STEADY, cells=replace(STEADY.cells, faults=None), fidelity="accurate", wires=Wires(50.0, 50.0)
)
"""By method: hardware, where it is to have a circuit; what ``precompensate`` makes up for is in the wires."""

_TECHNOLOGY = {
    "epochs": "2", "batch": "10", "rate": "0.01", "images": "40", "variation": "false", "every": "2", "gain": "false",
}  # fmt: skip

CHANGES = {
    "headroom": {"h": "3"},
    "gain": {"source": "images", "per": "output", "count": "20"},
    "output-correction": {"knows": "maps", "share": "0.01", "most": "3", "weighting": "input", "images": "20"},
    "precompensate": {"h": "7", "solver": "adjoint", "iterations": "2", "tolerance": "0.9"},
    "neuron-permutation": {"knows": "faults", "weighting": "input", "power": "2", "images": "20"},
    "write-verify": PULSES,
    "greedy-rows": {"scope": "tile", "knows": "faults", "order": "norm", "spare": "2", "power": "2"},
    "match-rows": {
        "scope": "tile", "knows": "faults", "weighting": "input", "images": "20", "spare": "2", "power": "2",
    },
    "row-flip": {"scope": "layer", "knows": "faults", "power": "2"},
    "row-flip-match": {
        "scope": "layer", "knows": "faults", "weighting": "input", "images": "20", "spare": "2", "power": "2",
    },
    "fpt": {"iterations": "4", "batch": "9", "momentum": "0.2", "normalise": "running", "source": "faults"},
    "reduce-fix": {
        "N": "5", "t": "3", "bound": "1", "steps": "2", "rate": "0.2", "batch": "10", "stuck": "reduce",
        "literal_T": "true", "interval": "16", "patience": "8", "reductions": "80",
    },
    "itt-rna": {
        "mapping": "none", "images": "20", "rounds": "1", "patience": "1", "share": "0.05", "t": "3", "bound": "1",
        "forward": "weights", "graded": "20", "steps": "3", "step_rate": "0.2", "batch": "10", "iterations": "5",
        "rate": "0.1", "momentum": "0.5", "threshold": "0.02", "interval": "4",
    },
    "vat": {"gammas": "0.1/0.3", "epochs": "2", "batch": "10", "rate": "0.01"},
    "bias": {"epochs": "2", "batch": "10", "rate": "0.1", "images": "40", "knows": "maps"},
    "bn": {"epochs": "2", "batch": "10", "rate": "0.1", "images": "40", "knows": "maps"},
    "retrain": {"epochs": "2", "batch": "10", "rate": "0.01", "images": "40", "knows": "maps"},
    "noise": {
        "epochs": "2", "batch": "10", "rate": "0.01", "images": "40", "chips": "2", "every": "2", "circuit": "ideal",
    },
    "distill": {
        "epochs": "2", "batch": "10", "rate": "0.01", "images": "40", "chips": "2", "every": "2",
        "temperature": "5", "alpha": "0.5", "bits": "3",
    },
    "rsa": {
        "epochs": "2", "batch": "10", "rate": "0.1", "images": "40", "share": "0.2", "pick": "importance",
        "pick_images": "20", "source": "maps",
    },
    "technology-closed": _TECHNOLOGY | {"refit": "false"},
    "technology-approximate": _TECHNOLOGY | {"refit": "false", "form": "path"},
    "technology-exact": _TECHNOLOGY,
}  # fmt: skip
"""By method and option: another value."""

WITH = {
    ("gain", "source"): "count=30",
    ("gain", "count"): "source=images,count=30",
    ("output-correction", "images"): "weighting=input",
    ("match-rows", "images"): "weighting=input",
    ("neuron-permutation", "images"): "weighting=input",
    ("row-flip-match", "images"): "weighting=input",
    ("rsa", "pick"): "pick_images=50",
    ("rsa", "pick_images"): "pick=importance,pick_images=50",
    ("reduce-fix", "bound"): "reductions=400,N=40",
    ("itt-rna", "bound"): "share=0.3",
}
"""Options that act beside others only."""


@cache
def outcome(name: str, options: tuple[tuple[str, str], ...]) -> tuple:
    words = ",".join(f"{option}={value}" for option, value in options)
    harness = harness_of(BASES[name][1], WIRED.get(name, STEADY))
    application = harness.apply(chain(f"{name}:{words}" if words else name), 0)
    ledger = application.ledger
    uses = ledger.labels, ledger.images, ledger.gradient_steps, ledger.forward_images
    return application.plan.fingerprint(), uses, repr(application.trace)


def options_of(words: str) -> dict[str, str]:
    return dict(word.split("=") for word in words.split(",") if word)


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, options in CHANGES.items() for option in options]
)
def test_another_value_comes_to_something_else(name, option):
    before = options_of(BASES[name][0]) | options_of(WITH.get((name, option), ""))
    after = before | {option: CHANGES[name][option]}
    assert outcome(name, tuple(before.items())) != outcome(name, tuple(after.items()))


@pytest.mark.parametrize("name", catalogue.methods())
def test_the_table_has_every_option(name):
    options = [option.name for option in fields(catalogue.methods()[name])]
    assert sorted(options) == sorted(CHANGES.get(name, {})), "tests/mitigation/test_every_option.py has no line for it"


@pytest.mark.parametrize("option", PULSES)
def test_pulses_reach_the_chip(option):
    """What cells are programmed by is in the counts of the chip."""
    harness = harness_of("mlp", STEADY)
    costs = [
        (record.cost.pulses, record.cost.unconverged, record.after)
        for record in (
            harness.record(chain(f"write-verify{words}"), 0) for words in ("", f":{option}={PULSES[option]}")
        )
    ]
    assert costs[0] != costs[1]
