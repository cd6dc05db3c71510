"""Networks whose layers on crossbars are parts of larger ones: recurrent layers, attention; and odd names."""

import pytest
import torch
from mitigation_tools import HARDWARE, digits
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation import Harness, chain


class Recurrent(nn.Module):
    """Reads images row by row."""

    def __init__(self):
        super().__init__()
        self.gates = nn.LSTM(8, 5, batch_first=True)
        self.scores = nn.Linear(5, 10)

    def forward(self, images):
        return self.scores(self.gates(images[:, 0])[0][:, -1])


class Attentive(nn.Module):
    """Looks from rows at rows."""

    def __init__(self):
        super().__init__()
        self.rows = nn.MultiheadAttention(8, 2, batch_first=True)
        self.scores = nn.Linear(8, 10)

    def forward(self, images):
        rows = images[:, 0]
        return self.scores(self.rows(rows, rows, rows)[0].mean(dim=1))


class Repeated(nn.Module):
    """Calls a layer twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.scores = nn.Linear(64, 9), nn.Linear(9, 9), nn.Linear(9, 10)

    def forward(self, images):
        hidden = torch.relu(self.first(images.flatten(1)))
        return self.scores(torch.relu(self.again(torch.relu(self.again(hidden)))))


class Wrapper(nn.Module):
    """Has its one layer under the name that a network which is a layer itself has."""

    def __init__(self):
        super().__init__()
        self.model = nn.Linear(64, 10)

    def forward(self, images):
        return self.model(images.flatten(1))


def harness(kind):
    torch.manual_seed(2)
    return Harness(kind().eval(), digits(), HARDWARE)


@pytest.mark.parametrize("kind", [Recurrent, Attentive])
@pytest.mark.parametrize("text", ["retrain", "reduce-fix", "bi-retrain", "fpt", "fpt:source=faults"])
def test_what_trains_or_reads_layers_refuses_parts_of_larger_ones(kind, text):
    """Trained parts would not find back into the network: it would be programmed as if they had not been trained."""
    with pytest.raises(InputError, match="is a part of a larger one: take a network without recurrent") as error:
        harness(kind).check([chain(text)])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [Recurrent, Attentive])
@pytest.mark.parametrize(
    "text", ["match-rows:weighting=input,images=30", "output-correction:weighting=input,share=0.1,images=30"]
)
def test_inputs_weigh_in_parts_too(kind, text):
    runs = harness(kind)
    runs.check([chain(text)])
    record = runs.record(chain(text), 3)
    assert record.cost.images == 30


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (Recurrent, {"gates.ih_l0": 8, "gates.hh_l0": 8, "scores": 1}),
        (Attentive, {"rows.q_proj": 8, "rows.out_proj": 8, "scores": 1}),
        (Repeated, {"first": 1, "again": 2, "scores": 1}),
    ],
)
def test_products_are_counted_as_often_as_a_part_is_called(kind, calls):
    runs = harness(kind)
    applied = runs.apply(chain("output-correction"), 3)
    cost = runs.record(chain("output-correction"), 3).cost
    corrected = {name: int((applied.plan.layer(name).correction != 0).sum()) for name in applied.network.layers}
    assert corrected.keys() >= calls.keys()
    assert cost.correction_macs == sum(count * calls.get(name, 8) for name, count in corrected.items())


def test_fpt_refuses_one_norm_for_several_calls():
    with pytest.raises(InputError, match="'again', which is called several times for an image"):
        harness(Repeated).apply(chain("fpt:iterations=2,batch=8"), 3)


@pytest.mark.parametrize(
    "text",
    [
        "match-rows:weighting=input,images=30",
        "reduce-fix:reductions=10,interval=5,steps=1,batch=32",
        "retrain:epochs=1,batch=32",
        "vat:epochs=1,batch=32,gammas=0/0.1",
    ],
)
def test_a_layer_may_have_the_name_of_the_network(text):
    runs = harness(Wrapper)
    record = runs.record(chain(text), 3)
    assert 0.0 <= record.after <= 1.0
