"""CIFAR-10's batches and sheets, and folders of images; a pickle runs nothing."""

import os
import pickle

import numpy as np
import pytest
from network_tools import BATCHES, batch_record, pictures, real, write_batches
from PIL import Image

from xbarsim.errors import InputError
from xbarsim.nn.datasets import load


@pytest.fixture
def batches(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    return folder, write_batches(folder)


def test_batches_of_cifar10(batches):
    folder, splits = batches
    for found in (load("cifar10", folder.parent), load("cifar10", folder), load(folder)):
        assert np.array_equal(found.train.images, np.concatenate([one.images for one in splits[:5]]))
        assert np.array_equal(found.train.labels, np.concatenate([one.labels for one in splits[:5]]))
        assert np.array_equal(found.test.images, splits[5].images)
        assert found.classes[3] == "cat"
        assert (found.mean, found.std) == ((0.5,), (0.5,))


def test_python_2s_strings_are_read(batches):
    """The original files have keys and bytes as strings of Python 2: opcodes U and T, which Python 3 never writes."""
    folder, splits = batches
    text = lambda one: b"U" + bytes([len(one)]) + one if len(one) < 256 else b"T" + len(one).to_bytes(4, "little") + one  # noqa: E731
    pixels = splits[0].images.tobytes()
    record = (
        b"\x80\x02}(" + text(b"labels") + b"](" + b"".join(b"K" + bytes([one]) for one in splits[0].labels) + b"e"
        + text(b"data") + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
        + b"(K\x01K\x07M\x00\x0c\x86cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + text(pixels) + b"tbu."
    )  # fmt: skip
    (folder / BATCHES[0]).write_bytes(record)
    found = load(folder)
    assert np.array_equal(found.train.images[:7], splits[0].images)
    assert np.array_equal(found.train.labels[:7], splits[0].labels)


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({b"data": Hostile()}), r"names (posix|nt)\.mkdir"),
        (b"cnumpy\nload\n(S'x'\ntR.", "names numpy.load"),
        (b"", "refused"),
        (pickle.dumps([1]), "no batch of CIFAR-10"),
        (pickle.dumps(batch_record(0)[0], protocol=2)[:500], "refused"),
        (pickle.dumps(batch_record(0, labels=[1])[0] | {b"labels": [1]}), "a label for each of 7"),
        (pickle.dumps({b"data": np.zeros((7, 3072)), b"labels": [0] * 7}), "unsigned bytes"),
        (pickle.dumps({b"data": np.zeros((7, 3000), np.uint8), b"labels": [0] * 7}), "rows of 3072"),
        (pickle.dumps({b"labels": [0] * 7}), "rows of 3072"),
    ],
)
def test_batches_that_are_refused(batches, monkeypatch, tmp_path, content, words):
    folder, _ = batches
    monkeypatch.chdir(tmp_path)
    (folder / BATCHES[2]).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        load(folder)
    assert str(folder / BATCHES[2]) in str(caught.value)
    assert not (tmp_path / "ran").exists(), "a pickle ran a function"


def test_a_missing_batch_is_named(batches):
    folder, _ = batches
    (folder / "test_batch").unlink()
    with pytest.raises(InputError, match="test_batch: there is no such file"):
        load(folder)


