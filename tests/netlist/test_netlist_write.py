"""What is written reads back as the same crossbar, and is the same circuit for ngspice."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from drawn_crossbars import crossbars
from hypothesis import given, settings
from netlist_tools import needs_ngspice, ngspice, solve_crossbar

from xbarsim.crossbar import Crossbar, LineEnds
from xbarsim.errors import InputError
from xbarsim.netlist import NetlistError, read, report, write


def random_crossbar(seed: int, *, broken: bool = True) -> tuple[Crossbar, np.ndarray]:
    """Return any crossbar: open, ideal and broken parts, ends anywhere."""
    rng = np.random.default_rng(seed)
    rows, cols = int(rng.integers(1, 6)), int(rng.integers(1, 6))

    def ohms(shape, low=0.1, high=100.0):
        values = rng.uniform(low, high, shape)
        values[rng.random(shape) < 0.2] = 0.0
        if broken:
            values[rng.random(shape) < 0.15] = np.inf
        return values

    conductance = 10 ** rng.uniform(-6, -3, (rows, cols))
    if broken:
        conductance[rng.random((rows, cols)) < 0.3] = 0.0
    ends = {}
    if rng.random() < 0.5:
        ends["word_right"] = LineEnds(rng.uniform(-1, 1, rows), ohms(rows, 1))
    if rng.random() < 0.5:
        ends["bit_top"] = LineEnds(rng.uniform(-1, 1, cols), ohms(cols, 1))
    if rng.random() < 0.3:
        ends["bit_bottom"] = LineEnds(rng.uniform(-1, 1, cols), ohms(cols, 1))
    crossbar = Crossbar(
        conductance,
        word_wire=ohms((rows, cols - 1)),
        bit_wire=ohms((rows - 1, cols)),
        driver=ohms(rows, 1),
        sense=0.0 if "bit_bottom" in ends else ohms(cols, 1),
        ends=ends,
    )
    return crossbar, rng.uniform(-1, 1, rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written")


def has_loop(crossbar: Crossbar) -> bool:
    """Whether ideal wires join two ideal ends of one line."""
    ends = crossbar.boundary
    word = (crossbar.word_wire == 0).all(axis=1)
    bit = (crossbar.bit_wire == 0).all(axis=0)
    return bool(
        np.any(word & (ends["word_left"].resistance == 0) & (ends["word_right"].resistance == 0))
        or np.any(bit & (ends["bit_top"].resistance == 0) & (ends["bit_bottom"].resistance == 0))
    )


@pytest.mark.slow
@given(drawn=crossbars())
@settings(max_examples=300, deadline=None)
def test_what_is_written_reads_back_as_the_same(folder, drawn):
    crossbar, voltages = drawn
    write(crossbar, voltages, folder / "a.sp")
    found = None
    with contextlib.suppress(NetlistError):
        found = read(folder / "a.sp").recognise()
    if found is None or "undetermined" in (found.reason or ""):
        assert has_loop(crossbar)
        return
    if found.crossbar is None and "share nothing but ground and sources" in (found.reason or ""):
        assert (crossbar.conductance == 0).any(), "open cells alone may leave parts that are circuits for themselves"
        return
    assert found.crossbar is not None, found.reason
    assert replace(found.crossbar, conductance=crossbar.conductance) == crossbar
    np.testing.assert_array_equal(found.voltages, voltages)
    got, true = found.crossbar.conductance, crossbar.conductance
    ulps = np.abs(got - true) / np.spacing(true)
    assert ulps.max() <= 1
    # Where the nearest double R to 1 / G does not give G back, no other does.
    for g in true[ulps > 0]:
        assert not any(1 / r == g for r in (np.nextafter(1 / g, 0), 1 / g, np.nextafter(1 / g, np.inf)))


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize("seed", range(12))
def test_ngspice_computes_the_same_from_it(tmp_path, seed):
    crossbar, voltages = random_crossbar(seed, broken=False)
    if not crossbar.boundary["word_left"].resistance.all() or not crossbar.boundary["bit_bottom"].resistance.all():
        ends = {side: LineEnds(e.voltage, e.resistance + 1) for side, e in crossbar.boundary.items()}
        crossbar = Crossbar(crossbar.conductance, word_wire=crossbar.word_wire, bit_wire=crossbar.bit_wire, ends=ends)
    write(crossbar, voltages, tmp_path / "a.sp")
    theirs = ngspice(tmp_path / "a.sp")
    found = read(tmp_path / "a.sp").recognise()
    volts, currents = report(found, solve_crossbar(found.crossbar, found.voltages))
    ours = {f"v({k})": v for k, v in volts.items()} | {f"i({k})": v for k, v in currents.items()}
    assert ours.keys() == theirs.keys()
    for kind in ("v", "i"):
        scale = max(abs(v) for k, v in theirs.items() if k[0] == kind)
        assert all(abs(ours[k] - theirs[k]) <= 1e-9 * scale for k in ours if k[0] == kind)


def test_a_path_that_cannot_be_written_is_one_clear_error(tmp_path):
    crossbar = Crossbar([[1e-3]])
    for path in (tmp_path, tmp_path / "none" / "a.sp"):
        with pytest.raises(InputError, match="folder"):
            write(crossbar, [1.0], path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="voltages has shape"):
        write(crossbar, [1.0, 2.0], tmp_path / "a.sp")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.sp"
    path.write_text("old")
    with pytest.raises(InputError, match="no double"):
        write(Crossbar([[5e-324]]), [1.0], path)
    assert path.read_text() == "old"
    write(Crossbar([[1e-3]]), [1.0], path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.sp"]
    assert path.read_text().startswith("memristor crossbar, 1 x 1\n")
