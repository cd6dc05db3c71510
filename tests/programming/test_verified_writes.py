"""Write-verify: targets reached, why others are not, and runs that were interrupted."""

import json

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar
from xbarsim.devices import VTEAM, DynamicLaw, Linear
from xbarsim.errors import InputError
from xbarsim.programming import PulseLadder, VerifyRead, WrittenArray, program
from xbarsim.programming.pulsed_array import PulsedArray
from xbarsim.schemes import Scheme, read

LADDER = PulseLadder(0.9, 1e-8, 1e-9, 1e-9, increment=0.05, most_amplitude=1.3)


def array(shape=(3, 4), wires=2.0, device=None, seed=5):
    rng = np.random.default_rng(seed)
    return Crossbar(
        10 ** rng.uniform(-5.5, -3.5, shape), word_wire=wires, bit_wire=1.5 * wires, driver=5.0, sense=3.0,
        device=device or VTEAM(),
    )  # fmt: skip


def targets(shape=(3, 4), seed=6):
    return 10 ** np.random.default_rng(seed).uniform(-5.0, -3.7, shape)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["wires", "cell"])
@pytest.mark.parametrize("order", ["rows", "columns", "random"])
def test_targets_are_reached(how, order):
    """And are what a solve of the written array says, not only what the loop saw."""
    crossbar, goal = array(), targets()
    written = program(crossbar, goal, pulse=LADDER, tolerance=0.01, read=how, order=order, rounds=9, seed=2)
    assert written.reached.all()
    assert written.unreached() == {}
    after = written.crossbar(crossbar)
    readings = xbarsim.effective_conductance(after) if how == "wires" else after.conductance
    assert np.abs(readings / goal - 1).max() <= 0.01
    assert np.abs(written.readings / readings - 1).max() < 1e-9
    assert written.residual < 1e-9
    assert (written.pulses > 0).any()
    assert (written.energy[written.pulses > 0] > 0).all()


@pytest.mark.parametrize("scheme", ["V/3", "half+both", Scheme("leaning", 0.45, 0.55)])
def test_schemes_of_all_kinds(scheme):
    """Lines tied at both ends, and shares of one's own."""
    written = program(array(), targets(), pulse=LADDER, scheme=scheme, tolerance=0.02, read="cell")
    assert written.reached.all()


@pytest.mark.slow
def test_reads_under_another_scheme_hold_their_sneak_currents():
    """What the loop is told under half-selected reads is what a read of its own is told."""
    how = VerifyRead("wires", 0.2, "half+both")
    written = program(array(), targets(), pulse=LADDER, tolerance=0.02, read=how, order=[(2, 1)], rounds=1)
    seen = read(written.crossbar(array()), "half+both", (2, 1), 0.2).selected_current / 0.2
    assert written.readings[2, 1] == pytest.approx(seen, rel=1e-9)
    assert np.isnan(written.target).sum() == 11


@pytest.mark.slow
def test_floating_lines():
    """Open unselected lines: each selection is a circuit of its own."""
    written = program(
        array(), targets(), pulse=LADDER, scheme="floating", tolerance=0.05, read="cell", order=[(0, 0), (2, 3)]
    )
    assert written.pulses.sum() == written.pulses[0, 0] + written.pulses[2, 3]
    assert written.reached[0, 0]
    assert written.reached[2, 3]


@pytest.mark.slow
def test_a_blind_train_reaches_its_target_without_wires_alone():
    """Without wires it is what the cell alone would do; with them less arrives."""
    goal = targets()
    ideal = Crossbar(array().conductance, device=VTEAM())
    near = program(ideal, goal, pulse=LADDER, verify=False, tolerance=0.01, read="cell")
    assert near.reached.all()
    far = program(array(wires=20.0), goal, pulse=LADDER, verify=False, tolerance=0.01, read="cell")
    assert set(far.unreached().values()) == {"open_loop"}
    assert (far.pulses == near.pulses).all()


