"""Products that go past the crossbars are refused; what only looks at weights, or changes them, is not."""

import copy

import pytest
import torch
from nn_tools import IDEAL, apart, made, numbers
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from xbarsim.errors import InputError
from xbarsim.nn import convert
from xbarsim.nn.outside import Watch

X = numbers(3, 5)


class Model(nn.Module):
    """Two layers, an embedding and a buffer; what is done with them is ``how``."""

    def __init__(self, how):
        super().__init__()
        self.first, self.head = nn.Linear(5, 5), nn.Linear(5, 5)
        self.embedding = nn.Embedding(7, 5)
        self.register_buffer("mixing", torch.eye(5) + 0.1)
        self.how = how
        self.kept = [self.head.weight]
        self.plain = torch.eye(5, dtype=torch.float64) + 0.1

    def forward(self, x):
        return self.how(self, self.first(x))


def programmed(how, **more):
    model = made(Model, how)
    return model, convert(model, IDEAL, **more).program(0).eval()


PAST = {
    "linear": lambda m, x: functional.linear(x, m.head.weight),
    "beside its call": lambda m, x: m.head(x) + x @ m.head.weight.T,
    "data": lambda m, x: x @ m.head.weight.data.t(),
    "detached": lambda m, x: x.matmul(m.head.weight.detach().transpose(0, 1)),
    "a copy": lambda m, x: x @ (2.0 * m.head.weight.clone()).t(),
    "by to": lambda m, x: (x.float() @ m.head.weight.to(torch.float32)).double(),
    "as another": lambda m, x: (x.float() @ m.head.weight.type_as(x.float())).double(),
    "reshaped as another": lambda m, x: x @ m.head.weight.T.reshape_as(m.mixing),
    "an operator of its own": lambda m, x: torch.ops.aten.mm.default(x, m.head.weight),
    "made sparse": lambda m, x: torch.sparse.mm(m.head.weight.to_sparse(), x.T).T,
    "sparse and back": lambda m, x: x @ m.head.weight.to_sparse().to_dense(),
    "another type": lambda m, x: (x.float() @ m.head.weight.float()).double(),
    "a row": lambda m, x: (x * m.head.weight[0]).sum(1, keepdim=True),
    "by element": lambda m, x: (x[:, None] * m.head.weight).sum(-1),
    "einsum": lambda m, x: torch.einsum("bi,oi->bo", x, m.head.weight),
    "kept elsewhere": lambda m, x: functional.linear(x, m.kept[0]),
    "with others": lambda m, x: functional.linear(x, torch.cat([m.head.weight, m.embedding.weight])),
    "by keyword": lambda m, x: functional.linear(input=x, weight=m.head.weight, bias=m.head.bias),
    "functional_call": lambda m, x: torch.func.functional_call(nn.Linear(5, 5), dict(m.head.named_parameters()), x),
}


@pytest.mark.parametrize("how", PAST)
@pytest.mark.parametrize("training", [False, True])
def test_a_weight_used_outside_of_its_layer_is_refused(how, training):
    model, network = programmed(PAST[how])
    network.train(training)
    with pytest.raises(InputError, match=r"the weight of layer 'head' is used outside.*digital=\('head',\)"):
        network(X)
    _, network = programmed(PAST[how], digital="head")
    assert list(network.layers) == ["first"]
    assert apart(network(X), model(X)) < 1e-6, "left digital, as the message says, it runs"


FREE = {
    "the layer": lambda m, x: m.head(x),
    "penalty": lambda m, x: m.head(x) + m.head.weight.square().sum() + m.head.weight.abs().max(),
    "norm of a view": lambda m, x: m.head(x) / m.head.weight.T.detach().norm(),
    "shape and type": lambda m, x: m.head(x.to(m.head.weight)) + x.new_zeros(m.head.weight.shape[0]),
    "bias": lambda m, x: m.head(x) - m.head.bias,
    "lookup": lambda m, x: m.head(x) + m.embedding(torch.tensor([1, 2, 3])),
    "attribute added": lambda m, x: m.head(x) + m.plain[:3],
    "rows added": lambda m, x: m.head(x) + m.mixing[:3] + m.embedding.weight[2:5],
}


