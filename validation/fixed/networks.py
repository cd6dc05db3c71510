"""Networks on crossbars: forward, backward, time, gains, summaries, chips in files and training."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fixed.devices import EFFECTS
from fixed.record import Case
from xbarsim.nn import Converter, Encoding, Hardware, Law, Mapping, Tiles, Wires, convert, preset
from xbarsim.nonideal import Drift, Levels, Nonidealities

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.use_deterministic_algorithms(True)

SMALL = Hardware(tiles=Tiles(16, 12), wires=Wires(word=2.0, bit=1.0, driver=3.0, sense=1.5))
STATES = {"r_on": 1e4, "r_off": 1e6}


class Residual(nn.Module):
    """Grouped convolutions with norms, and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, groups=2, padding=1, padding_mode="circular", dilation=1)
        self.conv1d = nn.Conv1d(6, 4, 5, stride=2)
        self.head = nn.Linear(4 * 30, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.conv2(x)) + x
        return self.head(torch.relu(self.conv1d(x.flatten(2))).flatten(1))


class Series(nn.Module):
    """Recurrent layers behind each other."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(5, 6, batch_first=True)
        self.lstm = nn.LSTM(6, 7, num_layers=2, bidirectional=True, proj_size=3, batch_first=True)
        self.gru = nn.GRU(6, 4, batch_first=True)
        self.cell = nn.LSTMCell(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.gru(self.lstm(self.rnn(x)[0])[0])[0]
        return torch.cat(self.cell(x[:, -1]), dim=1)


class Attention(nn.Module):
    """A transformer's layer and attention of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(x)
        return self.attention(x, x, x)[0].mean(1)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Linear(20, 5))


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(54, 12), nn.ReLU(), nn.Linear(12, 4),
    )  # fmt: skip


def binary() -> nn.Module:
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 16, bias=False), nn.BatchNorm1d(16), nn.Hardtanh(), nn.Linear(16, 4)
    )
    for layer in (model[1], model[4]):
        layer.weight.data.sign_()
    return model


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (mlp, (5, 1, 6, 6)),
    "lenet": (lenet, (4, 1, 6, 6)),
    "residual": (Residual, (3, 3, 8, 8)),
    "series": (Series, (3, 4, 5)),
    "attention": (Attention, (2, 3, 8)),
    "binary": (binary, (5, 1, 6, 6)),
}
HARDWARE: dict[str, Hardware] = {
    "rram-64": preset("rram-64"),
    "rram-64-8bit": preset("rram-64-8bit"),
    "rram-128": preset("rram-128"),
    "small tiles": SMALL,
    "ideal": replace(SMALL, fidelity="ideal"),
    "reference": replace(SMALL, mapping=Mapping("reference")),
    "offset by column": replace(SMALL, mapping=Mapping("offset", per="column")),
    "dynamic scale": replace(SMALL, mapping=Mapping(scale="dynamic")),
    "slices": replace(SMALL, mapping=Mapping("offset", slices=2, slice_bits=3)),
    "slices, differential": replace(
        SMALL, mapping=Mapping(slices=2, slice_bits=2), cells=Nonidealities(levels=Levels(4))
    ),
    "levels": replace(SMALL, mapping=Mapping("reference"), cells=Nonidealities(levels=Levels(16))),
    "two levels": replace(SMALL, mapping=Mapping("reference"), cells=Nonidealities(levels=Levels(2))),
    "converters": replace(SMALL, dac=Converter(6), adc=Converter(7, per="column")),
    "converters by batch": replace(SMALL, dac=Converter(5, range="batch"), adc=Converter(6, range="batch", per="tile")),
    "converters in full": replace(SMALL, dac=Converter(8, range=2.0), adc=Converter(10, range="full")),
    "one bit": replace(SMALL, dac=Converter(1), adc=Converter(8)),
    "bit-serial": replace(SMALL, encoding=Encoding("bit-serial", volts=0.3), dac=Converter(4), adc=Converter(8)),
    "sinh": replace(SMALL, law=Law("sinh", v0=0.3), dac=Converter(range=1.0)),
    "selector": replace(SMALL, law=Law("selector", v0=0.05, i0=1e-6), dac=Converter(range=1.0)),
}
for effect, options in EFFECTS.items():
    HARDWARE[f"effect {effect}"] = replace(SMALL, cells=Nonidealities(**STATES, **options))


def built(name: str) -> tuple[nn.Module, Tensor]:
    make, shape = MODELS[name]
    with torch.random.fork_rng():
        torch.manual_seed(sum(map(ord, name)))
        model = make().eval()
        return model, torch.randn(shape)


