"""Laws fitted to curves: the parameters that made them, within errors that are as large as they say."""

from __future__ import annotations

import numpy as np
import pytest

from xbarsim.devices import model
from xbarsim.errors import InputError
from xbarsim.measured import MeasuredCurve, fit, fit_all

VOLTS = np.linspace(-0.8, 0.8, 33)
LAWS = {
    "linear": (2e-5, {}),
    "sinh": (3e-5, {"v0": 0.21}),
    "selector": (4e-4, {"i0": 2e-8, "v0": 0.06}),
    "yakopcic": (3e-5, {"a2": 4e-5, "b": 4.0}),
    "transistor": (5e-4, {"kp": 3e-4}),
    "vteam": (2e-4, {}),
    "ion_drift": (2e-4, {}),
    "stanford": (3e-5, {"v0": 0.3}),
    "sky130": (2e-5, {"v_ref": 0.3}),
}


def measured(law, spread=0.0, seed=0, volts=VOLTS):
    g, options = LAWS[law]
    clean = model(law).from_options(**options).current([[g]], volts[:, None, None])[:, 0, 0]
    return MeasuredCurve(volts, clean * (1.0 + np.random.default_rng(seed).normal(0.0, spread, volts.size)))


@pytest.mark.parametrize("law", LAWS)
def test_a_clean_curve_gives_its_own_law_back(law):
    g, options = LAWS[law]
    fitted = fit(measured(law), law)
    expected = {"conductance": g, **options}
    assert fitted.values == {name: pytest.approx(value, rel=1e-4) for name, value in expected.items()}
    assert fitted.deviation < 1e-6
    assert fitted.conductance == fitted.values["conductance"]
    assert "measured from -0.8 to 0.8 V" in fitted.notes
    amperes = fitted.current(VOLTS.reshape(3, 11))
    assert amperes.shape == (3, 11)
    np.testing.assert_allclose(amperes.ravel(), measured(law).current, rtol=1e-4, atol=0.0)


def test_a_fitted_law_has_no_current_at_no_voltage():
    with pytest.raises(InputError, match="voltage has entries that are not finite"):
        fit(measured("linear"), "linear").current([0.1, np.nan])


@pytest.mark.slow
@pytest.mark.parametrize("law", ["linear", "sinh"])
def test_errors_are_as_large_as_they_say(law):
    """Over 60 noisy curves the parameters scatter by the standard errors that single fits give."""
    g, options = LAWS[law]
    expected = {"conductance": g, **options}
    scores = {name: [] for name in expected}
    for seed in range(60):
        fitted = fit(measured(law, 0.02, seed), law)
        for name, value in expected.items():
            scores[name].append((fitted.values[name] - value) / fitted.errors[name])
    for name, column in scores.items():
        assert abs(np.mean(column)) < 4.0 / np.sqrt(60), name
        assert 0.6 < np.std(column) < 1.4, name


def test_the_law_that_made_a_curve_comes_first():
    fits = fit_all(measured("sinh", 0.01), ["linear", "sinh", "selector"])
    assert fits[0].device.name == "sinh"
    assert fits[0].deviation < 0.02 < fits[-1].deviation
    assert fits[1].device.name == "selector", "a sinh is a selector whose memristor conducts well"
    assert fits[0].information < fits[1].information < fits[2].information
    assert "v0=" in repr(fits[0])


def test_what_a_curve_does_not_tell_is_said():
    """Below v0 / 20 a sinh is a straight line."""
    tiny = np.linspace(-1e-3, 1e-3, 21)
    fitted = fit(measured("sinh", 1e-3, volts=tiny), "sinh")
    assert any("does not tell v0" in note for note in fitted.notes) or fitted.errors["v0"] > 0.3 * fitted.values["v0"]
    assert fitted.values["conductance"] == pytest.approx(3e-5, rel=1e-3)


def test_options_that_are_known_stay():
    fitted = fit(measured("sinh"), "sinh", {"v0": 0.25})
    assert list(fitted.values) == ["conductance"]
    assert float(fitted.device.v0) == 0.25
    assert fitted.deviation > 1e-3
    held_gate = fit(measured("transistor"), "transistor", {"gate": 2.0})
    assert float(held_gate.device.gate) == 2.0


def test_weights_act():
    curve = measured("sinh", 0.1, 3)
    relative, absolute = fit(curve, "linear"), fit(curve, "linear", weights="absolute")
    assert absolute.conductance > 1.2 * relative.conductance, "the largest currents count most"
    assert absolute.deviation < 1e-3


def test_an_offset_is_taken_off_first():
    curve = measured("linear")
    moved = MeasuredCurve(curve.voltage, curve.current + 1e-7)
    assert fit(moved, "linear").values["conductance"] == pytest.approx(2e-5, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: fit(c, "cubic"), "law is 'cubic': fits are of linear, sinh"),
        (lambda c: fit(c, "sinh", weights="log"), "weights is 'log'"),
        (lambda c: fit(c, "sinh", {"v1": 1.0}), "no option 'v1'"),
        (lambda c: fit(MeasuredCurve([0.0, 0.1, 0.2], [0.0, 1e-6, 2e-6]), "sinh"), "2 voltages beside 0 V"),
        (lambda c: fit(MeasuredCurve(VOLTS, -1e-5 * VOLTS), "linear"), "is its sign the other way round"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(measured("linear"))


def test_a_fit_is_drawn_over_its_curve():
    pytest.importorskip("matplotlib")
    from xbarsim.plot import new_figure

    curve = measured("sinh")
    axes = fit(curve, "sinh").plot(curve, new_figure().subplots())
    assert [line.get_label() for line in axes.get_lines()] == ["cycle 0", "sinh"]
