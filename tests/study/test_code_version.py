"""A trial's name changes with the code that answers it, a user's own included, and with no other."""

from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

from xbarsim.study import code_version
from xbarsim.study.trial import content_key


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a method and a cell of its own, on the path but not imported."""
    folder = tmp_path / "own_cells"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rules.py").write_text("STEPS = 1\n")
    meta = tmp_path / "own_cells-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: own-cells\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(
        "[xbarsim.methods]\nown-order = own_cells.rules:Order\n[xbarsim.devices]\nown-cell = own_cells:Cell\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield folder
    monkeypatch.undo()
    forget()


def forget() -> None:
    invalidate_caches()
    code_version._packages.cache_clear()
    code_version._package_version.cache_clear()


def keys() -> list[str]:
    chained = {"method": "match-rows:spare=3+own-order:rounds=2", "seed": 0}
    cells = {"hardware": {"cells": {"device": {"model": "own-cell"}}}, "methods": ["none"]}
    built_in = {"method": "match-rows+gain", "note": "own-orders"}
    return [content_key("mitigation", settings) for settings in (chained, cells, built_in)]


def test_changes_of_a_packages_code_change_the_trials_that_name_it(package: Path) -> None:
    before = keys()
    (package / "rules.py").write_text("STEPS = 2\n")
    forget()
    after = keys()
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, True, False]


def test_only_the_same_files_give_the_same_names(package: Path) -> None:
    before = keys()
    forget()
    assert keys() == before