def programmed(name: str, hardware: Hardware, seed: int = 1, **options: Any) -> tuple[Any, Tensor]:
    model, x = built(name)
    time = 1.0 if hardware.cells.drift else None
    network = convert(model, hardware, **options).program(seed, time=time)
    if "calibrated" in (hardware.adc.range, hardware.dac.range):
        network.calibrate([x])
    return network, x


def forward(name: str, hardware: Hardware, **options: Any) -> dict[str, Any]:
    """Return outputs, what was programmed, and gradients of inputs and weights where there are any."""
    network, x = programmed(name, hardware, **options)
    with torch.no_grad():
        values: dict[str, Any] = {"outputs": network(x), "again": network(x)}
    for layer_name, layer in network.layers.items():
        if layer.chip is not None:
            values[f"{layer_name} tiles"] = [tile.crossbar.conductance for tile in layer.tiles]
            values[f"{layer_name} ranges"] = [
                (tile.rows.start, tile.rows.stop, *_columns(tile.cols)) for tile in layer.tiles
            ]
        values[f"{layer_name} clipped"] = float(layer.clipped)
    if hardware.law.kind == "linear":
        values["parameters"] = [
            parameter for layer in network.layers.values() for parameter in layer.effective_parameters()
        ]
        x = x.clone().requires_grad_()
        network(x).square().sum().backward()
        values["inputs' gradient"] = x.grad
        values["weights' gradients"] = {key: value.grad for key, value in network.named_parameters()}
    return values | {"summary": str(network.summary()), "text": repr(network), "idle": dict(hardware.idle)}


def _columns(cols: Any) -> tuple[int, ...]:
    return (cols.start, cols.stop) if isinstance(cols, slice) else tuple(int(column) for column in cols)


def aged(name: str, hardware: Hardware) -> dict[str, Any]:
    network, x = programmed(name, hardware)
    with torch.no_grad():
        values = {f"{seconds:g} s": network.at(seconds)(x) for seconds in (1.0, 60.0, 1e6)}
        values |= {f"{seconds:g} s, scaled": network.at(seconds, compensate=True)(x) for seconds in (60.0, 1e6)}
        return values | {"summary": str(network.summary(x))}


def gains(name: str, hardware: Hardware) -> dict[str, Any]:
    network, x = programmed(name, hardware)
    values: dict[str, Any] = {}
    with torch.no_grad():
        for per in ("layer", "output"):
            values[per] = network.fit_gains(per=per)(x)
            values[f"{per} gains"] = [torch.as_tensor(layer.gain) for layer in network.layers.values()]
    first = next(iter(network.layers.values()))
    first.gain, first.shift = nn.Parameter(torch.tensor(1.2)), nn.Parameter(torch.tensor(0.1))
    network(x).square().sum().backward()
    values["trained"] = [first.gain.grad, first.shift.grad]
    return values | {"plain": [value for _, value in sorted(network.to_torch().state_dict().items())]}


def stored(name: str, hardware: Hardware) -> dict[str, Any]:
    """Save chips and weights, and put both into a new network."""
    network, x = programmed(name, hardware)
    with tempfile.TemporaryDirectory() as folder:
        network.save_chips(Path(folder) / "chips.npz")
        torch.save(network.state_dict(), Path(folder) / "weights.pt")
        again = convert(built(name)[0], hardware).load_chips(Path(folder) / "chips.npz")
        again.load_state_dict(torch.load(Path(folder) / "weights.pt", weights_only=True))
        if hardware.cells.drift:
            again.at(1.0)
        names = sorted(np.load(Path(folder) / "chips.npz").files)
    copied = copy.deepcopy(network)
    with torch.no_grad():
        return {"outputs": again(x), "copied": copied(x), "state": sorted(network.state_dict()), "entries": names}


def trained(name: str, hardware: Hardware) -> dict[str, Any]:
    """Take two steps through the circuit."""
    network, x = programmed(name, hardware)
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        outputs = network(x)
        loss = functional.cross_entropy(outputs, torch.arange(len(x)) % outputs.shape[1])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    with torch.no_grad():
        values = {"losses": losses, "outputs": network.eval()(x)}
    return values | {"weights": dict(network.state_dict()), "reads": [layer.reads for layer in network.layers.values()]}


def checked(name: str, hardware: Hardware) -> dict[str, Any]:
    """Solve a layer's arrays one by one, as docs/networks.md does."""
    network, x = programmed(name, hardware)
    layer = list(network.layers.values())[-1]
    inputs = torch.from_numpy(np.random.default_rng(3).normal(size=(3, layer.weight.shape[1]))).float()
    volts = layer.encode(inputs)
    currents = [tile.solve(volts).reshape(*volts.shape[:-1], -1) for tile in layer.tiles]
    return {"volts": volts, "currents": currents, "decoded": layer.decode(currents), "prepared": x}


