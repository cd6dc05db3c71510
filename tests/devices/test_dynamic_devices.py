"""Models with a state, as devices: conductance and state, reads at a standing state, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest
from dynamic_tools import evaluated

from xbarsim import Crossbar, Linear, Sinh, effective_conductance, netlist, solve
from xbarsim.devices import VTEAM, DynamicLaw, IonDrift, Sky130, Stanford, Yakopcic
from xbarsim.errors import InputError

MODELS = {
    "vteam": VTEAM(),
    "vteam, exponential": VTEAM(curve="exponential", x_on=1e-9),
    "ion drift": IonDrift(),
    "yakopcic": Yakopcic(1e-3, 2e-3, 2.0),
    "stanford": Stanford(),
    "sky130": Sky130(),
}
SHAPE = (4, 5)


def middle_states(device, seed=1):
    low, high = device.bounds
    return low + (high - low) * np.random.default_rng(seed).uniform(0, 1, SHAPE)


@pytest.mark.parametrize("name", MODELS)
def test_a_state_is_its_conductance(name):
    device = MODELS[name]
    x = middle_states(device)
    g = device.conductance(x)
    low, high = device.bounds
    np.testing.assert_allclose(device.state(g), x, rtol=0, atol=1e-12 * (high - low))
    slopes = evaluated(device, np.zeros(SHAPE), x)[1]
    np.testing.assert_allclose(g, slopes, rtol=1e-13)
    for bound in device.bounds:
        assert device.state(device.conductance(bound)) == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_a_read_is_the_current_of_the_state_that_stands_still(name):
    device = MODELS[name]
    x, volts = middle_states(device), np.random.default_rng(2).uniform(-0.8, 0.8, SHAPE)
    amperes = device.current(device.conductance(x), volts + 0.3, 0.3)
    np.testing.assert_allclose(amperes, evaluated(device, (volts + 0.3) - 0.3, x)[0], rtol=1e-12)


def test_crossbars_are_solved_as_reads_see_them():
    rng = np.random.default_rng(3)
    g, volts = 10 ** rng.uniform(-6, -4, SHAPE), rng.uniform(0.1, 0.9, 4)
    wires = {"word_wire": 5.0, "bit_wire": 7.0, "driver": 20.0}
    for device, plain in (
        (VTEAM(), Linear()),
        (IonDrift(), Linear()),
        (Stanford(v0=0.3), Sinh(0.3)),
        (Sky130(), Sinh(0.43)),
    ):
        currents = solve(Crossbar(g, **wires, device=device), volts).currents
        np.testing.assert_array_equal(currents, solve(Crossbar(g, **wires, device=plain), volts).currents)
    ours = effective_conductance(Crossbar(g, **wires, device=VTEAM()))
    np.testing.assert_array_equal(ours, effective_conductance(Crossbar(g, **wires)))


def test_written_for_op_they_are_what_reads_see(tmp_path):
    g = np.array([[1e-5, 2e-6]])
    for device, word in ((VTEAM(), "rc_0_1"), (Sky130(v_ref=0.4), "sinh g=2e-06 v0=0.4")):
        netlist.write(Crossbar(g, device=device), [0.3], tmp_path / "a.sp")
        assert word in (tmp_path / "a.sp").read_text()


def test_cells_out_of_range_are_read_and_not_moved():
    g = [[1e-5, 2e-3], [0.0, 1e-4]]
    currents = solve(Crossbar(g, device=VTEAM()), [0.1, 0.2]).currents
    np.testing.assert_allclose(currents, np.array([0.1, 0.2]) @ np.array(g))
    with pytest.raises(
        InputError, match=r"conductance\[0, 1\] is 0.002 S: a cell of the model vteam has 1e-06 to 0.001"
    ):
        VTEAM().state(g)
    with pytest.raises(InputError, match=r"conductance\[1, 0\] is 0 S"):
        Stanford().state([[1e-5, 1e-6], [0.0, 1e-6]])
    with pytest.raises(InputError, match=r"state\[0, 0\] is 2: a cell of the model ion_drift has 0 to 1 here"):
        IonDrift().conductance([[2.0]])
    varied = VTEAM(r_on=[[1e3], [2e3]])
    with pytest.raises(InputError, match=r"conductance\[1, 0\] is 0.001 S: .* 1e-06 to 0.0005 S here"):
        varied.state([[1e-3, 1e-4], [1e-3, 1e-4]])


@pytest.mark.parametrize("form", ["(rows, cols)", "(rows, 1)", "(1, cols)", "(cols,)", "scalar"])
def test_a_part_of_the_cells_has_its_own_parameters(form):
    given = np.random.default_rng(4).uniform(0.3, 0.6, SHAPE)
    given = {
        "(rows, cols)": given, "(rows, 1)": given[:, :1], "(1, cols)": given[:1], "(cols,)": given[0],
        "scalar": given[0, 0],
    }[form]  # fmt: skip
    device = VTEAM(v_off=given, curve="exponential")
    v, x = np.full(SHAPE, 0.9), np.full(SHAPE, 1e-9)
    place = slice(1, 3), slice(2, 5)
    part = device.cut(place)
    np.testing.assert_array_equal(evaluated(part, v[place], x[place]), evaluated(device, v, x)[:, *place])
    assert part.curve == "exponential"
    assert not part.v_off.flags.writeable


def test_cells_that_parameters_do_not_fit_are_refused():
    device = VTEAM(r_on=np.full((2, 2), 1e3))
    for name, ask in (("state", device.conductance), ("conductance", device.state), ("state", device.instance_in_time)):
        with pytest.raises(InputError, match=rf"{name} has shape \(3, 4\): the model's parameters are of \(2, 2\)"):
            ask(np.full((3, 4), 1e-9))


@pytest.mark.parametrize("name", MODELS)
def test_they_are_frozen_equal_and_copied(name):
    device = MODELS[name]
    for twin in (copy.deepcopy(device), pickle.loads(pickle.dumps(device))):
        assert twin == device
        assert repr(twin) == repr(device)
    with pytest.raises(AttributeError):
        device.name2 = 1.0
    numbers = [option.name for option in device.options if option.numeric]
    assert not getattr(device, numbers[0]).flags.writeable


def test_what_they_print():
    assert repr(VTEAM()) == "VTEAM()"
    assert repr(VTEAM(v_on=-0.5, window="biolek")) == "VTEAM(v_on=-0.5, window='biolek')"
    assert repr(Stanford(gap_max=[1e-9, 2e-9])) == "Stanford(v0=0.43, gap_max=1e-09..2e-09)"
    assert repr(Yakopcic(1e-4, 2e-4, 3.0)) == "Yakopcic(a1=0.0001, a2=0.0002, b=3)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VTEAM(r_on=2e6), "r_on is 2e.06 and r_off 1e.06: r_on must be below r_off"),
        (lambda: VTEAM(v_on=0.3), "v_on is 0.3: it must be < 0"),
        (lambda: VTEAM(v_off=[0.3, -0.1]), r"v_off\[1\] is -0.1: it must be > 0"),
        (lambda: VTEAM(alpha_on=0.5), "alpha_on is 0.5: it must be >= 1"),
        (lambda: VTEAM(x_on=4e-9), "x_on is 4e-09 and x_off 3e-09"),
        (lambda: VTEAM(curve="cubic"), "curve is 'cubic': it must be one of linear, exponential"),
        (lambda: VTEAM(window="strukov"), "window is 'strukov': it must be one of none, joglekar, biolek"),
        (lambda: VTEAM(exponent=2.0), "exponent acts on a window"),
        (lambda: VTEAM(r_on=[1e3, 2e3], k_on=[-1.0, -2.0, -3.0]), "shapes do not fit: r_on .2,., k_on .3,."),
        (lambda: IonDrift(mobility=np.nan), "mobility is nan"),
        (lambda: Yakopcic(1e-4, 1e-4, 3.0, xp=1.0), "xp is 1.0: it must be >= 0 and < 1"),
        (lambda: Yakopcic(1e-4, 1e-4, 3.0, eta=0.5), "eta .*: it must be 1, where a positive voltage raises x, or -1"),
        (lambda: Stanford(gap_min=2e-9), "gap_min is 2e-09 and gap_max 1.7e-09"),
        (lambda: Sky130(t_max=5.1e-9), "t_max is 5.1e-09 and t_ox 5e-09"),
        (lambda: VTEAM(k_on=np.full((2, 3), -1.0)).dynamics((3, 2)), r"device.k_on has shape \(2, 3\)"),
        (lambda: DynamicLaw(moved, 3, low=0, high=1), "motion is int: it must be callable"),
        (lambda: DynamicLaw(moved, moved, low=1, high=0), "low is 1 and high 0: low must be below high"),
        (lambda: DynamicLaw(moved, moved, low=[0, 0], high=[1, 1, 1]), "shapes do not fit: low .2,., high .3,."),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(InputError, match=message):
        make()


def ohmic(v, x, g):
    """A current in proportion to the state."""
    return g * x * v, g * x, g * v


def moved(v, x, g):
    """A motion towards 1."""
    return 1e6 * v * (1.0 - x), 1e6 * (1.0 - x), -1e6 * v


@pytest.mark.slow
def test_a_law_of_one_s_own_is_a_device():
    from xbarsim import adjoint

    device = DynamicLaw(ohmic, moved, low=0.001, high=1.0, g=[[1e-3], [2e-3]])
    g = np.array([[1e-4, 5e-6], [2e-3, 3e-4]])
    np.testing.assert_allclose(device.state(g), g / np.array([[1e-3], [2e-3]]), rtol=1e-12)
    wires = {"word_wire": 5.0, "bit_wire": 3.0}
    crossbar, plain = (Crossbar(g, **wires, device=law) for law in (device, Linear()))
    np.testing.assert_allclose(solve(crossbar, [0.3, -0.2]).currents, solve(plain, [0.3, -0.2]).currents, rtol=1e-12)
    gradients = [
        adjoint.output_currents(one, [0.3, -0.2]).gradient([1.0, 2.0]).conductance for one in (crossbar, plain)
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-8)
    with pytest.raises(InputError, match="cannot be written as a netlist"):
        device.subcircuit()
    part = device.cut((slice(1, 2), slice(0, 1)))
    np.testing.assert_allclose(part.state(g[1:, :1]), device.state(g)[1:, :1])
    # A bound is a state, whatever rounding made of its siemens.
    ends = np.array([[1e-6, 1e-3], [2e-6, 2e-3]]) * [1 - 4e-16, 1 + 4e-16]
    np.testing.assert_array_equal(device.state(ends), [[0.001, 1.0]] * 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("current", "motion", "message"),
    [
        (lambda v, x: (v * x, x), moved, "could not be compiled as a law"),
        (lambda v, x: (v * x + 1e-6, x, v), lambda v, x: (v, 1.0, 0.0), "gives 1e-06 A at 0 V"),
        (lambda v, x: (v * x, x, v), lambda v, x: (v / (x - 0.5), 1.0, np.nan), "gives no number at 0 V and x = 0"),
        (lambda v, x: (v * (x - 0.5) ** 2, (x - 0.5) ** 2, 2 * v * (x - 0.5)), lambda v, x: (v, 1.0, x), "all the way"),
    ],
)  # fmt: skip
def test_laws_of_one_s_own_that_are_none(current, motion, message):
    with pytest.raises(InputError, match=message):
        DynamicLaw(current, motion, low=0.0, high=0.9).state([[0.2]])
