"""Networks of the zoo take images of any size; binarised ones are +1 and -1 and train through their signs."""

import pytest
import torch
from network_tools import made, trained
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn import zoo
from xbarsim.nn.binary import Sign, binarised, clip_latent, is_binary, plain, sign

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 17, 11)]
BINARY = ["binary-mlp", "binary-vgg"]


@pytest.mark.parametrize("name", zoo.MODELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_network_takes_every_shape(name, shape):
    model = zoo.build(name, shape, 7, width=1.0 if name == "linear" else 0.25).eval()
    assert model(torch.rand(2, *shape)).shape == (2, 7)
    assert is_binary(model) is (name in BINARY)


def test_layers_are_those_that_the_names_say():
    def weights(name):
        model = plain(zoo.build(name, (1, 28, 28), 10))
        return [tuple(one.weight.shape) for one in model.modules() if isinstance(one, nn.Linear | nn.Conv2d)]

    assert weights("linear") == [(10, 784)]
    assert weights("mlp") == [(128, 784), (10, 128)]
    assert weights("lenet") == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    assert len(weights("vgg-small")) == 7
    assert len(weights("resnet-8")) == 8 + 2
    assert len(weights("resnet-18")) == 18 + 3
    assert sum(one.numel() for one in zoo.build("resnet-18", (3, 32, 32), 10).parameters()) == 11_173_962
    assert weights("binary-mlp") == [(512, 784), (512, 512), (512, 512), (10, 512)]
    # BinaryNet's own, by the width that the zoo says makes it.
    wide = plain(zoo.build("binary-vgg", (3, 32, 32), 10, width=4.0))
    convolutions = [one.out_channels for one in wide.modules() if isinstance(one, nn.Conv2d)]
    assert convolutions == [128, 128, 256, 256, 512, 512]
    assert [one.out_features for one in wide.modules() if isinstance(one, nn.Linear)] == [1024, 1024, 10]


def test_weights_are_a_function_of_the_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (zoo.build("lenet", (1, 8, 8), 3, seed=seed).conv1.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before), "torch's own generator is the user's"


def test_refusals():
    with pytest.raises(InputError, match="model is 'mpl': the zoo has mlp, lenet"):
        zoo.build("mpl", (1, 8, 8), 10)
    with pytest.raises(InputError, match="images are 8 x 7: vgg-small needs at least 8 x 8"):
        zoo.build("vgg-small", (1, 8, 7), 10)
    with pytest.raises(InputError, match="width is 2: linear has no hidden units, leave it 1"):
        zoo.build("linear", (1, 8, 8), 10, width=2.0)
    for classes, width in ((1, 1.0), (10, 0.0), (10, float("nan"))):
        with pytest.raises(InputError, match="width"):
            zoo.build("mlp", (1, 8, 8), classes, width=width)


def test_sign_and_its_straight_gradient():
    x = torch.tensor([-2.0, -1.0, -0.3, -0.0, 0.0, 0.4, 1.0, 1.5], requires_grad=True)
    y = sign(x)
    assert y.tolist() == [-1, -1, -1, 1, 1, 1, 1, 1]
    (y * torch.arange(1.0, 9.0)).sum().backward()
    assert x.grad.tolist() == [0, 2, 3, 4, 5, 6, 7, 0]
    assert Sign()(x).tolist() == y.tolist()


def test_a_binarised_layer_is_its_signs():
    layer = binarised(nn.Linear(5, 3, bias=False))
    latent = layer.parametrizations.weight.original
    x = torch.randn(4, 5)
    assert torch.equal(layer(x), functional.linear(x, torch.where(latent >= 0, 1.0, -1.0)))
    with torch.no_grad():
        latent.copy_(torch.linspace(-3.0, 3.0, 15).reshape(3, 5))
    clip_latent(layer)
    assert (latent.min(), latent.max()) == (-1.0, 1.0)
    bare = plain(nn.Sequential(layer))
    assert type(bare[0]) is nn.Linear
    assert torch.equal(bare(x), layer(x))
    assert torch.equal(plain(layer).weight, layer.weight)
    assert is_binary(layer), "plain makes a copy"
    assert not is_binary(bare)


@pytest.mark.slow
@pytest.mark.parametrize("name", BINARY)
def test_binarised_networks_learn_and_stay_binary(name):
    data = made(60, (1, 8, 8))
    model = trained(name, data, epochs=40)
    found = model(torch.from_numpy(data.train.images).float() / 255.0).argmax(dim=1)
    assert (found == torch.from_numpy(data.train.labels)).float().mean() > 0.9, "random images are learnt by heart"
    for one in plain(model).modules():
        if isinstance(one, nn.Linear | nn.Conv2d):
            assert torch.equal(one.weight.abs(), torch.ones_like(one.weight))
            assert one.weight.std() > 0.5, "both signs occur"
    for key, one in model.state_dict().items():
        if key.endswith("original"):
            assert one.abs().max() <= 1.0