def test_sheets_of_cifar10(tmp_path):
    folder = tmp_path / "cifar10-webp"
    folder.mkdir()
    splits = [pictures(200, (3, 32, 32), 10, seed) for seed in range(6)]
    for name, split in zip(BATCHES, splits, strict=True):
        sheet = np.zeros((64, 3200, 3), np.uint8)
        for k, image in enumerate(split.images):  # one image after the other, 100 in a row
            top, left = 32 * (k // 100), 32 * (k % 100)
            sheet[top : top + 32, left : left + 32] = image.transpose(1, 2, 0)
        Image.fromarray(sheet).save(folder / f"{name}.webp", lossless=True, method=0)
    labels = np.concatenate([one.labels for one in splits[:5]]).astype(np.uint8)
    np.savez(folder / "labels.npz", y_train=labels, y_test=splits[5].labels)
    found = load("cifar10", tmp_path)
    assert np.array_equal(found.train.images, np.concatenate([one.images for one in splits[:5]]))
    assert np.array_equal(found.train.labels, labels)
    assert np.array_equal(found.test.images, splits[5].images)
    np.savez(folder / "labels.npz", y_train=labels[1:], y_test=splits[5].labels)
    with pytest.raises(InputError, match=r"y_train has shape \(999,\) for 1000 images"):
        load("cifar10", tmp_path)
    (folder / "labels.npz").write_bytes(b"PK no")
    with pytest.raises(InputError, match=r"labels.npz has no labels"):
        load("cifar10", tmp_path)
    (folder / "data_batch_2.webp").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"labels.npz has no|data_batch_2.webp"):
        load("cifar10", tmp_path)


def grey(path, value, size=(6, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size[::-1], value, np.uint8)).save(path)


def test_a_folder_of_classes(tmp_path):
    for name in ("cat", "dog"):
        for k in range(10):
            grey(tmp_path / name / f"{k}.png", 10 * k + (name == "dog"))
        (tmp_path / name / "notes.txt").write_text("no image")
    found = load(tmp_path)
    assert found.classes == ("cat", "dog")
    assert found.shape == (1, 5, 6)
    assert found.test.images[:, 0, 0, 0].tolist() == [0, 1, 50, 51], "every fifth image of each class"
    assert found.test.labels.tolist() == [0, 1, 0, 1], "in turn"
    assert found.train.images[:, 0, 0, 0].tolist() == [10 * k + dog for k in range(10) if k % 5 for dog in (0, 1)]


def test_a_folder_with_train_and_test_and_some_colour(tmp_path):
    for part, value in (("train", 3), ("val", 9)):
        for name in ("a", "b"):
            grey(tmp_path / part / name / "x.png", value)
    Image.fromarray(np.full((5, 6, 3), (1, 2, 3), np.uint8)).save(tmp_path / "train" / "b" / "y.png")
    found = load(tmp_path)
    assert found.shape == (3, 5, 6)
    assert found.train.images[:, :, 0, 0].tolist() == [[3, 3, 3], [3, 3, 3], [1, 2, 3]]
    assert found.train.labels.tolist() == [0, 1, 1]
    assert found.test.images[:, :, 0, 0].tolist() == [[9, 9, 9]] * 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda at: grey(at / "train" / "a" / "z.png", 1, (7, 5)), "z.png is 7 x 5 and .*: scale them"),
        (lambda at: (at / "train" / "a" / "z.png").write_bytes(b"no"), "z.png: it is no image"),
        (lambda at: (at / "test" / "a" / "x.png").unlink(), r"test/a has no images"),
        (lambda at: (at / "test" / "c").mkdir(), "class 'c' is only in one of train and test"),
        (lambda at: (at / "test").rename(at / "other"), "none called test"),
        (lambda at: (at / "train").rename(at / "other"), r"test has no images|other has no images"),
        (
            lambda at: Image.fromarray(np.zeros((5, 6), np.uint16)).save(at / "train" / "a" / "z.png"),
            "more than 8 bits",
        ),
    ],
)
def test_folders_that_are_refused(tmp_path, spoil, words):
    for part in ("train", "test"):
        for name in ("a", "b"):
            grey(tmp_path / part / name / "x.png", 3)
    spoil(tmp_path)
    with pytest.raises(InputError, match=words):
        load(tmp_path)


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"has 0 folders inside: it must have one for each class"):
        load(tmp_path)


@pytest.mark.slow
def test_real_cifar10_is_whole():
    found = real("cifar10")
    assert found.shape == (3, 32, 32)
    assert np.bincount(found.train.labels).tolist() == [5000] * 10
    assert np.bincount(found.test.labels).tolist() == [1000] * 10
    # The mean of all training pixels by channel, as every recipe for this set has it.
    mean = found.train.images.mean(axis=(0, 2, 3)) / 255.0
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
