"""Artifacts have a checksum: one that is damaged is made again, and never used."""

from __future__ import annotations

import pytest
from study_tools import artifact, opened, rows, trial

from xbarsim.errors import InputError
from xbarsim.study import artifact_files
from xbarsim.study.study_plan import plan
from xbarsim.study.study_run import run_study

DAMAGES = {
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "a bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "the head": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "empty": lambda content: b"",
}


def test_what_is_written_is_read(tmp_path):
    for content in (b"", b"abc", bytes(range(256)) * 100):
        artifact_files.write_artifact(tmp_path, "k", content)
        assert artifact_files.is_whole(tmp_path, "k")
        assert artifact_files.read_artifact(tmp_path, "k") == content
    assert not artifact_files.is_whole(tmp_path, "none")


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen(tmp_path, damage):
    artifact_files.write_artifact(tmp_path, "k", b"abc")
    path = tmp_path / "k"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert not artifact_files.is_whole(tmp_path, "k")
    with pytest.raises(InputError, match="k is damaged: run the study again, which makes it anew"):
        artifact_files.read_artifact(tmp_path, "k")


@pytest.mark.slow
def test_a_damaged_artifact_is_made_again(tmp_path):
    made = artifact(3, 4)
    assert run_study(opened(tmp_path, [trial(0, artifacts=[made])]), jobs=1).answered == 1
    path = tmp_path / "cheap.cache" / made.key
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    study = opened(tmp_path, [trial(number, artifacts=[made]) for number in range(2)])
    (group,) = plan(study, jobs=1).artifacts
    assert (group.total, group.present, group.missing) == (1, 0, 1)
    assert run_study(study, jobs=1).answered == 1
    assert rows(study)[1]["numbers"]["made"] == 7
