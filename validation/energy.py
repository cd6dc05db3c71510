"""Energy: its balance, joules of networks beside solves of all vectors, and what inference takes with it.

python validation/energy.py            # prints it
python validation/energy.py --write    # to validation/results/energy.md

Seconds are the processor's, of one thread, medians of one run, with and without ``energy.read`` in turns.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time
from dataclasses import replace

import numpy as np
import provenance
import torch

from xbarsim import Crossbar, Device, LineEnds, Sinh, Transistor, solve
from xbarsim.energy import power_split
from xbarsim.nn import Converter, CrossbarNetwork, Encoding, Hardware, Law, Mapping, ReadEnergy, convert, preset
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer
from xbarsim.nn.zoo import build
from xbarsim.nonideal import Breaks, Faults, Nonidealities

COUNT = 200
READ = ReadEnergy(read=1e-7)
BASE = replace(preset("rram-64"), energy=READ)
NETWORKS = {
    "differential": BASE,
    "bit-serial inputs of 6 bits": replace(BASE, encoding=Encoding("bit-serial"), dac=Converter(6), adc=Converter(8)),
    "a reference column, 2 slices": replace(BASE, mapping=Mapping("reference", slices=2)),
    "10 % stuck cells, 1 % broken segments": replace(
        BASE, cells=Nonidealities(faults=Faults(0.1), breaks=Breaks(0.01, 0.01))
    ),
    "sinh cells": replace(BASE, law=Law("sinh", v0=0.2)),
}
COSTS = (("mlp", "mnist", "rram-64", 9), ("mlp", "mnist", "rram-64-8bit", 5), ("lenet", "mnist", "rram-64", 5))


def drawn(seed: int, device: Device | None) -> Crossbar:
    """A crossbar of up to 24 lines a side, wires of 1e-9 to 1e3 ohm, some broken, ends driven or open."""
    rng = np.random.default_rng(seed)
    rows, cols = (int(side) for side in rng.integers(1, 25, 2))
    ohms = 10 ** rng.uniform(-9.0, 3.0)

    def wires(*shape: int) -> np.ndarray:
        return np.where(rng.random(shape) < 0.03, np.inf, rng.uniform(0.5, 1.5, shape) * ohms)

    def ends(lines: int) -> LineEnds:
        resistance = rng.uniform(0.0, 300.0, lines) + np.where(rng.random(lines) < 0.3, np.inf, 0.0)
        return LineEnds(rng.uniform(-0.3, 0.3, lines), resistance)

    tied = {
        side: ends(rows if side == "word_right" else cols) for side in ("word_right", "bit_top") if rng.random() < 0.5
    }
    if isinstance(device, Transistor):
        device = Transistor(gate=rng.uniform(0.9, 1.5, (rows, 1)), kp=3e-4, lam=0.05)
    return Crossbar(
        10 ** rng.uniform(-6.0, -3.0, (rows, cols)), word_wire=wires(rows, cols - 1), bit_wire=wires(rows - 1, cols),
        driver=rng.uniform(1.0, 300.0, rows), sense=rng.uniform(1.0, 200.0, cols), ends=tied, device=device,
    )  # fmt: skip


def balance(device: Device | None) -> float:
    """Return the worst imbalance over crossbars and three vectors each."""
    worst = 0.0
    for seed in range(COUNT):
        crossbar = drawn(seed, device)
        volts = np.random.default_rng(seed).uniform(-0.5, 0.5, (3, crossbar.shape[0]))
        worst = max(worst, float(power_split(solve(crossbar, volts, fields=True, threads=1)).imbalance.max()))
    return worst


def solved(network: CrossbarNetwork, images: torch.Tensor) -> float:
    """Return an input's joules: all arrays of all layers solved for all vectors that come to them."""
    total = 0.0

    def watch(layer, args, _) -> None:
        nonlocal total
        volts = layer.encode(args[0])
        flat = volts.reshape(-1, volts.shape[-1]).double().numpy()
        for tile in layer.tiles:
            total += float(solve(tile.crossbar, flat[:, tile.lines], threads=1).power.sum())

    handles = [layer.register_forward_hook(watch) for layer in network.layers.values()]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return total * 1e-7 / len(images)


def joules(hardware: Hardware) -> tuple[float, float]:
    """Return an image's joules in a LeNet's arrays, and how far they are from those of all solves."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 1, 28, 28, generator=generator)
    network = convert(build("lenet", (1, 28, 28), 10), hardware).program(0).calibrate(images).eval()
    energy = network.summary(images).energy
    assert energy is not None
    arrays = sum(layer.arrays for layer in energy.layers)
    return arrays, abs(arrays / solved(network, images) - 1.0)


def costs(model: str, data: str, name: str, runs: int) -> tuple[float, float]:
    """Return seconds of ``infer`` on all test images, without and with energy."""
    images, base = load(data), preset(name)
    network = build(model, (1, 28, 28), 10)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(runs + 1):
        for asked in seconds:
            hardware = replace(base, energy=READ) if asked else base
            start = time.process_time()
            infer(network, images, hardware, seeds=[0])
            seconds[asked].append(time.process_time() - start)
    without, beside = (float(np.median(times[1:])) for times in seconds.values())
    return without, beside


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    torch.set_num_threads(1)
    worst = ["| cells | crossbars | worst imbalance |", "|---|---|---|"]
    for name, device in (
        ("linear", None),
        ("sinh", Sinh(v0=0.2)),
        ("behind transistors", Transistor(gate=1.2, kp=3e-4)),
    ):
        worst.append(f"| {name} | {COUNT} | {balance(device):.1e} |")
        print(worst[-1], flush=True)
    nets = ["| hardware | arrays, of an image | from all solves |", "|---|---|---|"]
    for name, hardware in NETWORKS.items():
        arrays, apart = joules(hardware)
        nets.append(f"| {name} | {1e9 * arrays:.4g} nJ | {apart:.1e} |")
        print(nets[-1], flush=True)
    times = ["| network | hardware | infer, s | with energy, s | |", "|---|---|---|---|---|"]
    for model, data, name, runs in COSTS:
        without, beside = costs(model, data, name, runs)
        times.append(f"| {model}, {data} | {name} | {without:.2f} | {beside:.2f} | {beside / without:.2f} |")
        print(times[-1], flush=True)
    text = "\n".join(
        [
            "# Energy", "", "`python validation/energy.py --write`", "",
            "What sources deliver against what cells, wires and ends take, as a part of all that flows through "
            "sources: random crossbars of up to 24 lines a side, wires of 1e-9 to 1e3 ohm, some broken, ends driven, "
            "at 0 V or open.", "", *worst, "",
            "LeNet on 64 x 64 arrays, 100 ns a read, two random images: joules by the sources' admittances beside the "
            "solves of all vectors on all arrays. Volts are in single precision.", "", *nets, "",
            "`infer` on all 10,000 test images, one chip, with `energy.read` and without: programming, calibration "
            "and the errors of layers are in it. Energy is that of 64 images, and costs as much on fewer of them.", "",
            *times, "",
        ]
    )  # fmt: skip
    print(text)
    if arguments.write:
        provenance.write_page("energy.md", text)


if __name__ == "__main__":
    main()
