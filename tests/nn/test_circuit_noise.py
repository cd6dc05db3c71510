"""Read noise that the circuit makes: covariances of outputs, what each vector gets, and what settings do."""

from dataclasses import replace

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.noise import output_noise
from xbarsim.nonideal import Nonidealities, ReadNoise, Shorts

torch = pytest.importorskip("torch")
from xbarsim.nn import Converter, Hardware, Mapping, Tiles, Wires  # noqa: E402
from xbarsim.nn.cell_law import CellLaw  # noqa: E402
from xbarsim.nn.convert import convert  # noqa: E402
from xbarsim.nn.current_noise import CurrentNoise  # noqa: E402
from xbarsim.nn.layers import CrossbarLayer  # noqa: E402


def noise(**more):
    """In a band that is wide enough for noise to be seen beside rounding."""
    return ReadNoise(kind="circuit", **({"bandwidth": 1e12} | more))


def hardware(read_noise=None, **more):
    cells = more.pop("cells", {})
    settings = {
        "fidelity": "accurate",
        "tiles": Tiles(5, 4),
        "wires": Wires(word=2.0, bit=3.0, driver=50.0, sense=40.0),
    }
    return Hardware(cells=Nonidealities(read_noise=read_noise or noise(), **cells), **(settings | more))


def layer(made_of, inputs=7, outputs=3, seed=4):
    torch.manual_seed(1)
    network = convert(torch.nn.Sequential(torch.nn.Linear(inputs, outputs)), made_of).program(seed)
    return next(part for part in network.modules() if isinstance(part, CrossbarLayer))


def expected_covariance(crossbars, x):
    """The sum over arrays of what their currents' covariance is in the outputs, by the public noise and ``decode``."""
    volts = crossbars.encode(x[:1])
    volts = volts.reshape(-1, volts.shape[-1])
    pulses = volts.shape[0]
    tiles = crossbars.tiles
    settings = crossbars.hardware.cells.read_noise
    still = [np.zeros((pulses, 1, len(tile.cols) + (tile.crossbar.shape[1] - len(tile.cols)))) for tile in tiles]
    bit_serial = crossbars.hardware.encoding.kind == "bit-serial"

    def outputs(currents):
        return crossbars.decode(currents if bit_serial else [part[0] for part in currents]).detach().numpy()[0]

    zero = outputs(still)
    total = np.zeros((crossbars.outputs,) * 2)
    for k, tile in enumerate(tiles):
        band = (0.0, settings.bandwidth)
        values, vectors = np.linalg.eigh(
            output_noise(tile.crossbar, band=band, temperature=settings.temperature).covariance
        )
        for value, vector in zip(values, vectors.T, strict=True):
            for pulse in range(pulses):
                currents = [part.copy() for part in still]
                currents[k][pulse, 0] = np.sqrt(max(value, 0.0)) * vector
                step = outputs(currents) - zero
                total += np.outer(step, step)
    return total


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"fidelity": "ideal"},
        {"mapping": Mapping(kind="reference")},
        {"mapping": Mapping(kind="offset")},
    ],
    ids=["wires", "ideal", "reference", "offset"],
)
def test_outputs_have_the_covariance_of_the_circuits(more):
    """Would break if arrays shared draws, columns had independent ones, or a sign or a scale were lost."""
    crossbars = layer(hardware(**more))
    x = torch.linspace(-1.0, 1.0, 7).repeat(20_000, 1)
    with torch.no_grad():
        outputs = crossbars(x).double().numpy()
    expected = expected_covariance(crossbars, x)
    measured = np.cov(outputs.T)
    own = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / len(x))
    assert np.abs(measured - expected).max() > 0.0
    assert (np.abs(measured - expected) < 4.5 * own).all()


def test_columns_have_noise_in_common():
    """Would break if only variances were kept: through a shared word line of many ohms columns move together."""
    crossbars = layer(hardware(wires=Wires(word=2.0, bit=2.0, driver=3e3, sense=2.0)), inputs=3, outputs=2)
    expected = expected_covariance(crossbars, torch.ones(1, 3))
    correlation = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
    assert abs(correlation) > 0.1
    with torch.no_grad():
        measured = np.corrcoef(crossbars(torch.ones(20_000, 3)).double().numpy().T)[0, 1]
    assert abs(measured - correlation) < 4.5 / np.sqrt(20_000)


def test_a_vectors_noise_is_that_of_the_chip_and_its_number():
    """Would break if batches, threads or another call of the same chip changed what a vector gets."""
    x = torch.linspace(-1.0, 1.0, 7 * 9).reshape(9, 7)
    with torch.no_grad():
        whole = layer(hardware())(x)
        parts = layer(hardware())
        parts.threads = 1
        torch.testing.assert_close(torch.cat([parts(x[:2]), parts(x[2:])]), whole, rtol=1e-6, atol=1e-7)
        again = layer(hardware())
        assert not torch.equal(again(x), again(x))
        assert not torch.equal(layer(hardware(), seed=5)(x), whole)
        again.program(chip=again.chip)
        torch.testing.assert_close(again(x), whole, rtol=0.0, atol=0.0)


