"""Batches and steps that methods share."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Labelled
from xbarsim.mitigation.descent import batches, descend
from xbarsim.nn.training import DivergedError


def test_batches_take_each_image_once_in_an_order():
    drawn = list(islice(batches(np.random.default_rng(0), 11, 3), 6))
    for three in (drawn[:3], drawn[3:]):
        numbers = torch.cat(three).tolist()
        assert len(set(numbers)) == 9
        assert set(numbers) <= set(range(11))
    assert not torch.equal(torch.cat(drawn[:3]), torch.cat(drawn[3:]))
    with pytest.raises(InputError, match="a batch takes 12 images, and there are 11"):
        next(batches(np.random.default_rng(0), 11, 12))


def least_squares(model):
    return lambda images, labels: functional.mse_loss(model(images)[:, 0], labels.to(images))


def data_of_a_line() -> Labelled:
    x = torch.linspace(-1, 1, 8)[:, None]
    return Labelled(x, (3 * x[:, 0]).double())


def test_steps_are_those_of_the_formula():
    """One weight, whole batches: w <- w - rate dL/dw, with a rate that stays, and with one that falls as a cosine."""
    for falling in (False, True):
        model = nn.Linear(1, 1, bias=False)
        w = float(model.weight.detach())
        data = data_of_a_line()
        square = float((data.images**2).mean())
        optimizer, order = torch.optim.SGD(model.parameters(), lr=0.2), batches(np.random.default_rng(0), 8, 8)
        mean = descend(optimizer, least_squares(model), data, order, 4, label="line", falling=falling)
        losses = []
        for step in range(4):
            losses.append((w - 3) ** 2 * square)
            rate = 0.2 * (0.5 * (1 + np.cos(np.pi * step / 4)) if falling else 1.0)
            w -= rate * 2 * (w - 3) * square
        np.testing.assert_allclose(float(model.weight.detach()), w, rtol=1e-5)
        np.testing.assert_allclose(mean, np.mean(losses), rtol=1e-5)


def test_after_each_step_and_divergence():
    model, calls = nn.Linear(1, 1), []
    optimizer, order = torch.optim.SGD(model.parameters(), lr=1e30), batches(np.random.default_rng(0), 8, 4)
    with pytest.raises(DivergedError, match=r"line: the loss is .* give a smaller rate"):
        descend(
            optimizer, least_squares(model), data_of_a_line(), order, 99, label="line",
            after_step=lambda: calls.append(torch.is_grad_enabled()),
        )  # fmt: skip
    assert calls
    assert not any(calls)
