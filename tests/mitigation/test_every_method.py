"""What holds for every method of the catalogue: it uses what it may, gives the same plan again, and changes no plan."""

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
import torch
from mitigation_cases import CASES, Case
from mitigation_tools import (
    ChipsByHand,
    chips_of,
    counts,
    digits,
    harness_of,
    inverted,
    network,
    shuffled_labels,
    twins,
)

from xbarsim.mitigation import Bench, Chain, Method, Plan, Record, catalogue, chain
from xbarsim.mitigation.harness import Application
from xbarsim.mitigation.needs import DATA, KNOWLEDGE
from xbarsim.nn import Arrangement

pytestmark = pytest.mark.filterwarnings("ignore::xbarsim.mitigation.precompensate.UnreachableWarning")

NAMES = [*catalogue.methods(), *catalogue.shorthands()]
ALL = [
    pytest.param(chain(f"{name}:{case.options}" if case.options else name), case, id=f"{name}:{case.options}")
    for name in NAMES
    for case in CASES.get(name, ())
]
EVERY = pytest.mark.parametrize(("steps", "case"), ALL)


def levels(steps: Chain) -> tuple[str, str, str]:
    """Return what a chain may use of data, knowledge and chip: the most of its steps."""
    needs = [step.needs for step in steps.steps]
    data = max((need.data for need in needs), key=DATA.index)
    knows = max((need.knows for need in needs), key=KNOWLEDGE.index)
    return data, knows, "none" if all(need.chip == "none" for need in needs) else "some"


def applied(steps: Chain, case: Case, dataset=None, chip: int = 0) -> Application:
    harness = harness_of(case.network, case.hardware, dataset)
    harness.check([steps])
    return harness.apply(steps, chip)


@dataclass(frozen=True)
class Usual:
    """What a chain came to on chip 0: its plan and the network before and after, by their fingerprints, what it used.

    ``modes`` are those of the network and of torch afterwards, ``record`` is of another chip, which came next.
    """

    plan: str
    used: dict[str, float]
    networks: tuple[str, str]
    modes: tuple[bool, torch.dtype, bool]
    record: Record


@cache
def usual(label: str, case: Case) -> Usual:
    """Return what a chain came to, found once for all tests."""
    steps, model = chain(label), network(case.network)
    before = Plan.of(model).fingerprint()
    application = applied(steps, case)
    networks = before, Plan.of(model).fingerprint()
    modes = model.training, torch.get_default_dtype(), torch.is_grad_enabled()
    record = harness_of(case.network, case.hardware).record(steps, 2)
    return Usual(application.plan.fingerprint(), counts(application), networks, modes, record)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_in_the_table_of_cases(name):
    assert CASES.get(name), f"tests/mitigation_cases.py has no line for {name}"


def test_the_table_has_no_strangers():
    assert sorted(CASES.keys() - set(NAMES)) == []


@EVERY
def test_what_it_must_not_know_of_a_chip_changes_nothing(steps, case, monkeypatch):
    """Two chips agree in what is known, and in nothing else: factors, broken lines, noise of writes and reads."""
    _, knows, chip = levels(steps)
    if chip != "none":
        pytest.skip("it may ask the chip itself")
    expected = usual(steps.label, case).plan
    base = harness_of(case.network, case.hardware).base_plan(steps)
    first, second = (chips_of(base, case.hardware, seed) for seed in (0, 1))
    shared = {"hardware": (), "faults": ("faults",), "maps": tuple(_FROZEN)}[knows]
    pair = first, twins(first, second, shared)
    assert any(a.maps(0).factor.tobytes() != b.maps(0).factor.tobytes() for a, b in _pairs(*pair)) or knows == "maps"
    ChipsByHand(pair).install(monkeypatch)
    assert applied(steps, case, chip=1).plan.fingerprint() == expected


_FROZEN = ("faults", "factor", "nu", "word_breaks", "bit_breaks", "word_shorts", "bit_shorts")


def _pairs(first, second):
    return [(first[name], second[name]) for name in first]


@EVERY
def test_labels_that_it_must_not_use_change_nothing(steps, case):
    if levels(steps)[0] == "labels":
        pytest.skip("it may use labels")
    assert applied(steps, case, shuffled_labels(digits())).plan.fingerprint() == usual(steps.label, case).plan


