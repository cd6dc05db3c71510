"""What the tests of ``xbarsim mitigate`` share."""

from __future__ import annotations

from pathlib import Path

from xbarsim.nn import zoo
from xbarsim.nn.checkpoint import Recipe, save
from xbarsim.nn.datasets import load
from xbarsim.nn.training import Training, TrainSettings

FAULTY = ("--set", "cells.faults.rate=0.2", "--fidelity", "ideal")
HEADROOM = ("--method", "headroom:h=1.5")


def trained_linear(folder: Path) -> Path:
    """Return a checkpoint of the smallest network, trained for a moment on digits."""
    data = load("digits")
    model = zoo.build("linear", data.shape, len(data.classes))
    training = Training(model, data, TrainSettings(epochs=3, batch=32))
    training.run()
    path = folder / "linear.pt"
    save(path, Recipe.of("linear", data), training)
    return path
