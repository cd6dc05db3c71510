"""Recurrent and attention layers through their linear maps."""

import warnings
from dataclasses import replace

import pytest
import torch
from nn_tools import IDEAL, apart, hardware, made, numbers
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from xbarsim.errors import InputError
from xbarsim.nn import Converter, convert
from xbarsim.nn.recurrent import CrossbarCell, CrossbarRecurrent

FINE = replace(IDEAL, adc=Converter(bits=40, range="batch"), dac=Converter(bits=40, range="batch"))
"""Converters whose steps are below 1e-11 of their range: every step goes through the arrays."""

KINDS = [
    (nn.RNN, {}),
    (nn.RNN, {"nonlinearity": "relu", "bias": False}),
    (nn.GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    (nn.LSTM, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    (nn.LSTM, {"num_layers": 2, "proj_size": 3, "bidirectional": True}),
]


def differ(a, b):
    """Largest difference of nested outputs."""
    if isinstance(a, PackedSequence):
        assert torch.equal(a.batch_sizes, b.batch_sizes)
        return differ(a.data, b.data)
    if isinstance(a, tuple):
        return max(differ(one, other) for one, other in zip(a, b, strict=True))
    assert a.shape == b.shape
    return float((a - b).abs().max().detach())


@pytest.mark.parametrize("hw", [IDEAL, FINE], ids=["kernels", "stepwise"])
@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_no_wires_are_the_torch_layer(kind, more, hw):
    model = made(kind, 5, 7, **more)
    network = convert(model, hw).program(1)
    x = numbers(4, 6, 5)
    packed = pack_padded_sequence(x, torch.tensor([6, 3, 5, 1]), batch_first=True, enforce_sorted=False)
    first = (2 if more.get("bidirectional") else 1) * more.get("num_layers", 1)
    states = tuple(
        numbers(first, 4 if more.get("batch_first") else 6, n, seed=n) for n in (more.get("proj_size", 7), 7)
    )
    with torch.no_grad():
        for given in ((x,), (x[0],), (packed,), (x, states if kind is nn.LSTM else states[0])):
            # Three times the converters' step, for each of some ten steps in turn.
            assert differ(network(*given), model(*given)) < 1e-10
    plain = network.to_torch()
    assert type(plain) is kind
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))
    assert differ(plain(x), model(x)) == 0.0


@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_wires_are_the_same_in_kernels_and_step_by_step(kind, more):
    """The hook makes every linear map be called; the effective matrices in torch's kernels give the same."""
    network = convert(made(kind, 5, 7, **more), hardware()).program(1)
    x = numbers(4, 6, 5)
    with torch.no_grad():
        fast = network(x)
        calls = []
        handles = [layer.register_forward_hook(lambda *_: calls.append(1)) for layer in network.layers.values()]
        slow = network(x)
        for handle in handles:
            handle.remove()
    assert calls
    assert differ(fast, slow) < 1e-13


def test_gradients_reach_all_weights_of_a_recurrent_layer():
    network = convert(made(nn.LSTM, 3, 4), hardware()).program(0).train()
    x = numbers(3, 2, 3)
    network(x)[0].square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in network.parameters())
    fast = [one.grad.clone() for one in network.parameters()]
    network.zero_grad()
    handles = [layer.register_forward_hook(lambda *_: None) for layer in network.layers.values()]
    network(x)[0].square().sum().backward()
    for handle in handles:
        handle.remove()
    for one, expected in zip(network.parameters(), fast, strict=True):
        assert apart(one.grad, expected) < 1e-10


@pytest.mark.parametrize(
    ("kind", "more"), [(nn.RNNCell, {"nonlinearity": "relu"}), (nn.LSTMCell, {}), (nn.GRUCell, {})]
)
def test_cells(kind, more):
    model = made(kind, 5, 7, **more)
    network = convert(nn.ModuleDict({"cell": model}), IDEAL).program(0)
    assert list(network.layers) == ["cell.ih", "cell.hh"]
    cell = network.model["cell"]
    assert isinstance(cell, CrossbarCell)
    x, h = numbers(4, 5), numbers(4, 7, seed=3)
    state = (h, 2.0 * h) if kind is nn.LSTMCell else h
    assert differ(cell(x), model(x)) < 1e-12
    assert differ(cell(x, state), model(x, state)) < 1e-12
    assert differ(cell(x[0]), model(x[0])) < 1e-12
    assert differ(cell.to_torch()(x, state), model(x, state)) == 0.0


def test_names_and_errors_of_recurrent_layers():
    network = convert(nn.ModuleDict({"lstm": made(nn.LSTM, 5, 4, bidirectional=True, proj_size=2)}), IDEAL, bias="row")
    assert list(network.layers) == [
        f"lstm.{kind}_l0{direction}" for direction in ("", "_reverse") for kind in ("ih", "hh", "hr")
    ]
    layer = network.program(0).model["lstm"]
    assert isinstance(layer, CrossbarRecurrent)
    for given, message in (
        ((numbers(3, 2, 6),), "x has 6 features"),
        ((numbers(5),), "2 axes, or 3"),
        ((numbers(3, 2, 5), (numbers(2, 2, 4), numbers(2, 2, 4))), r"hx has shape \(2, 2, 4\): it must be \(2, 2, 2\)"),
    ):
        with pytest.raises(InputError, match=message):
            layer(*given)