@pytest.mark.slow
def test_a_run_that_was_interrupted_ends_bit_by_bit_as_if_it_had_not(tmp_path):
    """After any turn, through a file."""
    arguments = {"pulse": LADDER, "tolerance": 0.01, "rounds": 4}
    whole = program(array(wires=20.0), targets(), **arguments)
    for turns in (1, 7, 12, 14):
        left = [turns]

        def stop(left=left):
            left[0] -= 1
            return left[0] <= 0

        part = program(array(wires=20.0), targets(), stop=stop, **arguments)
        assert not part.finished
        part.to_npz(tmp_path / "part.npz")
        rest = program(array(wires=20.0), targets(), resume=WrittenArray.from_npz(tmp_path / "part.npz"), **arguments)
        assert rest.states.tobytes() == whole.states.tobytes()
        assert rest.readings.tobytes() == whole.readings.tobytes()
        assert rest.energy.tobytes() == whole.energy.tobytes()
        assert (rest.pulses == whole.pulses).all()
        assert rest.rounds == whole.rounds
    with pytest.raises(InputError, match="resume was begun with other tolerance"):
        program(array(wires=20.0), targets(), resume=part, **arguments | {"tolerance": 0.02})
    with pytest.raises(
        InputError, match="resume was begun with other conductances, wires, cells' parameters, targets or order"
    ):
        program(array(wires=3.0), targets(), resume=part, **arguments)


