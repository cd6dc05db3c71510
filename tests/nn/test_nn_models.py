"""Models as they come: deep, pruned, tied, in training, in several threads, and in the hands of torch's compilers."""

import copy
import sys
import threading
import warnings

import pytest
import torch
from nn_tools import IDEAL, apart, hardware, made, numbers, small
from torch import nn
from torch.nn.utils import prune

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarLinear, Law, convert

X = numbers(3, 5)
IMAGES = numbers(4, 3, 8, 8)


def nested(depth, inner):
    for _ in range(depth):
        inner = nn.Sequential(inner)
    return inner


@pytest.mark.parametrize("norm", [False, True])
def test_models_nested_as_deep_as_torch_calls_them(norm):
    inner = made(nn.Linear, 5, 5)
    model = nested(200, nn.Sequential(inner, nn.BatchNorm1d(5).double()) if norm else inner).eval()
    network = convert(model, IDEAL).program(0).eval()
    assert apart(network(X), model(X)) < 1e-9
    assert apart(network.to_torch()(X), model(X)) < 1e-9
    assert network.calibrate(X).summary(X).rows[0].ir_drop_error == 0.0
    assert apart(copy.copy(network)(X), model(X)) < 1e-9


@pytest.mark.parametrize("stepped", [False, True])
def test_pruned_layers_are_named_and_run_where_they_are_left_digital(stepped):
    model = nn.Sequential(made(nn.Linear, 5, 5), made(nn.Linear, 5, 3))
    prune.random_unstructured(model[0], "weight", 0.4)
    if stepped:  # the weight is then a result, which torch does not copy
        model(X).sum().backward()
    with pytest.raises(InputError, match=r"layer '0' computes its weight from 'weight_orig'.*pruning"):
        convert(model, IDEAL)
    network = convert(model, IDEAL, digital="0").program(0).eval()
    assert apart(network(X), model(X)) < 1e-12
    prune.remove(model[0], "weight")
    assert (convert(model, IDEAL).layers["0"].weight == 0).sum() == 10


def test_what_cannot_be_copied_is_said_in_one_line():
    model = nn.Sequential(nn.Linear(3, 3))
    model.lock = threading.Lock()
    with pytest.raises(InputError, match=r"^the model cannot be copied: cannot pickle '_thread.lock' object$"):
        convert(model, IDEAL)


def test_norms_in_training_mode_stay_and_go_on_learning():
    model = small().train()
    network = convert(model, IDEAL).program(0)
    assert type(network.model.bn1) is nn.BatchNorm2d
    assert apart(network(IMAGES), model(IMAGES)) < 1e-9
    assert apart(network.model.bn1.running_mean, model.bn1.running_mean) < 1e-9
    assert apart(network.eval()(IMAGES), model.eval()(IMAGES)) < 1e-9
    model.bn1.train()
    half = convert(model, IDEAL)
    assert type(half.model.bn1) is nn.BatchNorm2d
    assert type(half.model.head[1]) is nn.Identity


@pytest.mark.slow
def test_tied_weights_are_told_of_and_stay_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(6, 5)
            self.inner, self.head = nn.Linear(5, 6, bias=False), nn.Linear(5, 6)
            self.inner.weight = self.head.weight = self.words.weight

        def forward(self, x):
            return self.head(self.inner(self.words(x)) @ torch.ones(6, 5, dtype=torch.float64))

    model, words = made(Tied), torch.tensor([[0, 3, 5]])
    network = convert(model, hardware()).program(0).eval()
    network(words)
    assert [row.shared for row in network.summary().rows] == [("head",), ("inner",)]
    assert "head, inner share one weight, each on arrays of its own" in str(network.summary())
    assert network.chips["inner"] != network.chips["head"]
    plain = network.to_torch()
    assert plain.inner.weight is plain.head.weight is plain.words.weight
    assert apart(plain.eval()(words), model(words)) < 1e-12
    with torch.no_grad():
        plain.head.weight.zero_()
    assert network.layers["head"].weight.any()
    assert all(row.shared == () for row in convert(small(), hardware()).program(0).summary().rows)


