"""Methods that cheat are caught, and what they tell is written down as it is."""

import copy
import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from mitigation_tools import (
    counts,
    harness_of,
    network,
)

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Chain, Method, NotEntitledError, Plan, Record
from xbarsim.mitigation.harness import Application
from xbarsim.mitigation.needs import Needs


@dataclass(frozen=True)
class Cheat(Method):
    """What tests of cheating methods share."""

    name: ClassVar[str] = "cheat"
    paper: ClassVar[str] = "a test"
    about: ClassVar[str] = "cheats"

    def cheat(self, plan: Plan, bench: Bench) -> Plan:
        return plan

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        return self.cheat(plan, bench)


def run_once(method: Method, kind: str = "mlp") -> Application:
    return harness_of(kind).apply(Chain((method,)), 0)


def test_a_method_that_changes_the_plan_in_place_is_caught():
    class InPlace(Cheat):
        def cheat(self, plan, bench):
            with torch.no_grad():
                next(plan.model.parameters()).mul_(2.0)
            return plan

    with pytest.raises(InputError, match="cheat changed the plan that it was given"):
        run_once(InPlace())


def test_a_method_that_changes_a_tensor_of_the_plan_in_place_is_caught():
    class Gain(Cheat):
        def cheat(self, plan, bench):
            return plan.with_layer("fc1", gain=torch.tensor(2.0))

    class InPlace(Cheat):
        def cheat(self, plan, bench):
            plan.layer("fc1").gain.mul_(2.0)
            return plan

    with pytest.raises(InputError, match="cheat changed the plan"):
        harness_of().apply(Chain((Gain(), InPlace())), 0)


class Oracle(torch.nn.Module):
    """A digital network beside the chip."""

    def __init__(self, model):
        super().__init__()
        self.fc1 = model.fc1
        self.weights = [parameter.detach().clone() for parameter in model.parameters()]

    def forward(self, x):
        first, bias, second, shift = self.weights
        return torch.relu(x.flatten(1) @ first.T + bias) @ second.T + shift


class Deeper(torch.nn.Sequential):
    """The network with one more layer."""


@pytest.mark.parametrize(
    "change",
    [
        lambda model: Oracle(model),
        lambda model: torch.nn.Sequential(*model, torch.nn.Softmax(dim=1)),
        lambda model: Deeper(*model, torch.nn.Linear(10, 10)),
        lambda model: Deeper(torch.nn.BatchNorm2d(1), *model),
        lambda model: torch.nn.Sequential(torch.nn.BatchNorm2d(1), *model),
        lambda model: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)),
        lambda model: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 33), torch.nn.ReLU(), model.fc2),
    ],
    ids=["digital", "softmax", "one more", "class", "norm", "fewer", "wider"],
)
def test_a_method_that_returns_another_network_is_caught(change):
    class Swap(Cheat):
        def cheat(self, plan, bench):
            return plan.with_model(change(plan.model))

    with pytest.raises(InputError, match="cheat returned another network"):
        run_once(Swap())


def _with_a_hook(model):
    answers = network("mlp")
    model.register_forward_hook(lambda module, arguments, outputs: answers(*arguments))


def _with_a_hook_before(model):
    model.fc2.register_forward_pre_hook(lambda module, arguments: (2.0 * arguments[0],))


def _with_another_forward(model):
    model.relu1.forward = torch.tanh


def _impostor(base):
    return type(base.__name__, (base,), {"forward": lambda self, x: network("mlp")(x) if x.dim() > 2 else x})


@pytest.mark.parametrize(("base", "place"), [(torch.nn.ReLU, "relu1"), (torch.nn.Identity, "extra")])
def test_a_method_that_puts_a_module_of_the_same_name_into_the_network_is_caught(base, place):
    class Impostor(Cheat):
        def cheat(self, plan, bench):
            model = copy.deepcopy(plan.model)
            setattr(model, place, _impostor(base)())
            return plan.with_model(model)

    with pytest.raises(InputError, match="cheat returned another network"):
        run_once(Impostor())


@pytest.mark.parametrize("change", [_with_a_hook, _with_a_hook_before, _with_another_forward])
def test_a_method_that_hangs_something_on_the_network_is_caught(change):
    class Parasite(Cheat):
        def cheat(self, plan, bench):
            model = copy.deepcopy(plan.model)
            change(model)
            return plan.with_model(model)

    with pytest.raises(InputError, match=r"cheat returned another network \(a hook or a forward of its own\)"):
        run_once(Parasite())


def test_a_method_that_returns_no_plan_is_caught():
    class Nothing(Cheat):
        def cheat(self, plan, bench):
            return None

    with pytest.raises(InputError, match="cheat returned None: it must return a Plan"):
        run_once(Nothing())


def test_a_method_that_catches_its_refusal_has_still_nothing():
    class Stubborn(Cheat):
        def cheat(self, plan, bench):
            for use in (bench.images, bench.labelled, lambda: bench.faults(plan), lambda: bench.validation(plan)):
                with pytest.raises(NotEntitledError):
                    use()
            return plan

    application = run_once(Stubborn())
    assert counts(application) == dict.fromkeys(counts(application), 0)


def test_memory_from_chip_to_chip_would_be_seen():
    """The count that a method with a memory has on its second chip is not that of its first."""

    class Memory(Cheat):
        store: ClassVar[list] = []

        @property
        def needs(self):
            return Needs(data="images")

        def cheat(self, plan, bench):
            if not self.store:
                self.store.append(bench.images(30))
            return plan

    first, second = (counts(run_once(Memory())) for _ in range(2))
    assert first["images"] == 30
    assert second["images"] == 0


def test_notes_that_are_no_numbers_are_null_in_records():
    class Noting(Cheat):
        def cheat(self, plan, bench):
            for value in (1.0, float("nan"), float("inf"), np.float32(0.5)):
                bench.note(loss=value)
            return plan

    record = harness_of().record(Chain((Noting(),)), 0)
    assert json.loads(json.dumps(record.to_dict(), allow_nan=False))["trace"] == {"loss": [1.0, None, None, 0.5]}
    assert Record.from_dict(record.to_dict()).trace["loss"] == [1.0, None, None, 0.5]