@EVERY
def test_images_that_it_must_not_use_change_nothing(steps, case):
    if levels(steps)[0] != "none":
        pytest.skip("it may use images")
    dataset = digits()
    strange = replace(dataset, train=inverted(dataset.train), validation=inverted(dataset.validation))
    assert applied(steps, case, strange).plan.fingerprint() == usual(steps.label, case).plan


@EVERY
def test_the_test_set_changes_nothing(steps, case):
    dataset = replace(digits(), test=inverted(digits().test))
    assert applied(steps, case, dataset).plan.fingerprint() == usual(steps.label, case).plan


@EVERY
def test_again_it_is_the_same_to_the_last_bit_and_costs_the_same(steps, case):
    """After another chip, however torch's and numpy's own generators stand, with another number of threads."""
    first = usual(steps.label, case)
    threads = torch.get_num_threads()
    np.random.seed(11)  # noqa: NPY002
    torch.manual_seed(11)
    torch.set_num_threads(3)
    try:
        application = applied(steps, case)
    finally:
        torch.set_num_threads(threads)
    assert application.plan.fingerprint() == first.plan
    assert counts(application) == first.used, "nothing is remembered from one chip to the next"


@EVERY
def test_it_leaves_the_network_and_its_modes_alone(steps, case):
    assert len(set(usual(steps.label, case).networks)) == 1
    assert usual(steps.label, case).modes == (False, torch.float32, True)


@EVERY
def test_its_record_is_json_and_comes_back(steps, case):
    record = usual(steps.label, case).record
    text = json.dumps(record.to_dict(), allow_nan=False)
    assert Record.from_dict(json.loads(text)) == record
    assert all(value >= 0 for value in record.to_dict()["cost"].values())
    json.dumps([step.to_dict() for step in steps.steps], allow_nan=False)


@EVERY
def test_it_costs_what_it_is_entitled_to_at_most(steps, case):
    data, _, chip = levels(steps)
    used = usual(steps.label, case).used
    assert data == "labels" or used["labels"] == 0
    assert data != "none" or used["images"] == 0
    assert chip != "none" or used["forward_images"] == 0


@EVERY
def test_its_label_makes_it_again(steps, case):
    assert chain(steps.label) == steps
    for step in steps.steps:
        assert step.paper
        assert step.about
        assert step.about == step.about.strip().rstrip(".")


@EVERY
def test_an_arrangement_stays_where_it_settles_none(steps, case):
    """Rows that an earlier step laid out stay; they are the order in which a later step finds its chip."""
    if any((step.settles | step.undoes) & {"rows", "flips"} for step in steps.steps):
        pytest.skip("it lays out rows itself, or is to come before what does")
    first = Reversed()
    application = applied(Chain((first, *steps.steps)), case)
    assert all(
        application.plan.layer(name).arrangement.to_dict() == first.arrangement(layer).to_dict()
        for name, layer in application.network.layers.items()
    )
    if (
        levels(steps)[1] == "maps"
        and usual(steps.label, case).plan != applied(Chain((first,)), case).plan.fingerprint()
    ):
        assert _without_rows(application.plan) != usual(steps.label, case).plan


def _without_rows(plan: Plan) -> str:
    for name in plan.layers:
        plan = plan.with_layer(name, arrangement=None)
    return plan.fingerprint()


@dataclass(frozen=True)
class Reversed(Method):
    """Lays all rows the other way round, every third one negated."""

    name: ClassVar[str] = "reversed"
    paper: ClassVar[str] = "a test"
    about: ClassVar[str] = "rows the other way round"
    settles = frozenset({"rows", "flips"})

    def arrangement(self, layer) -> Arrangement:
        count = layer.weight[0].numel()
        groups = range(layer.groups)
        return Arrangement(
            rows=[np.arange(count)[::-1] for _ in groups], flips=[np.arange(count) % 3 == 0 for _ in groups]
        )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        for name, layer in bench.ideal_network(plan).layers.items():
            plan = plan.with_layer(name, arrangement=self.arrangement(layer))
        return plan