def test_files_that_are_none(tmp_path):
    """Missing, damaged, of another kind."""
    with pytest.raises(InputError, match="there is no such file"):
        WrittenArray.from_npz(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    with pytest.raises(InputError, match="is damaged, or no file of a written array"):
        WrittenArray.from_npz(tmp_path / "other.npz")


def one(device=None, wires=0.0, start=1e-5, goal=1e-4, driver=0.0, **arguments):
    """The middle cell of a small array, and the word for what keeps it from its target."""
    crossbar = Crossbar(
        np.full((3, 3), start), word_wire=wires, bit_wire=wires, driver=driver, device=device or VTEAM()
    )  # fmt: skip
    arguments = {"pulse": LADDER, "tolerance": 0.01, "read": "cell", "order": [(1, 1)]} | arguments
    return program(crossbar, goal, **arguments)


@pytest.mark.slow
def test_why_a_cell_is_not_reached():
    """Each reason, from what brings it about."""
    assert one().unreached() == {}
    stuck = np.zeros((3, 3), bool)
    stuck[1, 1] = True
    assert one(stuck=stuck).unreached() == {(1, 1): "stuck"}
    assert one(most_pulses=2).unreached() == {(1, 1): "most_pulses"}
    weak = one(pulse=PulseLadder(0.6, 1e-8))
    assert weak.unreached() == {(1, 1): "amplitude"}
    assert weak.pulses[1, 1] == 5
    dropped = one(driver=3e3, start=1e-4, goal=2e-5, pulse=PulseLadder(0.9, 1e-8))
    assert dropped.unreached() == {(1, 1): "ir-drop"}
    assert 0 < dropped.log.arrived[1, 1] < 0.7
    # Through 500 ohms no cell of 1 kohm shows as much as it has.
    bound = one(driver=500.0, goal=9.9e-4, read="wires", pulse=PulseLadder(1.3, 1e-8))
    assert bound.unreached() == {(1, 1): "range"}
    assert bound.states[1, 1] == 0.0


def _current(v, x, g):
    return g * x * v, g * x, g * v


def _falling(v, x, g):
    """Positive volts lower x, beyond 1.5 V alone."""
    if abs(v) < 1.5:
        return 0.0, 0.0, 0.0
    return -1e8 * (v - np.sign(v) * 1.5), -1e8, 0.0


@pytest.mark.slow
def test_polarity_of_laws_that_rest_at_low_volts():
    """Which sign raises a conductance is asked where states move."""
    device = DynamicLaw(_current, _falling, low=0.01, high=1.0, g=1e-3)
    assert PulsedArray(Crossbar(np.full((1, 1), 1e-4), device=device)).rising == -1.0
    crossbar = Crossbar(np.full((2, 2), 2e-4), device=device)
    written = program(
        crossbar, np.full((2, 2), 5e-4), pulse=PulseLadder(2.0, 1e-9), read="cell", order=[(0, 0)], tolerance=0.05
    )
    assert written.unreached() == {}


def test_a_run_goes_on_with_the_same_cells_alone():
    """Parameters of each cell count, not only their range."""
    first, second = np.full((2, 3, 4), 1e3)
    first[0, 0] = first[2, 3] = second[0, 1] = second[2, 3] = 2e3
    arguments = {"pulse": LADDER, "order": [(0, 0), (1, 1)]}
    part = program(array(device=VTEAM(r_on=first)), targets(), stop=lambda: True, **arguments)
    assert program(array(device=VTEAM(r_on=first)), targets(), resume=part, **arguments).finished
    with pytest.raises(InputError, match="begun with other conductances, wires, cells' parameters"):
        program(array(device=VTEAM(r_on=second)), targets(), resume=part, **arguments)


def test_looks_at_all_cells_are_looks_at_those_with_targets_and_can_be_stopped():
    """Under a scheme that needs a solve for each; what was stopped there goes on bit by bit."""
    how = VerifyRead("wires", 0.2, "half")
    arguments = {"pulse": LADDER, "read": how, "order": [(0, 0), (2, 3), (1, 1)], "rounds": 1, "tolerance": 0.05}
    lines = []
    whole = program(array(), targets(), progress=lines.append, **arguments)
    assert [line for line in lines if line.startswith("looks again")] == [
        f"looks again at {number} of 3 cells" for number in range(3)
    ]
    assert np.isnan(whole.readings).sum() == 9
    for asked in (4, 5):  # in the look at all cells
        left = [asked]

        def stop(left=left):
            left[0] -= 1
            return left[0] <= 0

        part = program(array(), targets(), stop=stop, **arguments)
        assert not part.finished
        assert part.position == 3
        rest = program(array(), targets(), resume=part, **arguments)
        assert rest.readings.tobytes() == whole.readings.tobytes()
        assert rest.finished


def test_numbers_of_numpy_are_numbers(tmp_path):
    """In records and files they are plain ones."""
    arguments = {"pulse": LADDER, "order": [(0, 0)], "stop": lambda: True}
    plain = program(array(), targets(), most_pulses=9, tolerance=0.03125, **arguments)
    numpys = program(array(), targets(), most_pulses=np.int64(9), tolerance=np.float32(0.03125), **arguments)
    assert numpys.settings == plain.settings
    numpys.to_npz(tmp_path / "part.npz")
    assert json.loads(numpys.to_json())["settings"] == plain.settings


def test_cells_that_others_disturb_are_told_and_written_again():
    """Half-selected cells beyond their threshold; a further round mends what it can."""
    strong = PulseLadder(1.5, 2e-9)
    once = program(array(), targets(), pulse=strong, tolerance=0.02, read="cell", rounds=1)
    assert "disturbed" in once.unreached().values()
    assert once.disturbance.max() > 1e-4
    assert (once.log.largest_disturbance <= once.disturbance).all()
    again = program(array(), targets(), pulse=strong, tolerance=0.02, read="cell", rounds=6)
    assert again.reached.sum() > once.reached.sum()


@pytest.mark.slow
def test_an_answer_as_json_and_as_a_picture(tmp_path):
    """All numbers, and what is none as null."""
    pytest.importorskip("matplotlib")
    from xbarsim.plot import save
    from xbarsim.programming.written_picture import draw

    written = program(array(), targets(), pulse=LADDER, order=[(0, 0), (1, 1)], most_pulses=1)
    record = json.loads(written.to_json())
    assert record["target"][0][1] is None
    assert record["cells"] == 2
    assert record["conductance"] == written.conductance.tolist()
    assert save(draw(written, "two cells"), tmp_path / "written.png") == []
    assert (tmp_path / "written.png").stat().st_size > 10_000


def test_colours_of_a_picture():
    """Errors of both signs are as far from the middle as they are from 0; no bar goes below what may be."""
    pytest.importorskip("matplotlib")
    from xbarsim.programming.written_picture import _norm

    errors = np.array([[-0.02, np.nan], [0.005, 0.0]])
    for values, scale, low, high in (
        (errors, "both signs", -0.02, 0.02),
        (np.zeros((2, 2)), "both signs", -1.0, 1.0),
        (np.zeros((2, 2)), "decades", 0.0, 1.0),
        (np.full((2, 2), 3e-6), "decades", 0.0, 3e-6),
        (np.array([[0.0, 1e-6], [1e-3, 1e-4]]), "decades", 1e-6, 1e-3),
        (np.array([[7.0, 5.0]]), "from zero", 0.0, 7.0),
    ):
        norm = _norm(values, scale)
        assert (norm.vmin, norm.vmax) == (low, high), (values, scale)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": np.full((2, 2), 1e-4)}, r"target has shape \(2, 2\)"),
        ({"target": np.diag([1e-4, 5.0, 1e-4, 0.0])[:3] + 1e-4}, r"target\[1, 1\] is 5.0001 S: .* 1e-06 to 0.001 S"),
        ({"scheme": "haff"}, "did you mean half"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"of": "span"}, "of is 'span'"),
        ({"most_pulses": 0}, "most_pulses is 0"),
        ({"read": "tester"}, "read is 'tester'"),
        ({"order": "spiral"}, "order is 'spiral'"),
        ({"order": "random", "seed": -1}, "seed is -1"),
        ({"pulse": (1.0, 1e-8)}, "pulse is tuple: give a PulseLadder"),
        ({"order": [(0, 0), (0, 0)]}, "order has a cell twice"),
        ({"crossbar": Crossbar(np.ones((3, 4)), device=Linear())}, "no state that moves: pulses write .*vteam"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments, message):
    """Each by its name."""
    given = {"crossbar": array(), "target": targets(), "pulse": LADDER} | arguments
    with pytest.raises(InputError, match=message):
        program(given.pop("crossbar"), given.pop("target"), **given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"amplitude": 0.0}, "amplitude is 0.0"),
        ({"amplitude": -1.0}, "the cells' model says which sign"),
        ({"width": -1e-9}, "width is -1e-09"),
        ({"increment": 0.1}, "give most_amplitude too"),
        ({"most_amplitude": 2.0}, "there is no increment to climb by"),
        ({"increment": 0.1, "most_amplitude": 0.5}, "most_amplitude is 0.5"),
        ({"widening": 0.5}, "widening is 0.5"),
        ({"shrink": 0.0}, "shrink is 0.0"),
    ],
)
def test_ladders_that_lead_nowhere(settings, message):
    """Each is refused by its name."""
    with pytest.raises(InputError, match=message):
        PulseLadder(**{"amplitude": 1.0, "width": 1e-8} | settings)


def test_rungs():
    """Amplitudes climb to their end, widths too, and turns shorten them."""
    ladder = PulseLadder(1.0, 1e-8, opposite=1.2, increment=0.1, most_amplitude=1.25, widening=2.0, most_width=3e-8)
    assert [ladder.rung(True, k, 0)[0] for k in range(4)] == pytest.approx([1.0, 1.1, 1.2, 1.25])
    assert ladder.rung(False, 0, 0) == (1.2, 1e-8)
    assert [ladder.rung(True, k, 1)[1] for k in range(3)] == pytest.approx([0.5e-8, 1e-8, 1.5e-8])
    assert not ladder.at_top(True, 2)
    assert ladder.at_top(True, 3)
