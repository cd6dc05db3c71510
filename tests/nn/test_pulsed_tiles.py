"""Networks whose tiles are written by pulses through their own wires."""

import numpy as np
import pytest
import torch

from xbarsim import Crossbar
from xbarsim.devices import VTEAM
from xbarsim.errors import InputError
from xbarsim.nn import Hardware, Tiles, Wires, convert
from xbarsim.nonideal import Chip, Faults, Nonidealities, PulsedWrites, Variation, WriteVerify
from xbarsim.programming import PulseLadder, VerifyRead, program

PULSES = PulsedWrites(tolerance=0.02)


def hardware(**cells):
    return Hardware(
        tiles=Tiles(8, 8), wires=Wires(word=2.0, bit=3.0),
        cells=Nonidealities(r_on=1e4, r_off=1e5, programming=PULSES, **cells),
    )  # fmt: skip


def test_a_tile_is_what_pulses_through_its_wires_make_of_it():
    """Cells near their targets, and those that program() gives, digit by digit."""
    torch.manual_seed(0)
    network = convert(torch.nn.Linear(8, 8, bias=False), hardware()).program(3)
    layer = next(module for module in network.modules() if hasattr(module, "tiles"))
    exact = convert(
        torch.nn.Linear(8, 8, bias=False),
        Hardware(tiles=Tiles(8, 8), wires=Wires(2.0, 3.0), cells=Nonidealities(1e4, 1e5)),
    )
    exact.load_state_dict(network.state_dict(), strict=False)
    goals = [
        tile.crossbar.conductance for tile in next(m for m in exact.program(3).modules() if hasattr(m, "tiles")).tiles
    ]
    for tile, goal in zip(layer.tiles, goals, strict=True):
        reached = tile.crossbar.conductance
        assert np.abs(reached - goal).max() <= 0.02 * (1e-4 - 1e-5) * (1 + 1e-9)
        assert (reached != goal).any()
        start = Crossbar(
            np.full((8, 8), 1e-5), word_wire=2.0, bit_wire=3.0, driver=1.0, sense=1.0, device=VTEAM(1e4, 1e5)
        )
        alone = program(
            start, goal, pulse=PulseLadder(0.9, 1e-8, increment=0.05, most_amplitude=1.3), tolerance=0.02, of="range",
            read=VerifyRead("cell"),
        )  # fmt: skip
        assert np.abs(alone.conductance / reached - 1).max() < 1e-12


def test_stuck_cells_stay_and_settings_survive():
    """A stuck cell has its own conductance, and the table is written and read again."""
    model = hardware(faults=Faults(rate=0.2, ocr=1)).cells
    chip = Chip(model, 5, (4, 4))
    written = chip.apply(np.full((4, 4), 5e-5))
    stuck = written.faults != 0
    assert stuck.any()
    assert np.isin(written.conductance[stuck], (1e-4, 1e-5)).all()
    assert np.abs(written.conductance[~stuck] - 5e-5).max() <= 0.02 * 9e-5
    assert (written.unconverged == stuck).all()
    assert (written.pulses[~stuck] > 0).all()
    record = hardware().to_dict()
    assert record["cells"]["programming"]["amplitude"] == 0.9
    assert Hardware.from_dict(record) == hardware()
    assert "programming" not in Hardware().to_dict()["cells"]


def test_tiles_without_a_cell_to_pulse():
    """All of them stuck, or none to be written: nothing is pulsed, and nothing fails."""
    stuck = Chip(hardware(faults=Faults(rate=1.0, ocr=1)).cells, 5, (2, 3)).apply(np.full((2, 3), 5e-5))
    assert not stuck.pulses.any()
    assert stuck.unconverged.all()
    chip = Chip(hardware().cells, 5, (2, 3))
    before = chip.apply(np.full((2, 3), 5e-5))
    after = chip.apply(np.full((2, 3), 8e-5), write=1, start=before, cells=np.zeros((2, 3), bool))
    assert (after.conductance == before.conductance).all()
    assert not after.pulses.any()
    assert (after.unconverged == before.unconverged).all()


def test_cells_whose_range_ends_before_their_target_are_told():
    """Those farther from what was asked for than the tolerance of their own range."""
    chip = Chip(hardware(variation=Variation(sigma=0.3)).cells, 5, (4, 4))
    written = chip.apply(np.full((4, 4), 9.9e-5))
    factor = chip.maps(0).factor
    short = 1e-4 * factor < 9.9e-5 - 0.02 * 9e-5 * factor
    assert 0 < short.sum() < 16
    assert (written.unconverged == short).all()
    assert written.conductance[short] == pytest.approx(1e-4 * factor[short], rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", ["closed", "ideal"])
def test_pulses_go_through_the_wires_that_a_fidelity_has(fidelity):
    """Of the closed form none but the ends, of ideal hardware none."""
    cells = Nonidealities(r_on=1e3, r_off=1e5, programming=PULSES)
    torch.manual_seed(0)
    linear = torch.nn.Linear(8, 8, bias=False)
    reached = []
    for word in (1.0, 300.0):
        setting = Hardware(tiles=Tiles(8, 8), wires=Wires(word=word), cells=cells, fidelity=fidelity)
        network = convert(linear, setting).program(3)
        layer = next(module for module in network.modules() if hasattr(module, "tiles"))
        reached.append([tile.crossbar.conductance for tile in layer.tiles])
    assert all((a == b).all() for a, b in zip(*reached, strict=True))


def test_what_is_refused():
    """Models without a state, and two ways of writing at once."""
    with pytest.raises(InputError, match=r"PulsedWrites.device is 'linear': pulses write cells with a state"):
        PulsedWrites(device="linear")
    with pytest.raises(InputError, match="write_verify does not go with programming"):
        Nonidealities(programming=PULSES, write_verify=WriteVerify())
    with pytest.raises(InputError, match="r_off is inf"):
        Nonidealities(programming=PULSES, r_off=np.inf)
