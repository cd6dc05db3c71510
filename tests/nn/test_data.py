"""Images are read as their formats say, found where they are looked for, and damaged files are named."""

import gzip
import re

import numpy as np
import pytest
from network_tools import idx_bytes, pictures, real, write_idx

from xbarsim.errors import InputError
from xbarsim.nn.datasets import VARIABLE, Dataset, MissingDataError, Split, load
from xbarsim.nn.datasets.idx import read


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch, request):
    if "real" not in request.node.name:
        monkeypatch.delenv(VARIABLE, raising=False)


def test_the_digits_are_all_there_and_need_no_folder():
    found = load("digits")
    assert found.shape == (1, 8, 8)
    assert (len(found.train), len(found.test)) == (1437, 360)
    assert set(np.unique(found.train.labels)) == set(range(10))
    assert (found.train.images.min(), found.train.images.max()) == (0, 255)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("name", "place"), [("mnist", "MNIST/raw"), ("fashion-mnist", "FashionMNIST/raw")])
def test_idx_files_in_torchvisions_layout(tmp_path, monkeypatch, packed, name, place):
    held = write_idx(tmp_path / place, packed)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for found in (load(name), load(name, tmp_path), load(name.upper(), tmp_path / place), load(tmp_path / place)):
        assert found.shape == (1, 9, 7)
        assert np.array_equal(found.train.images[:, 0], held["train-images-idx3-ubyte"])
        assert np.array_equal(found.train.labels, held["train-labels-idx1-ubyte"])
        assert np.array_equal(found.test.images[:, 0], held["t10k-images-idx3-ubyte"])
        assert np.array_equal(found.test.labels, held["t10k-labels-idx1-ubyte"])
        assert found.facts()["test_images"] == 10


def test_a_folder_that_is_given_goes_before_the_environments(tmp_path, monkeypatch):
    first = write_idx(tmp_path / "a" / "MNIST", seed=1)
    write_idx(tmp_path / "b" / "MNIST", seed=2)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "b"))
    found = load("mnist", tmp_path / "a")
    assert np.array_equal(found.train.images[:, 0], first["train-images-idx3-ubyte"])
    # Nor is what it lacks looked for elsewhere.
    with pytest.raises(MissingDataError, match=r"fashion-mnist is not in .*/a \("):
        load("fashion-mnist", tmp_path / "a")


def test_one_dataset_is_not_taken_for_the_other(tmp_path):
    write_idx(tmp_path / "FashionMNIST" / "raw")
    with pytest.raises(MissingDataError):
        load("mnist", tmp_path / "FashionMNIST" / "raw")


def test_missing_data_say_where_it_looked_and_how_to_give_them(tmp_path, monkeypatch):
    with pytest.raises(MissingDataError, match=r"no folder to look for mnist.*--data-folder.*XBARSIM_DATA.*MNIST/raw"):
        load("mnist")
    with pytest.raises(MissingDataError, match=re.escape(str(tmp_path)) + r".*MNIST/raw, MNIST.*--data digits"):
        load("mnist", tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(MissingDataError, match=r"XBARSIM_DATA is .*gone: there is no such folder"):
        load("cifar10")
    with pytest.raises(MissingDataError, match=r"the data folder is .*else"):
        load("cifar10", tmp_path / "else")
    with pytest.raises(MissingDataError, match="data is 'minst': give digits, mnist"):
        load("minst")


def _cut(raw):
    return raw[:-3]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, "its header says 1890"),
        (lambda raw: raw + b"x", "holds 1891 bytes"),
        (lambda raw: b"\1" + raw[1:], "no idx file"),
        (lambda raw: raw[:2] + b"\x0d" + raw[3:], "no idx file of unsigned bytes"),
        (lambda raw: raw[:9], "ends within its header"),
        (lambda raw: b"", "no idx file"),
    ],
)
def test_damaged_idx_files_are_named(tmp_path, spoil, words):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(spoil(idx_bytes(np.zeros((30, 9, 7)))))
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [
        _cut,
        lambda raw: raw[:40],
        lambda raw: b"no gzip" + raw[7:],
        lambda raw: raw[:20] + bytes(20) + raw[40:],
    ],
)
def test_damaged_gzip_files_are_named(tmp_path, spoil):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(spoil(gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 256, (30, 9, 7))))))
    with pytest.raises(InputError, match=r"is damaged|no idx file"):
        read(path)