@pytest.mark.parametrize("how", FREE)
def test_what_multiplies_nothing_past_the_arrays_is_free(how):
    model, network = programmed(FREE[how])
    assert apart(network(X), model(X)) < 1e-12


MATRICES = {
    "tied head": (lambda m, x: functional.linear(m.head(x), m.embedding.weight), "embedding.weight"),
    "tied head by T": (lambda m, x: m.head(x) @ m.embedding.weight.T, "embedding.weight"),
    "buffer": (lambda m, x: m.head(x) @ m.mixing, "mixing"),
    "what comes from a buffer": (lambda m, x: m.head(x) @ torch.softmax(m.mixing, 1), "mixing"),
    "attribute": (lambda m, x: m.head(x) @ m.plain, "plain"),
    "operator of its own": (lambda m, x: torch.ops.aten.mm.default(m.head(x), m.mixing), "mixing"),
    "buffer in another type": (lambda m, x: (m.head(x).float() @ m.mixing.to(torch.float32)).double(), "mixing"),
    "convolution with a buffer": (
        lambda m, x: functional.conv1d(m.head(x)[:, None], m.mixing[:, None], padding="same").sum(1),
        "mixing",
    ),
}


@pytest.mark.parametrize("how", MATRICES)
def test_matrices_in_no_layer_are_not_multiplied_with(how):
    work, name = MATRICES[how]
    model, network = programmed(work)
    with pytest.raises(InputError, match=rf"'{name}' is a matrix that inputs are multiplied with.*digital=\('{name}',"):
        network(X)
    _, network = programmed(work, digital=name)
    assert apart(network(X), model(X)) < 1e-12
    _, network = programmed(work, digital=name.partition(".")[0])
    assert apart(network(X), model(X)) < 1e-12


def test_a_layer_that_no_forward_pass_reaches():
    _, network = programmed(lambda m, x: m.head(x) if m.open else x)
    network.model.open = False
    assert [row.reached for row in network.summary().rows] == [False, False]
    assert "no forward pass so far has reached first, head" in str(network.summary())
    with pytest.raises(InputError, match=r"no forward pass reaches layer 'head'.*digital=\('head',\)"):
        network(X)
    assert str(network.summary()).endswith("no forward pass so far has reached head")
    network.model.open = True
    network(X)
    assert "reached" not in str(network.summary())
    network.model.open = False
    network(X)  # it was reached before


def test_parts_of_a_torch_layer_are_called_as_convert_calls_it():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.lstm = nn.Linear(5, 5), nn.LSTM(5, 4)

        def forward(self, x):
            return self.linear(x)

    network = convert(made(Half), IDEAL).program(0).eval()
    with pytest.raises(InputError, match=r"layer 'lstm.ih_l0', 'lstm.hh_l0'.*digital=\('lstm',\)"):
        network(X)


def test_a_head_that_shares_an_embedding_runs_on_arrays():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(6, 5), nn.Linear(5, 6, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x):
            return self.head(self.embedding(x))

    model, words = made(Tied), torch.tensor([[1, 5], [0, 2]])
    network = convert(model, IDEAL).program(0).eval()
    assert list(network.layers) == ["head"]
    assert apart(network(words), model(words)) < 1e-12
    assert network.model.embedding.weight is network.layers["head"].weight


def test_penalties_and_steps_outside_of_forward_are_free():
    _, network = programmed(FREE["the layer"])
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    before = network.layers["head"].weight.detach().clone()
    loss = network(X).square().sum() + sum(one.square().sum() for one in network.parameters())
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    assert apart(network.layers["head"].weight, before) > 1e-3
    assert (X @ network.layers["head"].weight.T).shape == (3, 5)


def test_other_weights_of_one_call_and_weights_in_one_storage():
    model, network = programmed(FREE["bias"])
    halved = {name: 0.5 * one.detach() for name, one in network.named_parameters()}
    found = torch.func.functional_call(network, halved, X)
    with torch.no_grad():
        for one in model.parameters():
            one.mul_(0.5)
    assert apart(found, model(X)) < 1e-12
    nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(model.parameters()), network.parameters())
    assert apart(network(X), model(X)) < 1e-12, "biases that lie behind weights are no weights"
    _, network = programmed(PAST["linear"])
    nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(model.parameters()), network.parameters())
    with pytest.raises(InputError, match="the weight of layer 'head'"):
        network(X)


