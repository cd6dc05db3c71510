"""Random networks on crossbars against a second implementation that shares no code with ``xbarsim.nn``.

    python validation/layers.py                       # 1,000 networks
    python validation/layers.py --seed 5000 --count 100
    python validation/layers.py --write               # and writes validation/results/layers.md

``tests/nn_reference.py`` is the second implementation, in plain numpy from the documentation. Outputs in float64 are
compared relative to the largest; so is what ``encode``, each array's own circuit and ``decode`` make of the last layer.
A number that falls within 1e-7 of a step of the edge of a step of a converter, a level or a slice goes either way with
rounding, and an output whose parts cancel is nothing else: networks that differ and have such ties are counted apart.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import provenance
import torch
from torch import nn

sys.path.insert(0, str(provenance.ROOT / "tests"))
from nn_reference import Geometry, ReferenceLayer

from xbarsim.errors import InputError
from xbarsim.nn import Converter, Encoding, Hardware, Law, Mapping, Tiles, Wires, convert
from xbarsim.nonideal import Faults, Levels, Nonidealities, Variation

AGREE = 1e-9
"""Relative to the largest output; two solutions of a circuit with a sinh law differ by up to 1e-11 of a current."""

LAWS: dict[str, tuple[str, ...]] = {"linear": (), "sinh": ("v0",), "selector": ("v0", "i0")}


@dataclass(frozen=True)
class Case:
    """A network with what it runs on, and data."""

    seed: int
    model: nn.Sequential
    hardware: Hardware
    bias: str
    calibration: list[np.ndarray]
    x: np.ndarray

    @property
    def words(self) -> list[str]:
        """What it has, for counting."""
        hw, first = self.hardware, self.model[0]
        words = [hw.mapping.kind, hw.fidelity, f"{hw.law.kind} cells", f"{hw.encoding.kind} inputs"]
        words += [type(first).__name__, f"scale {hw.mapping.scale} per {hw.mapping.per}"]
        words += ["slices"] * (hw.mapping.slices > 1) + ["levels"] * (hw.cells.levels is not None)
        words += [f"DAC range {_word(hw.dac)}"] * (hw.dac.bits is not None)
        words += [f"ADC range {_word(hw.adc)}"] * (hw.adc.bits is not None)
        words += ["converter of 1 bit"] * (1 in (hw.dac.bits, hw.adc.bits)) + ["bias row"] * (self.bias == "row")
        words += ["groups"] * (getattr(first, "groups", 1) > 1) + ["padding"] * (_padding(first) > 0)
        return words + ["faults or variation"] * bool(hw.cells.faults or hw.cells.variation)


def _word(converter: Converter) -> str:
    return converter.range if isinstance(converter.range, str) else "a number"


def _padding(layer: nn.Module) -> int:
    return max(getattr(layer, "padding", (0,)))


@dataclass(frozen=True)
class Compared:
    """One network: its largest differences, and its ties."""

    case: Case
    difference: float
    circuits: float
    ties: int

    @property
    def agrees(self) -> bool:
        return max(self.difference, self.circuits) <= AGREE


def draw(seed: int) -> Case:
    """Return the case of a seed."""
    rng = np.random.default_rng(seed)
    drawn = hardware(rng)
    model, shape = _model(rng, 3 if drawn.law.kind == "linear" else 1)
    model = model.double().eval().requires_grad_(False)
    bias = str(rng.choice(["digital", "row"]))
    if bias == "row" and isinstance(drawn.dac.range, float) and drawn.dac.range < 1.0:
        bias = "digital"
    batch, size = int(rng.integers(1, 4)), 10.0 ** rng.uniform(-2.0, 1.5)
    calibration = [_data(rng, (batch, *shape), size) for _ in range(int(rng.integers(1, 3)))]
    return Case(seed, model, drawn, bias, calibration, _data(rng, (batch, *shape), size * rng.uniform(0.5, 1.5)))


def _data(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> np.ndarray:
    """Return inputs of both signs, some of them exactly 0."""
    return size * rng.normal(size=shape) * (rng.random(shape) > 0.1)


def hardware(rng: np.random.Generator) -> Hardware:
    """Return random hardware."""
    while True:
        try:
            return _hardware(rng)
        except InputError:  # two settings that exclude each other
            continue


def _hardware(rng: np.random.Generator) -> Hardware:
    kind = str(rng.choice(["amplitude", "amplitude", "bit-serial"]))
    # Without bits a DAC clips nothing, and nonlinear cells at volts far beyond their own have no solution.
    law = str(rng.choice(["linear"] * 8 + ["sinh", "selector"]))
    constants = {"v0": rng.uniform(0.1, 0.5), "i0": 10.0 ** rng.uniform(-8.0, -6.0)}
    wires = [float(rng.choice([0.0, 1.0])) * 10.0 ** rng.uniform(-1.0, 1.5) for _ in range(4)]
    r_on = 10.0 ** rng.uniform(3.0, 5.0)
    levels = None
    if rng.random() < 0.4:
        levels = Levels(int(rng.integers(2, 24)), str(rng.choice(["conductance"] * 4 + ["log", "resistance"])))
    dac = _converter(rng, 10.0 ** rng.uniform(-1.0, 1.0), per=False, always=kind == "bit-serial")
    if law != "linear" and dac.bits is None and dac.range != "batch":
        dac = Converter()
    cells = Nonidealities(
        r_on=r_on,
        r_off=r_on * 10.0 ** rng.uniform(0.5, 4.0),
        levels=levels,
        faults=Faults(0.05) if rng.random() < 0.3 else None,
        variation=Variation(0.1) if rng.random() < 0.3 else None,
    )
    mapping = Mapping(
        str(rng.choice(["differential", "reference", "offset"])),
        scale=str(rng.choice(["frozen", "frozen", "dynamic"])),
        per=str(rng.choice(["layer", "column"])),
        slices=int(rng.choice([1, 1, 2, 3])),
        slice_bits=int(rng.integers(1, 4)),
    )
    return Hardware(
        tiles=Tiles(int(rng.integers(2, 12)), int(rng.integers(2, 9))),
        cells=cells,
        law=Law(law, **{name: value for name, value in constants.items() if name in LAWS[law]}),
        wires=Wires(*wires),
        mapping=mapping,
        encoding=Encoding(kind, rng.uniform(0.1, 0.5)),
        dac=dac,
        adc=_converter(rng, 10.0 ** rng.uniform(-1.0, 1.0) / r_on, per=True),
        fidelity=str(rng.choice(["accurate", "accurate", "ideal"])),
    )


def _converter(rng: np.random.Generator, number: float, *, per: bool, always: bool = False) -> Converter:
    bits = int(rng.choice([1, 2, 4, 6, 8, 12])) if always or rng.random() < 0.6 else None
    whole = [number, "batch", "full", "calibrated", "calibrated", "calibrated"]
    shared = str(rng.choice(["layer", "tile", "column"])) if per else "layer"
    return Converter(bits, whole[int(rng.integers(len(whole)))], shared)


def _model(rng: np.random.Generator, size: int) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Return one or two layers, and the shape of an input."""
    torch.manual_seed(int(rng.integers(1 << 31)))
    kind = str(rng.choice(["linear", "conv1d", "conv2d"]))
    has_bias = bool(rng.random() < 0.7)
    if kind == "linear":
        inputs, outputs = (int(one) for one in rng.integers(1, 8 * size, 2))
        model, shape = nn.Sequential(nn.Linear(inputs, outputs, has_bias)), (inputs,)
    else:
        dims, conv = (1, nn.Conv1d) if kind == "conv1d" else (2, nn.Conv2d)
        groups = int(rng.integers(1, 4))
        kernel, stride, dilation = ([int(one) for one in rng.integers(1, high, dims)] for high in (4, 3, 3))
        padding = [int(rng.integers(0, 3)) for _ in range(dims)]
        mode = str(rng.choice(["zeros", "zeros", "reflect", "circular", "replicate"]))
        layer = conv(
            groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 4)), tuple(kernel), tuple(stride),
            tuple(padding), tuple(dilation), groups, has_bias, mode,
        )  # fmt: skip
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        places = [max(r - 2 * p, p + 1) + int(rng.integers(0, 3)) for r, p in zip(reach, padding, strict=True)]
        model, shape = nn.Sequential(layer), (layer.in_channels, *places)
    with torch.no_grad():
        width = model(torch.zeros(1, *shape))[0].numel()
    if rng.random() < 0.4 and width <= 24 * size:
        model.extend([nn.ReLU(), nn.Flatten(), nn.Linear(width, int(rng.integers(1, 5)))])
    return model, shape


