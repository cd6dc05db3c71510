"""Loss, optimiser and what is done after each step are the caller's; without any the numbers are as ever."""

import io

import numpy as np
import pytest
import torch
from network_tools import made
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Hardware, NotProgrammedError, Tiles, convert
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nonideal import Nonidealities, ReadNoise, Variation

SETTINGS = TrainSettings(epochs=2, batch=8, rate=3e-3, decay=0.1, seed=4)
DATA = made(41)


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(DATA.train.images[0].size, 6), nn.ReLU(), nn.Linear(6, 3))


def trained(stop=None, **seams):
    training = Training(network(), DATA, SETTINGS, **seams)
    training.run(stop=stop)
    return training


def weights(training):
    return torch.cat([parameter.detach().flatten() for parameter in training.model.parameters()])


def squared(outputs, labels):
    return (outputs - nn.functional.one_hot(labels, outputs.shape[1])).square().mean()


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=1.0, momentum=0.9)


def test_the_default_is_what_its_docstring_says():
    """AdamW with the settings' decay on the cross entropy, written out here once more."""
    plain = weights(trained())
    explicit = trained(
        loss=lambda outputs, labels: nn.functional.cross_entropy(outputs, labels),
        optimiser=lambda parameters: torch.optim.AdamW(parameters, lr=7.0, weight_decay=0.1),
        after_step=lambda model: None,
    )
    assert torch.equal(weights(explicit), plain)


@pytest.mark.parametrize(
    "seam", [{"loss": squared}, {"optimiser": sgd}, {"after_step": lambda model: model[1].weight.clamp_(-0.05, 0.05)}]
)
def test_each_acts(seam):
    assert not torch.equal(weights(trained(**seam)), weights(trained()))


def test_the_loss_is_the_one_of_the_step():
    """Of SGD without momentum the first step is the rate times the loss's gradient."""
    settings = TrainSettings(epochs=1, batch=41, rate=0.5)
    training = Training(network(), DATA, settings, loss=squared, optimiser=lambda p: torch.optim.SGD(p, lr=1.0))
    training.run()
    model = network()
    images = torch.from_numpy(DATA.train.images).float() / 255.0
    mean, std = (torch.tensor(number).reshape(-1, 1, 1) for number in (DATA.mean, DATA.std))
    squared(model((images - mean) / std), torch.from_numpy(DATA.train.labels)).backward()
    for after, before in zip(training.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(after.detach(), before.detach() - 0.5 * before.grad)


@pytest.mark.parametrize("optimiser", [None, sgd, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, weight_decay=0.1)])
def test_masked_weights_that_are_put_back_stay_where_they_are(optimiser):
    """Under decay and moments, which move a weight whose gradient is 0."""
    model = network()
    fixed = model[1].weight.detach().abs() > model[1].weight.detach().abs().median()
    values = model[1].weight.detach()[fixed]

    def restore(network):
        network[1].weight[fixed] = values

    training = trained(optimiser=optimiser, after_step=restore)
    weight = training.model[1].weight.detach()
    assert torch.equal(weight[fixed], values)
    assert (weight[~fixed] != model[1].weight.detach()[~fixed]).float().mean() > 0.9
    assert not torch.equal(trained(optimiser=optimiser).model[1].weight.detach()[fixed], values)


def test_a_stop_changes_nothing_with_seams_either():
    steps = iter(range(100))
    seams = {"loss": squared, "optimiser": sgd, "after_step": lambda model: model[1].weight.clamp_(-0.05, 0.05)}
    half = trained(stop=lambda: next(steps) == 4, **seams)
    assert not half.is_over
    resumed = Training(network(), DATA, SETTINGS, **seams)
    resumed.load_state(half.state())
    resumed.run()
    assert torch.equal(weights(resumed), weights(trained(**seams)))


def on_crossbars(noise, *, written=False):
    hw = Hardware(cells=Nonidealities(variation=Variation(0.1), **noise), fidelity="ideal")
    model = convert(network(), hw).program(3)
    for layer in model.layers.values():
        layer.follows_weights = not written
    return model


def write_large(model):
    """Write the cells of weights that are large now: others keep what they had."""
    for layer in model.layers.values():
        weights = layer.weight.detach().T.numpy()
        layer.write([np.abs(weights) > np.median(np.abs(weights))] * 2)


@pytest.mark.filterwarnings("ignore:.*beyond the scale")
@pytest.mark.parametrize(
    "noise",
    [
        {"read_noise": ReadNoise(0.05)},
        {"read_noise": ReadNoise(kind="circuit", bandwidth=1e12)},
        {"cycle_variation": Variation(0.05)},
    ],
    ids=["reads", "currents", "writes"],
)
@pytest.mark.parametrize("after_step", [None, write_large], ids=["follows", "written"])
@pytest.mark.parametrize("stop_at", [0, 4, 5])
def test_a_stop_changes_nothing_on_crossbars_whose_reads_and_writes_have_noise(noise, after_step, stop_at):
    """The epoch's end, which reads the test images, is after step 5."""

    def training():
        return Training(on_crossbars(noise, written=after_step is not None), DATA, SETTINGS, after_step=after_step)

    whole, half, resumed = training(), training(), training()
    whole.run()
    steps = iter(range(100))
    half.run(stop=lambda: next(steps) == stop_at)
    file = io.BytesIO()
    torch.save(half.state(), file)
    file.seek(0)
    resumed.load_state(torch.load(file, weights_only=True))
    resumed.run()
    assert torch.equal(weights(resumed), weights(whole))
    assert [epoch.accuracy for epoch in resumed.history] == [epoch.accuracy for epoch in whole.history]
    for name, layer in whole.model.layers.items():
        twin = resumed.model.layers[name]
        assert (twin.reads, twin.writes, twin.follows_weights) == (layer.reads, layer.writes, layer.follows_weights)
        for plane in ("programmed", "writes_per_cell", "pulses_per_cell"):
            assert all(map(np.array_equal, getattr(twin, plane), getattr(layer, plane)))


def test_a_state_is_resumed_by_its_optimiser_alone():
    for first, second in (({"optimiser": sgd}, {}), ({}, {"optimiser": sgd})):
        state = trained(stop=lambda: False, **first).state()
        training = Training(network(), DATA, SETTINGS, **second)
        before = weights(training)
        with pytest.raises(InputError, match="the state is of the optimiser"):
            training.load_state(state)
        assert torch.equal(weights(training), before)


def test_a_state_with_cells_needs_their_chip():
    state = Training(on_crossbars({}, written=True), DATA, SETTINGS).state()
    with pytest.raises(NotProgrammedError, match="no chip"):
        Training(convert(network(), Hardware()), DATA, SETTINGS).load_state(state)
    small = convert(network(), Hardware(tiles=Tiles(5, 5))).program(3)
    with pytest.raises(InputError, match="are of other arrays than the chip of layer '1'"):
        Training(small, DATA, SETTINGS).load_state(state)


def test_a_plain_state_has_nothing_more():
    assert set(trained(stop=lambda: True).state()) == {
        "settings", "epoch", "step", "loss", "seconds", "history", "weights", "optimizer",
    }  # fmt: skip