def test_labels_that_are_missing_or_too_few(tmp_path):
    write_idx(tmp_path / "MNIST", packed=False)
    labels = tmp_path / "MNIST" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.zeros(9)))
    with pytest.raises(InputError, match="they are no images and labels"):
        load("mnist", tmp_path)
    labels.write_bytes(idx_bytes(np.full(10, 11)))
    with pytest.raises(InputError, match="test labels are 11 to 11, of 10 classes"):
        load("mnist", tmp_path)
    labels.unlink()
    with pytest.raises(InputError, match=r"neither t10k-labels-idx1-ubyte nor"):
        load("mnist", tmp_path)


def test_a_dataset_checks_itself():
    one = Split(np.zeros((4, 1, 3, 3), np.uint8), np.zeros(4, int))
    with pytest.raises(InputError, match="must have one shape"):
        Dataset("x", "x", one, Split(np.zeros((4, 1, 3, 2), np.uint8), np.zeros(4, int)), ("a", "b"))
    with pytest.raises(InputError, match=r"uint8"):
        Split(np.zeros((4, 1, 3, 3)), np.zeros(4, int))
    with pytest.raises(InputError, match="labels of shape"):
        Split(np.zeros((4, 1, 3, 3), np.uint8), np.zeros(3, int))
    with pytest.raises(InputError, match="std is"):
        Dataset("x", "x", one, one, ("a", "b"), std=(0.0,))
    with pytest.raises(InputError, match="mean has 2 numbers: give one, or one a channel, 1"):
        Dataset("x", "x", one, one, ("a", "b"), mean=(0.0, 1.0))
    with pytest.raises(InputError, match="limit is 0"):
        one.first(0)


def test_real_mnist_is_whole():
    found = real("mnist")
    assert found.shape == (1, 28, 28)
    assert (len(found.train), len(found.test)) == (60000, 10000)
    # How often each digit occurs, as its authors say.
    assert np.bincount(found.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def split_of(count=41, **more):
    return Dataset("made", "made here", pictures(count), pictures(12, seed=1), ("a", "b", "c")).split(**more)


def test_the_last_training_images_are_set_apart():
    whole = Dataset("made", "made here", pictures(41), pictures(12, seed=1), ("a", "b", "c"), (0.2,), (0.7,))
    apart = whole.split(validation=7)
    assert np.array_equal(apart.train.images, whole.train.images[:34])
    assert np.array_equal(apart.validation.images, whole.train.images[34:])
    assert np.array_equal(apart.train.labels, whole.train.labels[:34])
    assert np.array_equal(apart.validation.labels, whole.train.labels[34:])
    assert apart.test is whole.test
    assert (apart.mean, apart.std, apart.classes) == (whole.mean, whole.std, whole.classes)
    assert whole.validation is None


def test_five_thousand_images_are_set_apart_unless_said():
    many = Split(np.zeros((5003, 1, 1, 1), np.uint8), np.zeros(5003))
    assert len(Dataset("made", "made here", many, many, ("a",)).split().train) == 3


@pytest.mark.parametrize("count", [0, -1, 41, 5000, 2.0, True, None])
def test_what_leaves_no_images_to_train_on_or_to_choose_by_is_refused(count):
    with pytest.raises(InputError, match=rf"validation is {count}: .* at least 1 and below the 41 training images$"):
        split_of(validation=count)


def test_data_are_split_once():
    with pytest.raises(InputError, match="7 validation images are set apart already"):
        split_of(validation=7).split(5)


def test_limits_and_facts_of_validation_images():
    apart = split_of(validation=7)
    assert len(apart.limited(train=5, test=3).validation) == 7
    few = apart.limited(validation=2)
    assert np.array_equal(few.validation.images, apart.validation.images[:2])
    assert (len(few.train), len(few.test)) == (34, 12)
    assert few.facts() == apart.facts() | {"validation_images": 2}
    assert "validation_images" not in Dataset("m", "m", pictures(9), pictures(9), ("a", "b", "c")).facts()
    with pytest.raises(InputError, match="the data have no validation images, split them first"):
        load("digits").limited(validation=3)
    with pytest.raises(InputError, match="limit is 0"):
        apart.limited(validation=0)


def test_validation_images_are_of_the_same_shape_and_classes():
    three, wide = pictures(9), pictures(9, (1, 8, 9))
    with pytest.raises(InputError, match=r"validation images \(1, 8, 9\): they must have one shape"):
        Dataset("m", "here", three, three, ("a", "b", "c"), validation=wide)
    two = Split(three.images, three.labels % 2)
    with pytest.raises(InputError, match="validation labels are 0 to 2, of 2 classes"):
        Dataset("m", "here", two, two, ("a", "b"), validation=three)
    with pytest.raises(InputError, match="there are no validation images"):
        Dataset("m", "here", three, three, ("a", "b", "c"), validation=Split(three.images[:0], three.labels[:0]))
