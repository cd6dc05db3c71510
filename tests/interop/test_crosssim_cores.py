"""Conductances out of CrossSim's cores: the circuits' outputs are the core's, of each style."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import xbarsim
from xbarsim.errors import InputError
from xbarsim.interop import crosssim_arrays

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(0.0, 0.3, (4, 6))
X = RNG.uniform(-1.0, 1.0, (5, 6))
LARGEST = float(np.abs(WEIGHTS).max())
LOWEST, SPAN = 0.001, 0.999
BITS, SLICE_BITS = 8, 4


def params(**parasitics):
    wires = {"Rp_row": 0.0, "Rp_col": 0.0, "Rp_row_terminal": 0.0, "Rp_col_terminal": 0.0}
    return SimpleNamespace(
        core=SimpleNamespace(balanced=SimpleNamespace(interleaved_posneg=False), weight_bits=BITS),
        xbar=SimpleNamespace(
            device=SimpleNamespace(Rmin=2e3, Grange_norm=SPAN),
            array=SimpleNamespace(parasitics=SimpleNamespace(**({"current_from_input": True} | wires | parasitics))),
        ),
    )


def cells(matrix):
    return SimpleNamespace(_read_matrix=lambda: matrix)


def with_zero_points(relative, zero, unit_column):
    """Put CrossSim's unit column, which is row 0 of (outputs, inputs), before the others."""
    return np.insert(relative, 0, zero, axis=0) if unit_column else relative