@pytest.mark.parametrize("wrap", [copy.deepcopy, nn.DataParallel, nn.Sequential])
def test_wrapped_and_copied_networks_are_looked_at_too(wrap):
    for how, refused in ((FREE["the layer"], False), (PAST["linear"], True)):
        model, network = programmed(how)
        if refused:
            with pytest.raises(InputError, match="the weight of layer 'head'"):
                wrap(network)(X)
        else:
            assert apart(wrap(network)(X), model(X)) < 1e-12


def test_of_a_layer_s_own_work_nothing_is_looked_at(monkeypatch):
    seen, look = [], Watch.__torch_function__

    def recorded(self, func, types, args=(), kwargs=None):
        seen.append(func.__name__)
        return look(self, func, types, args, kwargs)

    monkeypatch.setattr(Watch, "__torch_function__", recorded)
    model = made(nn.Sequential, nn.Linear(5, 6), nn.ReLU(), nn.Unflatten(1, (2, 3)), nn.Conv1d(2, 3, 2), nn.Flatten())
    network = convert(model, IDEAL).program(0).eval()
    network.model[1].register_forward_hook(lambda *_: None)
    network(X)
    assert seen[0] == "relu"
    assert not {"linear", "conv1d", "detach", "is_floating_point"} & set(seen), seen
    with CountsCalls() as counts:
        assert apart(network(X), model(X)) < 1e-12
    assert counts.names.count("linear") == 2, "modes of others see the layer's products all the same"


class CountsCalls(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_a_mode_of_the_model_s_own_hides_nothing():
    def how(model, x):
        with CountsCalls():
            return model.head(x) @ model.head.weight

    _, network = programmed(how)
    with pytest.raises(InputError, match="the weight of layer 'head'"):
        network(X)
    _, network = programmed(FREE["the layer"])
    with CountsCalls(), pytest.raises(InputError, match="5 inputs"):
        network(X[:, :4])
    assert torch._C._len_torch_function_stack() == 0, "what is raised inside leaves no mode behind"


def composed():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 3))).double()
    return model, convert(model, IDEAL).program(0).eval()


def test_what_is_composed_of_torchs_modules_alone_needs_no_watch(monkeypatch):
    model, network = composed()
    monkeypatch.setattr("xbarsim.nn.network.Watch", None)
    assert apart(network(X), model(X)) < 1e-6


def by_hook(network):
    network.model[1].register_forward_hook(lambda module, given, y: y @ network.model[2][0].weight.T)


def by_hook_before(network):
    network.model[1].register_forward_pre_hook(lambda module, given: (given[0] * network.model[0].weight[:, 0],))


def by_own_forward(network):
    network.model[1].forward = lambda y: y * network.model[0].weight[:, 0]


def by_own_class(network):
    class Scale(nn.Module):
        def forward(self, y):
            return y * network.model[0].weight[:, 0]

    network.model[1] = Scale()


def by_shared_weight(network):
    shared = nn.Linear(5, 4).double()
    shared.weight = network.model[0].weight
    network.model[0] = nn.Sequential(shared, nn.Linear(4, 5).double(), network.model[0])


@pytest.mark.parametrize("change", [by_hook, by_hook_before, by_own_forward, by_own_class, by_shared_weight])
def test_what_brings_in_other_code_is_watched(change):
    _, network = composed()
    change(network)
    with pytest.raises(InputError, match=r"weight of layer '[02.]+' is used outside"):
        network(X)


def test_hooks_of_all_modules_are_watched():
    _, network = composed()
    weight = network.model[0].weight
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, given, y: y * weight[:, 0] if isinstance(module, nn.ReLU) else None
    )
    try:
        with pytest.raises(InputError, match="weight of layer '0' is used outside"):
            network(X)
    finally:
        handle.remove()