REFUSED: dict[str, Callable[[], Any]] = {
    "not programmed": lambda: convert(mlp(), SMALL)(torch.ones(1, 36)),
    "not calibrated": lambda: convert(mlp(), preset("rram-64-8bit")).program(1)(torch.ones(1, 36)),
    "no time": lambda: convert(mlp(), Hardware(cells=Nonidealities(drift=Drift(0.1)))).program(1)(torch.ones(1, 36)),
    "transposed": lambda: convert(nn.Sequential(nn.ConvTranspose2d(1, 1, 3)), SMALL),
    "bilinear": lambda: convert(nn.Sequential(nn.Bilinear(2, 3, 4)), SMALL),
    "no layer": lambda: convert(nn.Sequential(nn.ReLU()), SMALL),
    "unknown digital": lambda: convert(mlp(), SMALL, digital=("head",)),
    "unknown override": lambda: convert(mlp(), SMALL, overrides={"head": SMALL}),
    "no hardware": lambda: convert(mlp(), "rram-64"),
    "unknown preset": lambda: preset("rram-32"),
    "one column": lambda: Hardware(tiles=Tiles(4, 1), mapping=Mapping("reference")),
    "bits of 0": lambda: Converter(0),
    "bit-serial without bits": lambda: Hardware(encoding=Encoding("bit-serial")),
    "a law's number": lambda: Law(v0=0.3),
    "dac by tile": lambda: Hardware(dac=Converter(4, per="tile")),
    "levels without zero": lambda: Hardware(
        mapping=Mapping("reference"), cells=Nonidealities(levels=Levels(16, spacing="resistance"))
    ),
    "gradient of a law": lambda: programmed("mlp", HARDWARE["sinh"])[0](torch.ones(1, 36, requires_grad=True)),
    "whole numbers": lambda: programmed("mlp", SMALL)[0](torch.ones(1, 36, dtype=torch.int64)),
    "chips of another model": lambda: other_chips(),
    "json of another kind": lambda: Hardware.from_json("{\"wires\": 3}"),
    "unknown setting": lambda: Hardware.from_dict({"wire": {}}),
}  # fmt: skip


def other_chips() -> None:
    with tempfile.TemporaryDirectory() as folder:
        programmed("mlp", SMALL)[0].save_chips(Path(folder) / "chips.npz")
        os.chdir(folder)
        try:
            convert(lenet(), SMALL).load_chips("chips.npz")
        finally:
            os.chdir("/")


def refused(action: Callable[[], Any]) -> dict[str, Any]:
    try:
        action()
    except Exception as error:
        return {"text": str(error), "label": type(error).__name__}
    return {"text": "not refused"}


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    for model in MODELS:
        chip = "effect faults" if model == "series" else "effect everything"
        for name in ("rram-64", "rram-64-8bit", "small tiles", "ideal", "reference", "converters", chip):
            bank[f"{model} on {name}"] = partial(forward, model, HARDWARE[name])
        bank[f"{model}, trained"] = partial(trained, model, SMALL)
        bank[f"{model}, stored"] = partial(stored, model, HARDWARE[chip])
        bank[f"{model}, gains"] = partial(gains, model, SMALL)
    for name, hardware in HARDWARE.items():
        for model in ("mlp", "lenet"):
            bank[f"{model} on {name}"] = partial(forward, model, hardware)
        bank[f"record of {name}"] = partial(lambda hardware: {"json": hardware.to_json()}, hardware)
        bank[f"mlp on {name}, checked"] = partial(checked, "mlp", hardware)
        if hardware.law.kind == "linear":
            bank[f"mlp on {name}, trained"] = partial(trained, "mlp", hardware)
        bank[f"mlp on {name}, stored"] = partial(stored, "mlp", hardware)
    for name in ("effect drift", "effect everything"):
        for model in ("mlp", "lenet") if name == "effect everything" else ("mlp", "lenet", "series"):
            bank[f"{model} on {name}, aged"] = partial(aged, model, HARDWARE[name])
    choices: dict[str, dict[str, Any]] = {
        "bias in a row": {"bias": "row"},
        "norms folded": {"fold_batchnorm": True},
        "head left digital": {"digital": ("head",)},
        "head on other hardware": {"overrides": {"head": preset("rram-64")}},
    }
    for name, options in choices.items():
        bank[f"residual, {name}"] = partial(forward, "residual", SMALL, **options)
    for name, action in REFUSED.items():
        bank[f"refused: {name}"] = partial(refused, action)
    return bank