def core_of(style, weights=WEIGHTS, **parasitics):
    """Return what looks like a core of CrossSim's, its cells by the formulas of its sources."""
    settings = params(**parasitics)
    relative = weights / LARGEST
    common = {"max": LARGEST, "params": settings, "digital_offset": not style.endswith("unit column")}
    if style == "balanced":
        halves = [cells(LOWEST + SPAN * np.maximum(sign * relative, 0.0)) for sign in (1.0, -1.0)]
        inner = SimpleNamespace(core_pos=halves[0], core_neg=halves[1], **common)
    elif style.startswith("offset"):
        g = LOWEST + SPAN * with_zero_points((relative + 1.0) / 2.0, 0.5, not common["digital_offset"])
        inner = SimpleNamespace(core=cells(g), Wrange_xbar=SPAN, Gmin_norm=LOWEST, **common)
    else:
        whole = np.rint(relative * (2 ** (BITS - 1) - 1))
        balanced = style == "slices in pairs"
        parts = [np.maximum(whole, 0), np.maximum(-whole, 0)] if balanced else [whole + 2 ** (BITS - 1)]
        base, slices = 2**SLICE_BITS, []
        for i in range(BITS // SLICE_BITS):
            digits = [(part // base**i) % base / (base - 1) for part in parts]
            zero = base // 2 / (base - 1) if i == BITS // SLICE_BITS - 1 else 0.0
            slices.append(
                [cells(LOWEST + SPAN * with_zero_points(d, zero, not common["digital_offset"])) for d in digits]
            )
        inner = SimpleNamespace(
            core_slices=slices, balanced=balanced, Wbits_slice=SLICE_BITS, Woffset=2 ** (BITS - 1), Gmin_norm=LOWEST,
            **common,
        )  # fmt: skip
    return SimpleNamespace(params=settings, cores=[[inner]])


STYLES = ["balanced", "offset", "offset, unit column", "slices in pairs", "slices", "slices, unit column"]


@pytest.mark.parametrize("style", STYLES)
def test_a_core_without_wires_is_its_matrix(style):
    arrays = crosssim_arrays(core_of(style))
    quantized = LARGEST / (2 ** (BITS - 1) - 1) / 2 if "slices" in style else 1e-14
    assert arrays.shape == (6, 4)
    assert np.allclose(arrays.weights.T, WEIGHTS, rtol=0, atol=1.000001 * quantized)
    assert np.allclose(arrays.outputs(X), X @ arrays.weights, rtol=0, atol=1e-12)
    assert np.allclose(arrays.outputs(X[0]), arrays.outputs(X)[0], rtol=1e-13, atol=0)


@pytest.mark.parametrize("style", STYLES)
def test_its_wires_are_those_of_each_array(style):
    arrays = crosssim_arrays(core_of(style, Rp_row=2.0, Rp_col=3.0, Rp_col_terminal=7.0))
    expected = np.zeros((5, 4))
    for part in arrays.parts:
        assert float(np.max(part.positive.sense)) == 10.0
        halves = [part.positive] if part.negative is None else [part.positive, part.negative]
        maps = [xbarsim.solve(half, np.eye(6), method="reference").currents for half in halves]
        g = maps[0] - maps[1] if len(maps) == 2 else maps[0]
        g = g[:, 1:] - g[:, :1] if part.unit_column else g
        expected += X @ (g - part.offset) * part.unit
    assert np.allclose(arrays.outputs(X), expected, rtol=0, atol=1e-10)
    assert np.abs(arrays.outputs(X) - X @ arrays.weights).max() > 1e-3, "wires act"
    off = core_of(style, Rp_row=2.0, enable=False)
    assert np.allclose(crosssim_arrays(off).outputs(X), X @ arrays.weights, rtol=0, atol=1e-12)


def test_parts_of_a_matrix_lie_where_crosssim_puts_them():
    corners = [(outs, ins) for outs in (slice(0, 3), slice(3, 4)) for ins in (slice(0, 4), slice(4, 6))]
    line = [core_of("balanced", WEIGHTS[corner]).cores[0][0] for corner in corners]
    arrays = crosssim_arrays(SimpleNamespace(params=params(), cores=[line[:2], line[2:]]))
    assert [(part.row, part.col, part.shape) for part in arrays.parts] == [
        (0, 0, (4, 3)), (4, 0, (2, 3)), (0, 3, (4, 1)), (4, 3, (2, 1)),
    ]  # fmt: skip
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T, rtol=0, atol=1e-12)


def crosssim(style, rows_max=0, cell_bits=0, **parasitics):
    """Return a core of CrossSim itself."""
    simulator = pytest.importorskip("simulator")
    if not hasattr(simulator, "AnalogCore"):
        pytest.skip("this simulator is not CrossSim")
    settings = simulator.CrossSimParameters()
    settings.xbar.device.Rmin, settings.xbar.device.Rmax = 1e3, 1e6
    settings.xbar.device.cell_bits = cell_bits
    settings.core.rows_max = settings.core.cols_max = rows_max
    settings.core.style, _, sub = style.partition(" ")
    settings.core.weight_bits = BITS if "BITSLICED" in style else 0
    if "TWO_SIDED" in sub:
        settings.core.balanced.style = "TWO_SIDED"
    if "single" in sub:
        settings.core.bit_sliced.style = "OFFSET"
    if "unit column" in sub:
        settings.core.offset.style = "UNIT_COLUMN_SUBTRACTION"
    settings.simulation.Verr_th_mvm = 1e-9
    settings.xbar.array.parasitics.enable = bool(parasitics)
    for name, value in parasitics.items():
        setattr(settings.xbar.array.parasitics, name, value)
    return simulator.AnalogCore(WEIGHTS, settings)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows_max", [0, 3])
@pytest.mark.parametrize(
    "wires",
    [
        {},
        {"Rp_row": 2.0, "Rp_col": 3.0},
        {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_col_terminal": 20.0},
        {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_row_terminal": 20.0},
    ],
)
@pytest.mark.parametrize("style", ["BALANCED", "BALANCED TWO_SIDED", "OFFSET", "OFFSET unit column"])
def test_crosssims_own_outputs(style, wires, rows_max):
    """To its tolerance of 1e-9 V, or, without wires, the single precision of the pair's cells."""
    core = crosssim(style, rows_max, **wires)
    arrays = crosssim_arrays(core, row_terminal="row-0")
    theirs = np.array([core @ x for x in X])
    assert len(arrays.parts) == (1 if rows_max == 0 else 4)
    assert np.allclose(arrays.outputs(X), theirs, rtol=0, atol=5e-8 * np.abs(theirs).max())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows_max", [0, 3])
@pytest.mark.parametrize("wires", [{}, {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_col_terminal": 20.0}])
@pytest.mark.parametrize("style", ["BITSLICED", "BITSLICED single", "BITSLICED single, unit column"])
def test_crosssims_slices(style, wires, rows_max, monkeypatch):
    """With wires, CrossSim 3.2 asks for a parameter that it does not have: here it has one."""
    core = crosssim(style, rows_max)
    matrix = core.get_matrix()
    if wires:
        monkeypatch.setattr(type(core.params.xbar.array.parasitics), "disable_slices", (False, False), raising=False)
        core = crosssim(style, rows_max, **wires)
    arrays = crosssim_arrays(core)
    theirs = np.array([core @ x for x in X])
    assert len(arrays.parts) == (2 if rows_max == 0 else 8)
    assert np.allclose(arrays.outputs(X), theirs, rtol=0, atol=(5e-8 if wires else 1e-12) * np.abs(theirs).max())
    assert np.allclose(arrays.weights.T, matrix, rtol=0, atol=1e-14)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("style", ["OFFSET", "OFFSET unit column"])
def test_crosssims_offset_of_few_levels(style):
    """CrossSim leaves its lowest level out and scales outputs as if it were there; its matrix is the cells'."""
    core = crosssim(style, cell_bits=6)
    arrays = crosssim_arrays(core)
    assert np.allclose(arrays.weights.T, core.get_matrix(), rtol=0, atol=1e-14)
    assert np.allclose(arrays.outputs(X[0]) * 62 / 63, core @ X[0], rtol=1e-9, atol=0)


def changed(name, value, style="balanced"):
    core = core_of(style)
    place = core
    *path, last = name.split(".")
    for part in path:
        place = getattr(place, part)
    setattr(place, last, value)
    return core


@pytest.mark.parametrize(
    ("core", "message"),
    [
        (object(), "core is a object, without 'params'"),
        (changed("complex_valued", True), "core is of complex numbers"),
        (changed("params.core.balanced.interleaved_posneg", True), "core interleaves positive and negative cells"),
        (changed("params.xbar.array.parasitics.current_from_input", False), "topologies.SourceLineArray"),
        (changed("cores", [[SimpleNamespace()]]), "core holds a SimpleNamespace: it must be of style BALANCED, OFFSET"),
        (changed("cores", [[SimpleNamespace(core_pos=object())]]), "an array of core is a object, without '_read_m"),
        (changed("params.xbar.device.Rmin", 0.0), "Rmin is 0 ohm"),
    ],
)
def test_what_is_no_crossbar_is_refused(core, message):
    with pytest.raises(InputError, match=message):
        crosssim_arrays(core)


def test_row_terminal_is_checked():
    with pytest.raises(InputError, match="row_terminal is 'left'"):
        crosssim_arrays(core_of("offset"), row_terminal="left")