@pytest.mark.slow
def test_converting_in_threads_leaves_torch_and_the_others_alone():
    """Beside plain torch, which must never be called through what watches a conversion."""
    model, images = small(), IMAGES[:1]
    with torch.no_grad():
        expected = model(images)
    failed, stop = [], threading.Event()

    def convert_often():
        try:
            for _ in range(6):
                assert type(convert(model, IDEAL).model.bn1) is nn.Identity
        except Exception as error:
            failed.append(error)

    def call_often():
        try:
            with torch.no_grad():
                while not stop.is_set():
                    assert torch.equal(model(images), expected)
        except Exception as error:
            failed.append(error)

    interval, call = sys.getswitchinterval(), nn.Module.__call__
    sys.setswitchinterval(1e-5)
    try:
        converters = [threading.Thread(target=convert_often) for _ in range(6)]
        callers = [threading.Thread(target=call_often) for _ in range(2)]
        for one in (*callers, *converters):
            one.start()
        for one in converters:
            one.join()
        stop.set()
        for one in callers:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert failed == []
    assert nn.Module.__call__ is call


@pytest.mark.parametrize("fold", [True, False])
def test_a_conversion_calls_the_model_only_where_something_can_be_folded(fold):
    class Counted(nn.Module):
        calls = 0

        def __init__(self, norm):
            super().__init__()
            self.layer, self.norm = nn.Linear(5, 4), nn.BatchNorm1d(4) if norm else nn.LayerNorm(4)

        def forward(self, x):
            Counted.calls += 1
            return self.norm(self.layer(x))

    assert len(convert(made(Counted, False), IDEAL, fold_batchnorm=fold).layers) == 1
    assert Counted.calls == 0
    network = convert(made(Counted, True), IDEAL, fold_batchnorm=fold)
    assert Counted.calls == int(fold)
    assert isinstance(network.model.norm, nn.Identity) is fold


def test_a_weight_that_a_model_reads_itself_keeps_its_norm():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x):
            return self.bn(self.conv(x)) * torch.add(self.conv.weight.sum(), x.sum())

    model = made(Scaled)
    model.bn.running_var.fill_(4.0)
    network = convert(model, IDEAL).program(0)
    assert type(network.model.bn) is nn.BatchNorm2d
    assert apart(network.eval()(IMAGES), model(IMAGES)) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("law", ["linear", "sinh"])
def test_compiled_networks_are_the_networks(law):
    hw = hardware(law=Law(law), dac=Converter(range=2.0))
    network = convert(nn.Sequential(made(nn.Linear, 5, 4), nn.ReLU(), made(nn.Linear, 4, 3)), hw).program(0).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what it compiles with
        assert torch.equal(torch.compile(network, backend="eager")(X), network(X))
        layer = network.layers["0"]
        assert torch.equal(torch.compile(nn.Sequential(layer, nn.ReLU()), backend="eager")(X), layer(X).relu())


@pytest.mark.parametrize("past", [False, True])
def test_compiled_models_are_converted_and_looked_at_too(past):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(5, 4), nn.Linear(4, 3)

        def forward(self, x):
            x = self.first(x).relu()
            return self.last(x) + nn.functional.linear(x, self.last.weight) if past else self.last(x)

    model = made(Model)
    network = convert(torch.compile(model, backend="eager"), IDEAL).program(0).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what it compiles with
        if past:
            with pytest.raises(InputError, match=r"the weight of layer '_orig_mod\.last'"):
                network(X)
        else:
            assert apart(network(X), model(X)) < 1e-12


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda network: torch.jit.trace(network, X), "layer '0' cannot be traced or exported.*to_torch"),
        (lambda network: torch.export.export(network, (X,), strict=False), "cannot be traced or exported"),
        (lambda network: torch.func.jacrev(network)(X), r"layer '0' has no gradient for torch.func.*backward\(\)"),
        (lambda network: network.to("meta")(X), "layer '0' is on the meta device"),
    ],
)  # fmt: skip
def test_what_a_circuit_cannot_be_in_is_said_in_one_line(work, message):
    network = convert(nn.Sequential(made(nn.Linear, 5, 4)), hardware()).program(0).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match=message):
            work(network)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: nn.Sequential(nn.Linear(5, 4, device="meta")), "weight of layer '0' is on the meta device"),
        (lambda: nn.Sequential(nn.Linear(5, 4, dtype=torch.complex64)), r"weight of layer '0' is torch.complex64"),
    ],
)
def test_weights_that_are_no_real_numbers(model, message):
    built = model()
    with pytest.raises(InputError, match=message):
        convert(built, IDEAL)


def test_many_vectors_at_once_by_vmap():
    network = convert(nn.Sequential(made(nn.Linear, 5, 4), nn.ReLU()), hardware()).program(0).eval()
    assert isinstance(network.layers["0"], CrossbarLinear)
    with torch.no_grad():
        assert apart(torch.func.vmap(network)(X), network(X)) < 1e-12
