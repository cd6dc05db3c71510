"""What a nonlinear solution says of its own error, and currents that are next to nothing beside the voltages."""

import numpy as np
import pytest
from mpmath import mp, mpf
from netlist_tools import read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import ConvergenceError
from xbarsim.nonlinear.problem import Problem

SATURATION, SCALE = 1e-14, 0.0259


def series_current(volts, ohms, digits=60):
    """The current through a resistor and an exponential law, to which Kirchhoff's law is one equation."""
    with mp.workdps(digits):

        def missed(v):
            return (mpf(volts) - v) / mpf(ohms) - mpf(SATURATION) * mp.expm1(v / mpf(SCALE))

        low, high = sorted((mpf(0), mpf(volts)))
        for _ in range(250):
            middle = (low + high) / 2
            low, high = (middle, high) if missed(middle) > 0 else (low, middle)
        return float((mpf(volts) - low) / mpf(ohms))


@pytest.mark.parametrize("volts", [-0.5, -3.0, 0.02, 0.4, 2.0])
@pytest.mark.parametrize("ohms", [1e-3, 10.0, 1e5, 1e9])
def test_a_reverse_current_behind_some_ohms(tmp_path, volts, ohms):
    """1e-14 A through 1 mohm at 3 V: a voltage's last digit is 1e-13 A."""
    text = f"v1 a 0 {volts}\nr1 a b {ohms!r}\nb1 b 0 i={SATURATION!r}*(exp(v(b)/{SCALE!r})-1)\n.op"
    (result,) = simulate(read_text(tmp_path, text), None)
    known = -series_current(volts, ohms)
    error = abs(result.currents[0, 0] - known) / abs(known)
    assert error <= 1e-12
    assert result.residual >= 0.1 * error


def test_a_meter_of_a_small_part(tmp_path):
    """Two branches from one node to ground, one of them with 1e-9 of the current: each is its law's."""
    text = "v1 a 0 1\nr1 a b 1\nb1 b 0 i=v(b)^2*v(b)\nr2 b m 1e9\nvm m 0 0\n.op"
    (result,) = simulate(read_text(tmp_path, text), None)
    with mp.workdps(40):
        v = mp.findroot(lambda v: 1 - v - v**3 - v * mpf("1e-9"), mpf("0.68"))
        known = dict(zip(("v1", "vm"), (float(v - 1), float(v * mpf("1e-9"))), strict=True))
    for name, amperes in zip(result.branches, result.currents[0], strict=True):
        np.testing.assert_allclose(amperes, known[name], rtol=1e-14 * 0.32 / 6.8e-10 if name == "vm" else 1e-14)


@pytest.mark.slow
def test_a_solution_in_doubt_is_refused(tmp_path, monkeypatch):
    circuit = read_text(tmp_path, "v1 a 0 1\nr1 a b 1k\nb1 b 0 i=1e-3*v(b)^2*v(b)\n.op")
    assert simulate(circuit, None)[0].residual <= 1e-14
    monkeypatch.setattr(Problem, "doubt", lambda self, factors, at, step, x: 1e-8)
    with pytest.raises(ConvergenceError, match=r"stay violated by 1\.0e-08"):
        simulate(circuit, None)