@pytest.mark.parametrize("need", [True, False])
@pytest.mark.parametrize(
    "more",
    [{}, {"batch_first": True}, {"add_bias_kv": True, "add_zero_attn": True}, {"kdim": 3, "vdim": 4}, {"bias": False}],
)
def test_attention_is_torchs(more, need):
    model = made(nn.MultiheadAttention, 8, 2, **more)
    network = convert(nn.ModuleDict({"attn": model}), IDEAL).program(1)
    assert list(network.layers) == ["attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj"]
    layer = network.model["attn"].eval()
    queries, keys, batch = 4, 6, 3
    shape = (lambda n: (batch, n)) if more.get("batch_first") else (lambda n: (n, batch))
    given = (
        numbers(*shape(queries), 8),
        numbers(*shape(keys), more.get("kdim", 8), seed=2),
        numbers(*shape(keys), more.get("vdim", 8), seed=3),
    )
    padding = torch.zeros(batch, keys, dtype=torch.bool)
    padding[0, 4:] = True
    for masks in (
        {},
        {"attn_mask": torch.triu(torch.ones(queries, keys), 2).bool(), "average_attn_weights": False},
        {"key_padding_mask": padding},
        {"attn_mask": numbers(batch * 2, queries, keys, seed=4), "key_padding_mask": padding.double() * -3.0},
    ):
        with torch.no_grad():
            (a, weights), (b, expected) = (
                layer(*given, need_weights=need, **masks),
                model(*given, need_weights=need, **masks),
            )
        assert apart(a, b) < 1e-12
        assert (weights is None) == (expected is None)
        if weights is not None:
            assert apart(weights, expected) < 1e-12
    single = [one[0] if more.get("batch_first") else one[:, 0] for one in given]
    assert apart(layer(*single)[0], model(*single)[0]) < 1e-12
    plain = network.to_torch()["attn"]
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))
    with pytest.raises(InputError, match="attn_mask has shape"):
        layer(*given, attn_mask=torch.zeros(2, keys))


@pytest.mark.parametrize("digital", [(), ("layers.0.self_attn", "layers.1.self_attn")])
def test_transformers_go_through_their_layers(digital):
    """torch's own kernels for inference would take the weights and leave the crossbars out."""
    model = made(nn.TransformerEncoder, nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 2)
    x = numbers(3, 5, 8)
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[0, 3:] = True
    exact = convert(model, IDEAL, digital=digital).program(0).eval()
    real = convert(model, hardware(), digital=digital).program(0).eval()
    assert len(exact.layers) == (4 if digital else 12)
    with torch.no_grad():
        assert apart(exact(x), model(x)) < 1e-12
        assert apart(real(x), model(x)) > 1e-3
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's nested tensors, which it takes for padding
            expected = model(x, src_key_padding_mask=padding)
        assert apart(exact(x, src_key_padding_mask=padding)[~padding], expected[~padding]) < 1e-12
    assert type(exact.to_torch().layers[0].self_attn) is nn.MultiheadAttention


def test_a_whole_transformer():
    model = made(nn.Transformer, 8, 2, 1, 1, 12, batch_first=True)
    network = convert(model, IDEAL).program(0).eval()
    with torch.no_grad():
        x, y = numbers(2, 5, 8), numbers(2, 4, 8, seed=2)
        mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
        assert apart(network(x, y, tgt_mask=mask), model(x, y, tgt_mask=mask)) < 1e-12


def test_series_models_call_what_torchs_layers_have():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(4, 3, batch_first=True), nn.Linear(3, 2)

        def forward(self, x):
            self.lstm.flatten_parameters()
            return self.head(self.lstm(x)[0][:, -1])

    model, x = made(Reader), numbers(2, 5, 4)
    assert apart(convert(model, IDEAL).program(0).eval()(x), model(x)) < 1e-12


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv2d])
def test_convolutions_tell_their_channels(kind):
    model = made(nn.Sequential, kind(4, 6, 2, groups=2), nn.ReLU())
    layer = convert(model, IDEAL).layers["0"]
    assert (layer.in_channels, layer.out_channels) == (model[0].in_channels, model[0].out_channels)


@pytest.mark.parametrize("of", ["ih", "hh", "hr"])
@pytest.mark.parametrize("bias", ["digital", "row"])
def test_gains_and_shifts_are_the_same_in_kernels_and_step_by_step(of, bias):
    model, x = made(nn.LSTM, 4, 5, num_layers=2, bidirectional=True, proj_size=3), numbers(6, 2, 4)
    network = convert(model, IDEAL, bias=bias).program(0).eval()
    before, _ = network(x)
    layer = network.layers[f"{of}_l0_reverse"]
    layer.gain, layer.shift = 0.8, torch.linspace(-0.3, 0.4, layer.outputs)
    found, _ = network(x)
    hook = network.layers["ih_l1"].register_forward_hook(lambda *_: None)  # somebody waits for a layer's own call
    by_step, _ = network(x)
    hook.remove()
    assert apart(found, by_step) < 1e-12
    assert apart(found, before) > 1e-3
