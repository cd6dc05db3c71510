"""The notebooks hold no outputs, run from top to bottom, and end with numbers that something else bounds."""

import json
import math

import numpy as np
import pytest
from cli_tools import ROOT

pytest.importorskip("matplotlib")
import matplotlib
import matplotlib.pyplot as plt

FOLDER = ROOT / "examples"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def cells(name, kind):
    document = json.loads((FOLDER / f"{name}.ipynb").read_text("utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == kind]


def names_after(name):
    """Return what is defined once all cells of code have run, in their order and in one namespace."""
    names = {"__name__": "__main__"}
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        for number, cell in enumerate(cells(name, "code"), 1):
            exec(compile("".join(cell["source"]), f"{name}.ipynb, cell {number} of code", "exec"), names)
        plt.close("all")
    return names


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_small_and_holds_no_outputs(name):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(name, "code"))
    assert "".join(cells(name, "markdown")[0]["source"]).startswith("# ")
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 16_000
    assert f"({name}.ipynb)" in (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_designer():
    """What goes in comes out; currents fall with every resistance (Rayleigh), from what drivers alone leave."""
    names = names_after("designer")
    assert names["into"] == pytest.approx(names["out"], rel=1e-12)
    totals = np.array(names["currents"]).sum(axis=1)
    assert (np.diff(totals) < 0.0).all()
    # Without wires a row is a divider of its driver and all its cells.
    row = (1.0 / names["ohms"]).sum(axis=1)
    assert totals[0] == pytest.approx((0.2 * row / (1.0 + 100.0 * row)).sum(), rel=1e-12)


@pytest.mark.slow
def test_network():
    """The chip's loss, and what the method brings back, are beyond chance: three standard errors."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    names = names_after("network")
    count = len(names["digits"].test)

    def errors(better, worse):
        return (better - worse) / math.sqrt((better * (1.0 - better) + worse * (1.0 - worse)) / count)

    before, after = (row.mean for row in names["study"].results)
    assert errors(names["ideal"], names["on_chip"]) > 3.0
    assert errors(after, before) > 3.0
