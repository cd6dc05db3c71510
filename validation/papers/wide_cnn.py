"""A network whose largest layer is 4096 x 512, for MNIST."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.training import Training, TrainSettings


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


def trained(path: Path, validation: int) -> tuple[nn.Module, Dataset]:
    """Return the network with weights of a file, trained for 3 epochs where there is none, and MNIST split."""
    dataset = load("mnist").split(validation=validation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = wide_cnn()
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
    else:
        Training(model, dataset, TrainSettings(epochs=3, batch=128)).run()
        torch.save(model.state_dict(), path)
    return model.eval(), dataset
