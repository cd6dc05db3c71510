"""Training goes on from any step with the same numbers; checkpoints are whole, checked, and run nothing."""

import copy
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from network_tools import made, pictures
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import checkpoint, zoo
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.training import (
    DivergedError,
    Epoch,
    Training,
    TrainSettings,
    accuracy,
    augmented,
    batches,
    inputs,
    predictions,
)

SETTINGS = TrainSettings(epochs=3, batch=8, rate=3e-3, seed=4, augment=True)


class Noisy(nn.Module):
    """Dropout and batch statistics: state, and draws of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.top = nn.Linear(4, 3)

    def forward(self, x):
        y = functional_dropout(self.bn(self.conv(x)), self.training)
        return self.top(y.mean(dim=(2, 3)))


def functional_dropout(x, training):
    return nn.functional.dropout(x, 0.3, training)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


def noisy():
    torch.manual_seed(1)
    return Noisy()


@pytest.mark.slow
def test_a_stop_at_any_step_changes_nothing(tmp_path):
    data = made(41)
    whole = Training(noisy(), data, SETTINGS)
    assert whole.run()
    for stop_after in (0, 1, 4, 5, 9, 14):
        count = iter(range(100))
        first = Training(noisy(), data, SETTINGS)
        torch.manual_seed(stop_after)  # whatever else draws in between
        assert not first.run(stop=lambda count=count, stop_after=stop_after: next(count) == stop_after)
        held = tmp_path / "state.pt"
        torch.save(first.state(), held)
        second = Training(Noisy(), data, SETTINGS)
        second.load_state(torch.load(held, weights_only=True))
        torch.manual_seed(77)
        assert second.run()
        assert same(second.model.state_dict(), whole.model.state_dict()), stop_after
        assert [(one.loss, one.accuracy) for one in second.history] == [
            (one.loss, one.accuracy) for one in whole.history
        ]


def test_the_seed_is_all_that_is_drawn():
    data = made()
    ran = []
    for settings in (SETTINGS, SETTINGS, TrainSettings(**{**SETTINGS.to_dict(), "seed": 5})):
        torch.manual_seed(len(ran))
        before = torch.get_rng_state()
        training = Training(noisy(), data, settings)
        before = torch.get_rng_state()
        training.run()
        assert torch.equal(before, torch.get_rng_state())
        ran.append(training.model.state_dict())
    assert same(ran[0], ran[1])
    assert not same(ran[0], ran[2])


def test_each_epoch_sees_every_image_once():
    """Also where one image is left over, of which batch normalisation could make nothing."""
    for count, steps in ((40, 5), (41, 5), (42, 6), (1, 1)):
        data = made(count)
        seen, model = [], noisy()
        model.register_forward_pre_hook(lambda m, given, seen=seen: seen.append(given[0]) if m.training else None)
        if count == 1:
            model.bn = nn.Identity()
        training = Training(model, data, TrainSettings(epochs=1, batch=8))
        assert training.steps == steps
        training.run()
        assert len(seen) == steps
        assert torch.equal(torch.cat(seen).sum(0).round(decimals=3), inputs(data, data.train).sum(0).round(decimals=3))
        assert not torch.equal(torch.cat(seen), inputs(data, data.train)) or count == 1


def test_the_rate_falls_as_a_half_cosine():
    training = Training(noisy(), made(16), TrainSettings(epochs=2, batch=8, rate=0.1))
    rates = []
    training.run(progress=lambda _: rates.append(training.optimizer.param_groups[0]["lr"]))
    np.testing.assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4)), rtol=1e-12)


def test_saves_and_reports():
    calls, epochs, training = [], [], Training(noisy(), made(16), TrainSettings(epochs=2, batch=8))
    assert training.run(save=lambda: calls.append((training.epoch, training.step)), every=0.0, report=epochs.append)
    assert calls == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert [one.epoch for one in epochs] == [1, 2]
    assert isinstance(epochs[0], Epoch)
    assert training.is_over


def test_a_loss_that_is_no_number():
    model = noisy()
    model.top.weight.data.fill_(float("inf"))
    with pytest.raises(DivergedError, match="epoch 1, step 1: train with a smaller rate"):
        Training(model, made(), SETTINGS).run()


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"batch": 1}, {"rate": 0.0}, {"seed": -1}, {"augment": 1}, {"decay": -1.0}]
)
def test_settings_are_checked(bad):
    with pytest.raises(InputError, match=f"TrainSettings.{next(iter(bad))} is"):
        TrainSettings(**bad)


def test_inputs_are_scaled_by_channel():
    split = pictures(3, (2, 4, 5))
    data = Dataset("x", "x", split, split, ("a", "b", "c"), (0.5, 0.25), (2.0, 4.0))
    pixels = split.images / 255.0
    expected = np.stack([(pixels[:, 0] - 0.5) / 2.0, (pixels[:, 1] - 0.25) / 4.0], axis=1)
    np.testing.assert_allclose(
        inputs(data, split).numpy(), expected, atol=1e-6
    )  # of numbers up to 0.5, in single precision
    parts = list(batches(data, split, 2))
    assert torch.equal(torch.cat([one for one, _ in parts]), inputs(data, split))
    assert torch.cat([labels for _, labels in parts]).tolist() == split.labels.tolist()


def test_predictions_leave_the_model_as_it_was():
    data, model = made(), noisy().train()
    counts = []
    found = predictions(model, data, data.test, 5, counts.append)
    assert counts == [5, 10, 12]
    assert model.training
    assert accuracy(model, data, data.test) == float(
        np.mean(model.eval()(inputs(data, data.test)).argmax(1).numpy() == data.test.labels)
    )
    assert found.shape == (12,)


def test_augmented_images_are_shifted_and_mirrored_ones():
    torch.manual_seed(0)
    images = torch.rand(64, 2, 6, 9) + 1.0
    found = augmented(images)
    padded = nn.functional.pad(images, (4, 4, 4, 4), value=float(images.min()))
    shifts = set()
    for k in range(64):
        fits = [
            (mirror, i, j)
            for mirror in (False, True)
            for i in range(9)
            for j in range(9)
            if torch.equal((padded[k].flip(2) if mirror else padded[k])[:, i : i + 6, j : j + 9], found[k])
        ]
        assert fits, k
        shifts.update(fits)
    assert {one[0] for one in shifts} == {False, True}
    assert {one[1] for one in shifts} == set(range(9))


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    data = load("digits").limited(train=100, test=50)
    training = Training(zoo.build("mlp", data.shape, 10), data, TrainSettings(epochs=2, batch=32))
    training.run()
    path = tmp_path_factory.mktemp("held") / "mlp.pt"
    checkpoint.save(path, checkpoint.Recipe.of("mlp", data, limit=100), training)
    return path, training


@pytest.mark.slow
def test_a_checkpoint_holds_all_of_a_training(held):
    path, training = held
    found = checkpoint.load(path)
    assert found.recipe == checkpoint.Recipe.of("mlp", training.dataset, limit=100)
    assert found.settings == training.settings
    assert same(found.model().state_dict(), training.model.state_dict())
    assert not found.model().training
    again = Training(found.recipe.build(), training.dataset, found.settings)
    again.load_state(found.state)
    assert again.is_over
    assert again.history == training.history
    with pytest.raises(InputError, match="only epochs may change"):
        Training(found.recipe.build(), training.dataset, TrainSettings(batch=16)).load_state(found.state)


def test_a_checkpoint_is_replaced_whole_or_not_at_all(held, monkeypatch, tmp_path):
    path, training = held
    copied = tmp_path / "mlp.pt"
    copied.write_bytes(path.read_bytes())

    def full(record, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(copied, checkpoint.load(path).recipe, training)
    assert copied.read_bytes() == path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["mlp.pt"]


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_files_that_are_refused(held, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, _ = held
    good = torch.load(path, weights_only=True)
    bad = tmp_path / "bad.pt"

    def refused(words, read=checkpoint.load_any):
        with pytest.raises(InputError, match=words) as caught:
            read(bad)
        assert str(bad) in str(caught.value)
        assert "\n" not in str(caught.value)

    refused("there is no such file")
    for content in (b"", path.read_bytes()[:1000], b"hello", pickle.dumps(Hostile())):
        bad.write_bytes(content)
        refused("no file of weights that is safe to read")
    torch.save({"a": Hostile()}, bad)
    refused(r"no file of weights that is safe to read \(it holds more than tensors and plain data\): write one")
    assert not (tmp_path / "ran").exists()
    for record in ([1], {}, {"a": 1}):
        torch.save(record, bad)
        refused("holds no weights")
    torch.save(good["state"]["weights"], bad)
    assert same(checkpoint.load_any(bad), good["state"]["weights"])
    refused("no checkpoint of xbarsim train", checkpoint.load)
    torch.save({"state_dict": good["state"]["weights"]}, bad)
    assert same(checkpoint.load_any(bad), good["state"]["weights"])
    for part, key in (("recipe", "shape"), ("state", "optimizer"), ("state", "settings")):
        record = copy.deepcopy(good)
        del record[part][key]
        torch.save(record, bad)
        refused("damaged checkpoint")


def test_weights_that_do_not_fit_are_named():
    model = zoo.build("mlp", (1, 8, 8), 10)
    weights = model.state_dict()
    lacking = {name: one for name, one in weights.items() if name != "fc1.bias"}
    with pytest.raises(InputError, match=r"w.pt does not fit the network: it lacks fc1.bias$"):
        checkpoint.load_weights(model, lacking, "w.pt")
    with pytest.raises(InputError, match=r"it lacks fc1.bias and has fc9.bias, which the network does not"):
        checkpoint.load_weights(model, {**lacking, "fc9.bias": weights["fc1.bias"]}, "w.pt")
    with pytest.raises(InputError, match=r"fc1.bias has shape \(3,\) and the network's \(128,\)"):
        checkpoint.load_weights(model, {**weights, "fc1.bias": torch.zeros(3)}, "w.pt")


def test_with_validation_images_the_test_images_are_not_looked_at():
    data = made(41).split(validation=9)

    class Untouchable(type(data.test)):
        def __getattribute__(self, name):
            raise AssertionError(f"the test images were asked for {name}")

    settings = TrainSettings(epochs=2, batch=8, seed=4)
    untested = copy.copy(data)
    object.__setattr__(untested, "test", object.__new__(Untouchable))
    training = Training(noisy(), untested, settings)
    training.run()
    assert training.watched == "validation"
    assert training.history[-1].accuracy == accuracy(training.model, data, data.validation)
    without = Training(noisy(), replace(data, validation=None), settings)
    without.run()
    assert without.watched == "test"
    assert same(without.model.state_dict(), training.model.state_dict())
    assert without.history[-1].accuracy == accuracy(without.model, data, data.test)
