"""Netlists as they are shipped, against the operating points that ngspice finds for them.

The stored answers and the command that made them are in ``goldens/``; ``goldens/make.py`` makes them anew.
"""

from __future__ import annotations

import json
import shutil

import pytest
from cli_tools import call
from goldens import make

SHIPPED = {path.stem: path for path in make.netlists()}
SHAPES = {
    "cells_3x2": (3, 2),
    "crossbar_64x64": (64, 64),
    "dialects_2x3": (2, 3),
    "half_select_3x3": (3, 3),
    "include_2x2": (2, 2),
    "plain_3x4": (3, 4),
    "zero_ohm_2x2": (2, 2),
}
TOLERANCE = 1e-9
"""Relative to the largest voltage or current: ngspice prints doubles but converges to a little less."""


def solved(capsys, path) -> dict:
    answer = call(capsys, "solve", "--netlist", path, "--format", "json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def spice_names(record: dict) -> dict[str, float]:
    (analysis,) = record["analyses"]
    return {f"v({name})": value for name, value in analysis["node_voltages"].items()} | {
        f"i({name})": value for name, value in analysis["source_currents"].items()
    }


def assert_close(ours: dict[str, float], theirs: dict[str, float], tolerance: float) -> None:
    """Voltages and currents agree, each relative to the largest of its kind."""
    for kind in ("v", "i"):
        names = [name for name in theirs if name[0] == kind]
        assert names
        scale = max(abs(theirs[name]) for name in names)
        worst = max(names, key=lambda name: abs(ours[name] - theirs[name]))
        assert abs(ours[worst] - theirs[worst]) <= tolerance * scale, (worst, ours[worst], theirs[worst])


@pytest.mark.parametrize("name", SHIPPED)
def test_each_is_recognised_and_has_ngspices_answer(capsys, name):
    record = solved(capsys, SHIPPED[name])
    assert (record["recognised"], record["rows"], record["cols"]) == ("crossbar", *SHAPES[name])
    ours, theirs = spice_names(record), make.read(make.golden(SHIPPED[name]))
    if len(ours) < make.LARGE:
        assert ours.keys() == theirs.keys(), "every node and source of the netlist, under ngspice's name"
    assert_close(ours, theirs, TOLERANCE)


def test_every_netlist_has_an_answer_and_every_answer_a_netlist():
    assert {path.name for path in make.HERE.glob("*.ngspice.txt")} == {make.golden(p).name for p in SHIPPED.values()}
    assert set(SHIPPED) == set(SHAPES)


@pytest.mark.ngspice
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "crossbar_64x64" else name for name in SHIPPED]
)
def test_the_stored_answers_are_what_ngspice_says_today(capsys, name):
    """A netlist was changed without its answer; the large one is compared with all its nodes."""
    today, _ = make.ngspice(SHIPPED[name])
    assert_close(today, make.read(make.golden(SHIPPED[name])), 1e-11)
    assert_close(spice_names(solved(capsys, SHIPPED[name])), today, TOLERANCE)
