"""Pictures of operating points: the cells' currents are those of their laws, and 0 ohm drops nothing."""

from __future__ import annotations

import numpy as np
import pytest

from xbarsim import Crossbar, Selector, Sinh, Table, Transistor, netlist
from xbarsim.analysis import drawings, runs

DEVICES = {
    "sinh": Sinh(0.1),
    "selector": Selector(1e-7, 0.05),
    "transistor": Transistor(1.2, 2e-4, 0.5),
    "table": Table([-0.4, -0.2, 0.3, 0.6], [-5e-5, -1e-5, 4e-5, 2e-4]),
}


def drawn(tmp_path, device, edit=lambda text: text, **ohms):
    """Return the pictures of an array's operating point, and its outputs."""
    pytest.importorskip("matplotlib")
    path = tmp_path / "array.sp"
    g = np.random.default_rng(4).uniform(1e-5, 4e-4, (3, 4))
    netlist.write(Crossbar(g, device=device, **ohms), [0.4, 0.1, 0.25], path)
    path.write_text(edit(path.read_text()))
    (result,) = runs.from_netlist(path, "auto").results
    figure = drawings.operating_point(result.state, result.output_currents[0], None, "array")
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images], result


@pytest.mark.slow
@pytest.mark.parametrize("name", DEVICES)
def test_columns_of_cells_add_up_to_the_outputs(tmp_path, name):
    pictures, result = drawn(tmp_path, DEVICES[name], word_wire=2.0, bit_wire=3.0, driver=5.0, sense=4.0)
    np.testing.assert_allclose(pictures[2].sum(axis=0), result.output_currents[0], rtol=1e-9)


def test_what_a_crossbars_transistors_leave_out_is_in_the_picture(tmp_path):
    """A resistance at the drain: the currents are the memristors'."""
    plain, _ = drawn(tmp_path, DEVICES["transistor"], word_wire=2.0, driver=5.0, sense=4.0)
    pictures, result = drawn(
        tmp_path,
        DEVICES["transistor"],
        lambda text: text.replace("is=1e-40", "is=1e-40 rd=2k"),
        word_wire=2.0,
        driver=5.0,
        sense=4.0,
    )
    np.testing.assert_allclose(pictures[2].sum(axis=0), result.output_currents[0], rtol=1e-6)
    assert np.max(np.abs(pictures[2] / plain[2] - 1)) > 0.05


def test_lines_of_0_ohm_drop_nothing(tmp_path):
    pictures, _ = drawn(tmp_path, Sinh(0.1), word_wire=2.0)
    assert pictures[0].max() > 1e-4
    np.testing.assert_array_equal(pictures[1], 0.0)
