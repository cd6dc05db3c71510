"""One question, one name: what decides an answer of a network is in its trial's key, whatever else changes is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cli_tools import ROOT

from xbarsim.errors import InputError
from xbarsim.study.code_version import SOURCES
from xbarsim.study.network_study import trials
from xbarsim.study.study_file import study_of

pytest.importorskip("torch")

BASE = {"seeds": 1, "model": {"source": "mlp", "epochs": 1}, "data": {"test": 20}}


def listed(folder=Path(), **changes):
    return list(trials(study_of(BASE | changes, "study.toml", folder)))


def key(folder=Path(), **changes):
    (trial,) = listed(folder, **changes)
    return trial.key


def images(folder, shade=10):
    """A folder of 10 images of two classes."""
    picture = pytest.importorskip("PIL.Image")
    for name, value in (("cat", shade), ("dog", 200)):
        (folder / name).mkdir(parents=True)
        for number in range(5):
            picture.new("L", (8, 8), value + number).save(folder / name / f"{number}.png")
    return folder


def test_a_setting_that_also_stands_in_a_method_still_acts():
    swept = listed(sweep={"wires.word": [1, 2]}, methods=["headroom:h={wires.word}"])
    assert [trial.settings["hardware"]["wires"]["word"] for trial in swept] == [1, 2]
    assert [trial.settings["method"] for trial in swept] == ["headroom:h=1.0", "headroom"]


@pytest.mark.parametrize("name", ["chip", "method", "model"])
def test_no_axis_takes_the_place_of_a_column(name):
    with pytest.raises(InputError, match=rf"sweep\.{name}: tables have a column {name} already"):
        listed(sweep={name: [2, 3]}, methods=[f"headroom:h={{{name}}}"])


def test_a_file_that_changed_is_another_network_in_the_same_process(tmp_path):
    builder = tmp_path / "builder.py"
    builder.write_text("a = 1\n")
    before = key(tmp_path, model={"source": "builder.py:make"})
    builder.write_text("a = 2\n")
    assert key(tmp_path, model={"source": "builder.py:make"}) != before


def test_a_module_is_known_by_its_package(tmp_path, monkeypatch):
    package = tmp_path / "nets_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "small.py").write_text("width = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = key(model={"source": "nets_of_mine.small:make"})
    assert key(model={"source": "nets_of_mine.small:make"}) == before
    (package / "small.py").write_text("width = 4\n")
    assert key(model={"source": "nets_of_mine.small:make"}) != before


def test_a_folder_of_images_is_known_by_its_pixels_wherever_it_lies(tmp_path):
    here, there, other = (
        images(tmp_path / place / "data", shade) for place, shade in (("a", 10), ("b", 10), ("c", 11))
    )
    for file in there.rglob("*.png"):
        os.utime(file, (1e9, 1e9))
    first, second, third = (key(folder.parent, data={"name": "data"}) for folder in (here, there, other))
    assert first == second != third


def test_named_images_are_known_by_their_pixels_too(tmp_path):
    import numpy as np

    def named(folder, value):
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for part, count in (("train", 20), ("t10k", 10)):
            head = np.array([0x803, count, 4, 4], ">u4").tobytes()
            (raw / f"{part}-images-idx3-ubyte").write_bytes(head + bytes([value]) * (count * 16))
            head = np.array([0x801, count], ">u4").tobytes()
            (raw / f"{part}-labels-idx1-ubyte").write_bytes(head + bytes(k % 10 for k in range(count)))
        return {"name": "mnist", "folder": str(folder)}

    first, second, third = (key(data=named(tmp_path / name, value)) for name, value in (("a", 1), ("b", 1), ("c", 2)))
    assert first == second != third


def test_a_name_of_data_is_no_folder_beside_the_file(tmp_path):
    (tmp_path / "digits").mkdir()
    assert key(tmp_path) == key()


@pytest.mark.parametrize(
    "spelled",
    [
        {"inference": {"batch": 64, "map_storage": "weights", "digital": [], "times": []}},
        {"inference": {"compensate": False}},
        {"model": {"source": "mlp", "epochs": 1, "seed": 0, "rate": 2e-3, "decay": 0, "width": 1}},
        {"data": {"name": "digits", "test": 20}},
        {"data": {"name": "Digits", "test": 20}},
        {"hardware": {"wires": {"word": 1}}},
    ],
)
def test_what_is_said_or_left_to_its_default_is_one_trial(spelled):
    assert key(**spelled) == key()


def test_code_of_this_room_that_makes_numbers_is_in_keys():
    """The rest of the room hands trials on, and changes no number of theirs."""
    for kind, sources in SOURCES.items():
        work = "circuit_work.py" if kind in ("margin", "netlist") else "image_sets.py"
        assert f"study/{work}" in sources, kind
    assert "study/network_training.py" in SOURCES["training"]
    for kind in ("blind", "chip", "inference", "mitigation"):
        assert "study/network_work.py" in SOURCES[kind]


WORDS = {"errors", "quantities", "resources", "text_table", "checks", "files", "unread", "plot", "views"}
"""Rooms that change no number: messages, files, limits of memory, pictures."""


def test_all_that_analyses_stand_on_is_in_the_keys_of_netlists():
    rooms = {name.partition("/")[0].removesuffix(".py") for name in SOURCES["netlist"]}
    imported = {
        room
        for path in (ROOT / "xbarsim" / "analysis").rglob("*.py")
        for room in re.findall(r"^\s*(?:from|import) xbarsim\.(\w+)", path.read_text("utf-8"), re.M)
    }
    assert {"loop", "topologies"} <= imported
    assert imported - WORDS <= rooms