def test_parts_of_a_call_go_on_where_the_last_one_ended():
    """A call of many vectors is read in parts: none of them may have the noise of another."""
    root = np.tril(np.random.default_rng(1).uniform(0.5, 1.0, (4, 4)))
    still = torch.zeros(7, 4, dtype=torch.float64)
    (whole,) = CurrentNoise([root], 3, 10).added([still])
    noise = CurrentNoise([root], 3, 10)
    parts = [noise.added([part])[0] for part in torch.split(still, [2, 4, 1])]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0.0, atol=0.0)
    assert len({float(row[0]) for row in whole}) == 7


@pytest.mark.parametrize(("setting", "factor"), [("bandwidth", 4e12), ("temperature", 1200.0)])
def test_bandwidth_and_temperature_widen_noise(setting, factor):
    """Would break if a setting did not act: each four times as large doubles the noise."""
    x = torch.ones(1, 7)
    with torch.no_grad():
        quiet = layer(replace(hardware(), cells=Nonidealities()))(x)
        usual, wide = (layer(hardware(settings))(x) - quiet for settings in (noise(), noise(**{setting: factor})))
    torch.testing.assert_close(wide, 2.0 * usual, rtol=1e-4, atol=1e-6)


def test_flicker_noise_moves_conductances_at_each_read():
    """Would break if flicker noise or the frequency it begins at did not act."""
    settings = noise(flicker=1e-3, lowest=1e10)
    crossbars = layer(hardware(settings))
    still = layer(hardware()).tiles[0].crossbar.conductance
    first, second = (np.array(crossbars.array_state(read=k).chip.read(
        crossbars.array_state().chip.apply(still, 0), read=k)) for k in (0, 1))  # fmt: skip
    assert not np.array_equal(first, second)
    relative = np.concatenate([(part / still - 1.0).ravel() for part in (first, second)])
    assert settings.spread == pytest.approx(np.sqrt(1e-3 * np.log(100.0)))
    assert 0.5 * settings.spread < relative.std() < 1.5 * settings.spread
    assert noise(flicker=1e-3, lowest=1.0).spread > settings.spread


def test_shorted_lines_and_converters_go_with_it():
    """Would break if the added lines of a short were outputs, or noise came behind the converter's rounding."""
    x = torch.linspace(-1.0, 1.0, 7).repeat(50, 1)
    shorted = layer(hardware(cells={"shorts": Shorts(bit_rate=0.4, ohms=5.0)}))
    rounded = layer(hardware(adc=Converter(bits=4, range="batch")))
    with torch.no_grad():
        assert shorted(x).std(dim=0).min() > 0.0
        assert all(len(np.unique(column)) <= 64 for column in rounded(x).numpy().T)


def test_gradients_pass():
    """Would break if the sum of currents and noise were cut off from inputs and weights."""
    crossbars = layer(hardware())
    x = torch.ones(2, 7, requires_grad=True)
    crossbars(x).sum().backward()
    assert x.grad.abs().min() > 0.0
    assert crossbars.weight.grad.abs().max() > 0.0


def test_the_word_stands_for_the_kind():
    """Would break if settings from files could not say it, or did not come back."""
    model = Nonidealities(read_noise="circuit")
    assert model.read_noise == ReadNoise(kind="circuit")
    assert Nonidealities.from_dict({"read_noise": "circuit"}) == model == Nonidealities.from_dict(model.to_dict())
    assert ReadNoise.from_dict(noise(flicker=1e-6).to_dict()) == noise(flicker=1e-6)
    assert ReadNoise(0.02).to_dict() == {"sigma": 0.02, "kind": "relative"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0.1}, "ReadNoise.sigma is 0.1: of kind 'circuit' nothing is guessed"),
        ({"bandwidth": 0.0}, "ReadNoise.bandwidth is 0: it must be above 0"),
        ({"temperature": -3.0}, "ReadNoise.temperature is -3: it must be above 0"),
        ({"flicker": -1.0}, "ReadNoise.flicker is -1: it must be at least 0"),
        ({"lowest": 2e12}, r"ReadNoise.lowest is 2e\+12: it must be below the bandwidth, 1e\+12"),
    ],
)
def test_bad_settings_are_named(settings, message):
    """Would break if a number out of its bounds were taken."""
    with pytest.raises(InputError, match=message):
        noise(**settings)


def test_nonlinear_cells_are_refused():
    """Would break if their noise were that of another law in silence."""
    with pytest.raises(InputError, match=r"which is of linear cells, and law.kind is 'sinh'"):
        hardware(law=CellLaw(kind="sinh"))


def test_idle_settings_are_told():
    """Would break if a setting that changes nothing were passed over."""
    assert hardware().idle["cells.read_noise.lowest"] == "cells.read_noise.flicker"
    assert hardware(ReadNoise(0.1)).idle["cells.read_noise.bandwidth"] == "cells.read_noise.kind"
