"""Masked weights stay, bit for bit, whatever an optimiser does to them; the others move."""

import copy

import pytest
import torch
from network_tools import made
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Hardware, WeightMask, convert, zoo
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nonideal import Faults, Nonidealities

DATA = made(41)
SETTINGS = TrainSettings(epochs=2, batch=8, rate=3e-3, decay=0.1, seed=4)
OPTIMISERS = {
    "adamw-decay": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.3),
    "sgd-momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "sgd-decay-momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.2),
}
ANY = pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(DATA.train.images[0].size, 6), nn.Tanh(), nn.Linear(6, 3))


def masks_of(model, names=("1.weight", "3.bias"), seed=3):
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    return {name: torch.rand(parameters[name].shape, generator=generator) < 0.5 for name in names}


def bits(tensor):
    return tensor.detach().clone().view(torch.int32)


@ANY
def test_fixed_weights_stay_bit_for_bit_and_the_others_move(optimiser):
    model = network()
    with torch.no_grad():
        model[1].weight[0, :3] = torch.tensor([-0.0, 1e-45, -3e-39])  # what arithmetic would not bring back
    masks = masks_of(model)
    masks["1.weight"][0, :3] = True
    before = {name: bits(parameter) for name, parameter in model.named_parameters()}
    Training(model, DATA, SETTINGS, optimiser=optimiser, after_step=WeightMask.of(model, masks).after_step).run()
    for name, parameter in model.named_parameters():
        mask = masks.get(name, torch.zeros_like(parameter, dtype=torch.bool))
        assert torch.equal(bits(parameter)[mask], before[name][mask])
        assert (bits(parameter)[~mask] != before[name][~mask]).double().mean() > 0.8


@ANY
def test_moments_from_before_and_decay_do_not_move_them(optimiser):
    """A weight that was trained, and is fixed later, when the optimiser has moments of it and its gradient is 0."""
    model = nn.Linear(4, 3)
    steps = optimiser(model.parameters())
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))

    def step():
        steps.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        model.weight.grad[:, 1] = 0.0
        steps.step()

    for _ in range(3):
        step()
    masks = {"weight": torch.zeros(3, 4, dtype=torch.bool)}
    masks["weight"][:, 1] = True
    mask = WeightMask.of(model, masks)
    fixed, twin = bits(model.weight), copy.deepcopy(model.weight.detach())
    step()
    drifted = not torch.equal(bits(model.weight)[:, 1], fixed[:, 1])
    assert drifted is (optimiser is not OPTIMISERS["sgd-momentum"]), "of SGD they had no gradient, and so no momentum"
    mask.after_step(model)
    assert torch.equal(bits(model.weight)[:, 1], fixed[:, 1])
    assert not torch.equal(model.weight.detach()[:, 0], twin[:, 0])


def test_values_need_not_be_those_of_now():
    model = network()
    mask = torch.zeros(6, dtype=torch.bool)
    mask[2] = True
    WeightMask({"1.bias": mask}, {"1.bias": torch.full((6,), 7.0)}).after_step(model)
    assert model[1].bias[2] == 7.0
    assert (model[1].bias.detach()[~mask] < 1.0).all()


def test_it_is_its_own():
    """Neither the masks nor the weights that it was made of change it later."""
    model = network()
    masks = masks_of(model)
    mask = WeightMask.of(model, masks)
    before = bits(model[1].weight)
    masks["1.weight"].fill_(False)
    with torch.no_grad():
        model[1].weight.add_(1.0)
    mask.after_step(model)
    held = mask.masks["1.weight"]
    assert 0.3 < held.double().mean() < 0.7
    assert torch.equal(bits(model[1].weight)[held], before[held])


@pytest.mark.filterwarnings("ignore:.*beyond the scale")
def test_weights_on_crossbars():
    model = convert(network(), Hardware(cells=Nonidealities(faults=Faults(0.1)), fidelity="ideal")).program(2)
    masks = masks_of(model, ("model.1.weight",))
    fixed = bits(model.layers["1"].weight)
    after_step = WeightMask.of(model, masks).after_step
    Training(model, DATA, SETTINGS, after_step=after_step).run()
    moved = bits(model.layers["1"].weight) != fixed
    assert not moved[masks["model.1.weight"]].any()
    assert moved.double().mean() > 0.3


def test_real_weights_behind_signs():
    model = zoo.build("binary-mlp", DATA.shape, 3, width=0.02)
    name = "fc1.parametrizations.weight.original"
    masks = masks_of(model, (name,))
    fixed = bits(dict(model.named_parameters())[name])
    Training(model, DATA, SETTINGS, after_step=WeightMask.of(model, masks).after_step).run()
    assert torch.equal(bits(dict(model.named_parameters())[name])[masks[name]], fixed[masks[name]])


def test_what_does_not_fit_is_refused_and_nothing_is_changed():
    model = network()
    shape = model[1].weight.shape
    mask = torch.ones(shape, dtype=torch.bool)
    for make, message in (
        (lambda: WeightMask.of(model, {"2.weight": mask}), "no parameter '2.weight': the network has 1.weight, 1.bias"),
        (lambda: WeightMask.of(model, {"1.weight": mask.float()}), "mask of '1.weight' is torch.float32 of shape"),
        (lambda: WeightMask.of(model, {"1.weight": [True]}), "mask of '1.weight' is list: it must be a tensor of bool"),
        (lambda: WeightMask.of(model, {"1.weight": mask[:3]}), r"values of '1.weight' are torch.float32 of shape"),
        (lambda: WeightMask({"1.weight": mask}, {}), "1.weight is in one of them alone"),
        (lambda: WeightMask({"1.weight": mask}, {"1.weight": 0.0}), "values of '1.weight' are float: they must be"),
    ):
        with pytest.raises(InputError, match=message):
            make()
    both = WeightMask.of(model, {"1.bias": torch.ones(6, dtype=torch.bool), "1.weight": mask})
    smaller = nn.Sequential(nn.Flatten(), nn.Linear(5, 6))
    before = bits(smaller[1].bias)
    with pytest.raises(InputError, match=r"parameter '1.weight' has shape \(6, 5\): its mask is \(6, 64\)"):
        both.after_step(smaller)
    assert torch.equal(bits(smaller[1].bias), before)
