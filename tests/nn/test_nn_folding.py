"""BatchNorm as part of the layer before it, and where it stays."""

import pytest
import torch
from nn_tools import IDEAL, apart, made, numbers, small
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import convert

IMAGES = numbers(4, 3, 8, 8)


def test_folding_changes_weights_and_takes_the_norms_away():
    model = small()
    folded, unfolded = convert(model, IDEAL), convert(model, IDEAL, fold_batchnorm=False)
    assert type(folded.model.bn1) is nn.Identity
    assert type(folded.model.head[1]) is nn.Identity
    assert type(unfolded.model.bn1) is nn.BatchNorm2d
    assert folded.layers["conv1"].bias is not None
    assert unfolded.layers["conv1"].bias is None
    gain = model.bn1.weight / torch.sqrt(model.bn1.running_var + model.bn1.eps)
    assert apart(folded.layers["conv1"].weight, model.conv1.weight * gain[:, None, None, None]) < 1e-14


class Seen(nn.Module):
    """The convolution's output is used twice: the norm cannot be folded."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.unused = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))

    def forward(self, x):
        x = self.conv(x)
        return self.unused(self.bn(x) + x)


class Branching(nn.Module):
    """torch.fx cannot trace it; what is in its Sequential, and in a part that can be traced, can be told."""

    def __init__(self):
        super().__init__()
        self.plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.conv, self.bn = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.plain(x)
        return self.bn(self.conv(x)) if x.sum() > 0 else self.bn(x)


class Twice(nn.Module):
    """One convolution with two norms."""

    def __init__(self):
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.two(self.conv(self.one(self.conv(x))))


@pytest.mark.parametrize(
    ("kind", "left"),
    [(Seen, {"bn"}), (Branching, {"bn"}), (Twice, {"one", "two"})],
)
def test_norms_stay_digital_where_it_cannot_be_told(kind, left):
    model = made(kind)
    for norm in (one for one in model.modules() if isinstance(one, nn.BatchNorm2d)):
        norm.running_mean.copy_(numbers(norm.num_features, seed=7))
        norm.running_var.copy_(1.0 + numbers(norm.num_features, seed=8) ** 2)
    network = convert(model, IDEAL).program(0)
    assert {name for name, one in network.model.named_modules() if isinstance(one, nn.BatchNorm2d)} == left
    assert apart(network(IMAGES), model(IMAGES)) < 1e-10


def test_norms_without_statistics_and_of_digital_layers_stay():
    free = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Conv2d(4, 4, 1))
    assert type(convert(free, IDEAL).model[1]) is nn.BatchNorm2d
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
    assert type(convert(model, IDEAL, digital="0").model[1]) is nn.BatchNorm2d


def test_a_folded_linear_layer_wants_a_batch_of_vectors():
    """A BatchNorm1d of (batch, channels, features) has another axis, which shapes of weights do not tell."""
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)).double().eval()
    network = convert(model, IDEAL).program(0)
    with pytest.raises(InputError, match="fold_batchnorm=False"):
        network(numbers(2, 4, 5))
    kept = convert(model, IDEAL, fold_batchnorm=False).program(0)
    assert apart(kept(numbers(2, 4, 5)), model(numbers(2, 4, 5))) < 1e-10