def reference(case: Case, chips: list[Any]) -> list[ReferenceLayer]:
    """Return the same layers by the second implementation, frozen and calibrated."""
    torch_layers = [module for module in case.model if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)]
    references = []
    for layer, chip in zip(torch_layers, chips, strict=True):
        bias = None if layer.bias is None else layer.bias.detach().numpy().copy()
        reference_layer = ReferenceLayer(
            layer.weight.detach().numpy().copy(), bias, case.hardware, chip, case.bias == "row" and bias is not None
        )
        if not isinstance(layer, nn.Linear):
            how = (layer.stride, layer.padding, layer.dilation)
            reference_layer.geometry = Geometry(*how, layer.groups, layer.padding_mode)
        reference_layer.freeze()
        references.append(reference_layer)
    return references


def run(layers: list[ReferenceLayer], batches: list[np.ndarray]) -> list[np.ndarray]:
    """Return what batches are behind layers with rectifiers between them, the last one's outputs as they are."""
    for number, layer in enumerate(layers):
        if number:
            batches = [np.maximum(batch, 0.0).reshape(len(batch), -1) for batch in batches]
        batches = [layer(batch) for batch in batches]
    return batches


def compare(case: Case) -> Compared:
    """Run a case both ways."""
    network = convert(case.model, case.hardware, bias=case.bias, fold_batchnorm=False).program(case.seed).eval()
    layers = reference(case, list(network.chips.values()))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        network.calibrate([torch.from_numpy(one) for one in case.calibration])
        for number, layer in enumerate(layers):
            arrived = run(layers[:number], case.calibration)
            if number:
                arrived = [np.maximum(one, 0.0).reshape(len(one), -1) for one in arrived]
            layer.calibrate(arrived)
        ours = network(torch.from_numpy(case.x)).numpy()
        theirs = run(layers, [case.x])[0]
        circuits = _by_circuits(next(iter(network.layers.values())), torch.from_numpy(case.x))
    return Compared(case, _apart(ours, theirs), circuits, sum(layer.ties.count for layer in layers))


