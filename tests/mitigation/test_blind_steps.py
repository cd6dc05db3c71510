"""Steps that know no chip are taken once for all chips of a kind, with the same numbers as for each."""

import time
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from mitigation_tools import HARDWARE, harness_of

from xbarsim.mitigation import Chain, Method, Needs, chain

CALLS: list[str] = []


@dataclass(frozen=True)
class Counted(Method):
    """Adds drawn numbers to biases, one step of an optimiser, and counts its calls."""

    name: ClassVar[str] = "counted"
    paper: ClassVar[str] = "a test"
    about: ClassVar[str] = "counts its calls"
    undoes = frozenset({"rows"})

    knows: str = "hardware"
    amount: float = 0.01
    pause: float = 0.0

    @property
    def needs(self):
        return Needs(data="labels", knows=self.knows)

    def apply(self, plan, bench):
        CALLS.append(self.knows)
        time.sleep(self.pause)
        bench.labelled(7)
        bench.note(draw=bench.rng.random())
        bias = torch.nn.Parameter(plan.model.state_dict()["fc1.bias"].clone())
        optimizer = torch.optim.SGD([bias], lr=self.amount)
        (bias * torch.randn(len(bias))).sum().backward()
        optimizer.step()
        return plan.with_weights({"fc1.bias": bias.detach()})


def test_they_are_taken_once():
    harness = harness_of()
    blind, sighted = Counted(), Counted(knows="faults")
    for steps, calls in (
        ((blind, sighted), ["hardware", "faults", "faults", "faults"]),
        ((sighted, blind), ["faults", "hardware"] * 3),
        ((blind, blind, sighted), ["hardware", "hardware", "faults", "faults", "faults"]),
        ((replace(blind, amount=0.02),), ["hardware"]),
    ):
        CALLS.clear()
        for seed in range(3):
            harness.apply(Chain(steps), seed)
        assert calls == CALLS


def test_numbers_are_those_of_each_chip_by_itself():
    steps = Chain((Counted(), Counted(knows="faults"), Counted()))
    together = harness_of()
    for seed in range(3):
        shared, alone = (harness.record(steps, seed) for harness in (together, harness_of()))
        assert replace(shared, seconds=0.0) == replace(alone, seconds=0.0)
        assert shared.cost.gradient_steps == 3
        assert list(shared.trace) == ["draw", "counted.draw"]
        assert together.apply(steps, seed).plan.fingerprint() == harness_of().apply(steps, seed).plan.fingerprint()


def test_time_is_that_of_all_steps():
    harness, steps = harness_of(), Chain((Counted(pause=0.05), Counted(knows="faults")))
    assert min(harness.record(steps, seed).seconds for seed in range(3)) >= 0.05


def test_spare_rows_are_another_start():
    harness = harness_of("single", HARDWARE)
    for spare in (0, 3, 0):
        steps = chain(f"vat:gammas=0.1,epochs=1,batch=20+match-rows:spare={spare}")
        assert harness.apply(steps, 0).plan.layer("fc1").arrangement.spare == spare
