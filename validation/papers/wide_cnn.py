"""A network whose largest layer is 4096 x 512, for MNIST."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def wide_cnn() -> nn.Module:
    """Return two convolutions of stride 2, to 64 channels of 8 x 8, and two layers on top."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 32, 5, stride=2, padding=4),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 64, 3, stride=2, padding=1),
            relu2=nn.ReLU(),
            flat=nn.Flatten(),
            fc1=nn.Linear(4096, 512),
            relu3=nn.ReLU(),
            fc2=nn.Linear(512, 10),
        )
    )
