"""Small networks by name, for images of any size and number of classes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn.binary import Sign, binarised

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""

_POOLED = 8  # what three halvings leave something of


@dataclass(frozen=True)
class Entry:
    """A network of the zoo.

    Attributes
    ----------
    build : callable
        Makes it, from the images' shape, the number of classes and its width.
    about : str
        What it is.
    smallest : int
        Sides of the smallest images that it takes.
    """

    build: Callable[[Shape, int, float], nn.Module]
    about: str
    smallest: int = 1


def build(name: str, shape: Shape, classes: int, *, width: float = 1.0, seed: int = 0) -> nn.Module:
    """Return a network with weights drawn from a seed.

    Parameters
    ----------
    name : str
        One of ``MODELS``.
    shape : (channels, height, width)
        Of the images.
    classes : int
        Outputs.
    width : float
        Multiplies the number of hidden units and channels; 1 where there are none.
    seed : int
        Of the first weights; torch's own generator is left as it is.

    Raises
    ------
    InputError
        There is no such network, or it does not take such images.
    """
    if name not in MODELS:
        raise InputError(f"model is {name!r}: the zoo has {', '.join(MODELS)}")
    entry = MODELS[name]
    if min(shape[1:]) < entry.smallest:
        raise InputError(
            f"images are {shape[1]} x {shape[2]}: {name} needs at least {entry.smallest} x {entry.smallest}"
        )
    if classes < 2 or not 0.0 < width < 1e3:
        raise InputError(
            f"classes is {classes} and width {width:g}: there must be 2 classes, and a width above 0 and below 1000"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return entry.build(shape, classes, width)


def _wide(units: int, width: float) -> int:
    return max(1, round(units * width))


def _mlp(shape: Shape, classes: int, width: float) -> nn.Module:
    hidden = _wide(128, width)
    return nn.Sequential(
        OrderedDict(
            flat=nn.Flatten(), fc1=nn.Linear(_size(shape), hidden), relu1=nn.ReLU(), fc2=nn.Linear(hidden, classes)
        )
    )


def _linear(shape: Shape, classes: int, width: float) -> nn.Module:
    """One layer, the network of the first papers on mapping: 784 x 10 for MNIST."""
    if width != 1.0:
        raise InputError(f"width is {width:g}: linear has no hidden units, leave it 1")
    return nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(_size(shape), classes)))


def _size(shape: Shape) -> int:
    return shape[0] * shape[1] * shape[2]


def _lenet(shape: Shape, classes: int, width: float) -> nn.Module:
    """LeNet-5 with rectifiers; images below 16 pixels are padded, so that something is left."""
    first, second, third, fourth = (_wide(units, width) for units in (6, 16, 120, 84))
    margin = 0 if min(shape[1:]) >= 16 else 2
    sides = [((side // 2) + 2 * margin - 4) // 2 for side in shape[1:]]
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(shape[0], first, 5, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(first, second, 5, padding=margin),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flat=nn.Flatten(),
            fc1=nn.Linear(second * sides[0] * sides[1], third),
            relu3=nn.ReLU(),
            fc2=nn.Linear(third, fourth),
            relu4=nn.ReLU(),
            fc3=nn.Linear(fourth, classes),
        )
    )


def _vgg(shape: Shape, classes: int, width: float) -> nn.Module:
    """Three pairs of 3 x 3 convolutions, each pair halved, and one layer on top."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = [shape[0], *(_wide(units, width) for units in (32, 32, 64, 64, 128, 128))]
    for k, (before, after) in enumerate(pairwise(channels), 1):
        parts[f"conv{k}"] = nn.Conv2d(before, after, 3, padding=1, bias=False)
        parts[f"bn{k}"] = nn.BatchNorm2d(after)
        parts[f"relu{k}"] = nn.ReLU()
        if k % 2 == 0:
            parts[f"pool{k}"] = nn.MaxPool2d(2)
    parts["flat"] = nn.Flatten()
    parts["fc1"] = nn.Linear(channels[-1] * (shape[1] // 8) * (shape[2] // 8), classes)
    return nn.Sequential(parts)


class Block(nn.Module):
    """Two convolutions around which the input goes on, through a 1 x 1 convolution where sizes change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                OrderedDict(conv=nn.Conv2d(before, after, 1, stride, bias=False), bn=nn.BatchNorm2d(after))
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's outputs."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def _resnet8(shape: Shape, classes: int, width: float) -> nn.Module:
    """One convolution, three blocks of two and a layer on top: 8 layers with weights, and two shortcuts."""
    return _residual(shape, classes, width, (16, 32, 64), 1)


def _resnet18(shape: Shape, classes: int, width: float) -> nn.Module:
    """One convolution, eight blocks of two and a layer on top: 18 layers with weights, and three shortcuts.

    He, Zhang, Ren and Sun's, with a first convolution that leaves small images their size: 11.2 million weights.
    """
    return _residual(shape, classes, width, (64, 128, 256, 512), 2)


def _residual(shape: Shape, classes: int, width: float, units: tuple[int, ...], blocks: int) -> nn.Module:
    """One convolution, so many blocks of each number of channels, the first at full size, and a layer on top."""
    channels = [_wide(count, width) for count in units]
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(shape[0], channels[0], 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(channels[0]),
        relu1=nn.ReLU(),
    )
    before = channels[0]
    for k, after in enumerate(channels):
        for block in range(blocks):
            stride = 2 if k > 0 and block == 0 else 1
            parts[f"block{k * blocks + block + 1}"] = Block(before, after, stride)
            before = after
    parts |= OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc1=nn.Linear(before, classes))
    return nn.Sequential(parts)


def _binary_mlp(shape: Shape, classes: int, width: float) -> nn.Module:
    """BinaryNet's network for MNIST, an eighth as wide."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(flat=nn.Flatten())
    _binary_top(parts, [_size(shape), *[_wide(512, width)] * 3, classes], 1)
    return nn.Sequential(parts)


def _binary_vgg(shape: Shape, classes: int, width: float) -> nn.Module:
    """BinaryNet's network for CIFAR-10, a quarter as wide."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = [shape[0], *(_wide(units, width) for units in (32, 32, 64, 64, 128, 128))]
    for k, (before, after) in enumerate(pairwise(channels), 1):
        parts[f"conv{k}"] = binarised(nn.Conv2d(before, after, 3, padding=1, bias=False))
        if k % 2 == 0:
            parts[f"pool{k}"] = nn.MaxPool2d(2)
        parts[f"bn{k}"] = nn.BatchNorm2d(after)
        parts[f"sign{k}"] = Sign()
    parts["flat"] = nn.Flatten()
    hidden = _wide(256, width)
    _binary_top(parts, [channels[-1] * (shape[1] // 8) * (shape[2] // 8), hidden, hidden, classes], len(channels))
    return nn.Sequential(parts)


def _binary_top(parts: OrderedDict[str, nn.Module], units: list[int], first: int) -> None:
    """Add fully connected layers, all binary; batch normalisation is each one's bias, and scales the last."""
    for k, (before, after) in enumerate(pairwise(units), 1):
        parts[f"fc{k}"] = binarised(nn.Linear(before, after, bias=False))
        parts[f"bn{first + k - 1}"] = nn.BatchNorm1d(after)
        if k < len(units) - 1:
            parts[f"sign{first + k - 1}"] = Sign()


MODELS: dict[str, Entry] = {
    "mlp": Entry(_mlp, "one hidden layer of 128"),
    "lenet": Entry(_lenet, "LeNet-5 with rectifiers", 6),
    "vgg-small": Entry(_vgg, "six 3 x 3 convolutions, 32 to 128 channels, batch normalisation", _POOLED),
    "resnet-8": Entry(_resnet8, "three residual blocks, 16 to 64 channels, batch normalisation", 4),
    "resnet-18": Entry(_resnet18, "eight residual blocks, 64 to 512 channels, batch normalisation", 4),
    "binary-mlp": Entry(_binary_mlp, "BinaryNet, three hidden layers of 512; width 8 is the paper's"),
    "binary-vgg": Entry(_binary_vgg, "BinaryNet, 32 to 128 channels; width 4 is the paper's", _POOLED),
    "linear": Entry(_linear, "one layer, without hidden units"),
}
