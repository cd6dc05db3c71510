"""How a network's numbers lie in memory changes nothing: torch has channels_last for convolutions."""

import copy

import pytest
import torch
from mitigation_tools import HARDWARE, digits
from torch import nn

from xbarsim.mitigation import Harness, chain


@pytest.mark.parametrize(
    "steps",
    [
        "itt-rna:rounds=2,steps=3,share=0.05,batch=20,iterations=2",
        "noise:epochs=1,batch=20,images=40",
        "technology-closed:batch=20,images=40",
        "rsa:epochs=1,batch=20,images=40",
    ],
)
def test_channels_last_is_as_any_other(steps):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(12, 10)
        )
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    assert not last[2].weight.is_contiguous()
    networks = [Harness(present, digits(), HARDWARE).apply(chain(steps), 0).network for present in (model, last)]
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(networks[1](images), networks[0](images), rtol=1e-4, atol=1e-5)