def _by_circuits(layer: Any, x: torch.Tensor) -> float:
    """Return how far a layer is from its own ``encode``, its arrays solved one by one, and ``decode``."""
    y = layer(x)
    volts = layer.encode(x)
    shape = (*volts.shape[:-1], -1)
    currents = [tile.solve(volts).reshape(shape) for tile in layer.tiles]
    rows = y.movedim(1, -1).reshape(-1, y.shape[1])
    return _apart(layer.decode(currents).numpy(), rows.numpy())


def _apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    size = float(np.abs(theirs).max())
    gap = float(np.abs(ours - theirs).max())
    return gap / size if size else gap


def report(trials: list[Compared], arguments: str) -> str:
    """Return what the results file says."""
    apart = [trial for trial in trials if not trial.agrees]
    tied = [trial for trial in apart if trial.ties]
    equal = [trial for trial in trials if trial.agrees]
    words = Counter(word for trial in trials for word in trial.case.words)
    rows = "\n".join(f"| {word} | {count} |" for word, count in sorted(words.items()))
    return (
        "# Random networks against a second implementation\n\n"
        f"`python validation/layers.py{arguments}`: {len(trials)} networks of one or two layers, float64.\n\n"
        "| | |\n|---|---|\n"
        f"| agree to {AGREE:g} of the largest output | {len(equal)} |\n"
        f"| largest difference of these | {max((t.difference for t in equal), default=0.0):.1e} |\n"
        f"| the same by `encode`, circuits and `decode` | {max((t.circuits for t in equal), default=0.0):.1e} |\n"
        f"| differ, with a number at an edge that rounding decides | {len(tied)} |\n"
        f"| differ otherwise | {len(apart) - len(tied)} |\n\n"
        f"| what they have | networks |\n|---|---|\n{rows}\n"
    )


def main() -> None:
    options = provenance.parser(__doc__, count=1000).parse_args()
    torch.set_num_threads(1)
    start, trials = time.perf_counter(), []
    for seed in range(options.seed, options.seed + options.count):
        trial = compare(draw(seed))
        trials.append(trial)
        if not trial.agrees:
            print(
                f"seed {seed}: {trial.difference:.2g}, circuits {trial.circuits:.2g}, ties {trial.ties}: "
                f"{trial.case.words}"
            )
    text = report(trials, " --write" if options.write else "")
    print(text + f"{time.perf_counter() - start:.0f} s")
    if options.write:
        provenance.write_page("layers.md", text)
    if any(not trial.agrees and not trial.ties for trial in trials):
        sys.exit(1)


if __name__ == "__main__":
    main()
