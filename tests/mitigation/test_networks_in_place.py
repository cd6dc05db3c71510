"""A network that works in place is what the same one is that keeps its numbers: methods make the same of both."""

import pytest
import torch
from mitigation_tools import HARDWARE, digits
from torch import nn

from xbarsim.mitigation import Harness, chain


class Keeping(nn.Module):
    """Two layers behind a shift of the images, with an activation that has a slope below 0."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 9), nn.Linear(9, 10)

    def forward(self, images):
        numbers = self.fc1((images - 0.5).flatten(1))
        return self.fc2(nn.functional.leaky_relu(numbers, 0.1))


class InPlace(Keeping):
    """The same, in the images' and the layer's own memory."""

    def forward(self, images):
        numbers = self.fc1(images.sub_(0.5).flatten(1))
        return self.fc2(nn.functional.leaky_relu_(numbers, 0.1))


def pair():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        keeping, in_place = Keeping(), InPlace()
    in_place.load_state_dict(keeping.state_dict())
    return keeping, in_place


@pytest.mark.parametrize(
    "steps",
    [
        "gain:source=images,count=20,per=output",
        "fpt:iterations=2,batch=10",
        "bias:epochs=1,batch=20,images=40",
        "itt-rna:rounds=2,steps=2,batch=20,iterations=0,images=40",
        "itt-rna:mapping=none,rounds=0,batch=20,iterations=3",
        "noise:epochs=1,batch=20,images=40,chips=2",
        "distill:epochs=1,batch=20,images=40",
        "rsa:epochs=1,batch=20,images=40,pick=importance,pick_images=30",
    ],
)
def test_plans_are_those_of_the_network_that_keeps_its_numbers(steps):
    keeping, in_place = (Harness(model, digits(), HARDWARE).apply(chain(steps), 0).plan for model in pair())
    assert in_place.fingerprint() == keeping.fingerprint()
