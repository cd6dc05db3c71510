"""Networks on crossbars: accurate forward against plain torch, programming against SuperLU, a training step.

python validation/networks.py            # prints the table
python validation/networks.py --write    # and writes it to validation/results/networks.md
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import provenance
import splu
import torch
from torch import Tensor, nn

from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLayer, CrossbarLinear, Hardware, convert, preset
from xbarsim.resources import thread_count

BATCH = 100


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def on_crossbars(model: nn.Sequential, hardware: Hardware) -> nn.Sequential:
    def turned(module: nn.Module) -> nn.Module:
        if isinstance(module, nn.Linear):
            return CrossbarLinear.of(module, hardware).program(1)
        return CrossbarConv2d(module, hardware).program(1) if isinstance(module, nn.Conv2d) else module

    return nn.Sequential(*map(turned, model))


def layers(model: nn.Module) -> list[CrossbarLayer]:
    return [module for module in model.modules() if isinstance(module, CrossbarLayer)]


def interleaved(works: list[Callable[[], object]], repetitions: int, pause: float = 0.0) -> list[float]:
    """Median seconds of each, taken in turns; in a pause the threads that the one before left spinning go to sleep."""
    for work in works:
        work()
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(repetitions):
        for work, times in zip(works, seconds, strict=True):
            time.sleep(pause)
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [float(np.median(times)) for times in seconds]


def forward_rows(name: str, model: nn.Sequential, x: Tensor) -> list[str]:
    base = preset("rram-64")
    accurate = convert(model, base).program(1).eval()
    with torch.no_grad():
        plain, exact = interleaved([lambda: model(x), lambda: accurate(x)], 60)
        digitised = replace(base, adc=Converter(bits=8, range="batch", per="tile"))
        wired, ideal = (
            convert(model, replace(digitised, fidelity=kind)).program(1).eval() for kind in ("accurate", "ideal")
        )
        with_wires, without = interleaved([lambda: wired(x), lambda: ideal(x)], 60)
    return [
        row(f"{name}, accurate forward against torch", exact, plain),
        row(f"{name}, 8-bit ADC a tile, accurate against ideal", with_wires, without),
    ]


def row(case: str, ours: float, theirs: float) -> str:
    return f"| {case} | {1e3 * ours:.2f} ms | {1e3 * theirs:.2f} ms | {ours / theirs:.3g} |"


def program_row() -> str:
    accurate = on_crossbars(mlp(), preset("rram-64"))

    def program() -> None:
        for layer in layers(accurate):
            layer.program(1)
            with torch.no_grad():
                layer.prepare()

    arrays = [tile.crossbar for layer in layers(accurate) for tile in layer.tiles]

    def by_splu() -> None:
        for crossbar in arrays:
            splu.effective_map(crossbar)

    ours, theirs = interleaved([program, by_splu], 7, pause=0.3)
    return row(
        f"programming the MLP, {len(arrays)} maps, {thread_count()} threads, against SuperLU (one)", ours, theirs
    )


def training_row(x: Tensor) -> str:
    accurate = on_crossbars(mlp(), preset("rram-64"))
    target = torch.randint(0, 10, (BATCH,), generator=torch.Generator().manual_seed(0))

    def step() -> None:
        accurate.zero_grad()
        nn.functional.cross_entropy(accurate(x), target).backward()

    def forward() -> None:
        with torch.no_grad():
            for layer in layers(accurate):
                layer.program(1)
            accurate(x)

    whole, once = interleaved([step, forward], 7, pause=0.3)
    return row("a training step of the MLP against programming and forward", whole, once)


def main() -> None:
    arguments = provenance.parser(__doc__).parse_args()
    torch.manual_seed(0)
    x = torch.rand(BATCH, 784)
    rows = ["| what, batch 100, 64x64 arrays, 1 ohm | ours | against | ratio |", "|---|---|---|---|"]
    rows += forward_rows("MLP 784-128-10", mlp(), x)
    rows += forward_rows("LeNet", lenet(), torch.rand(BATCH, 1, 28, 28))
    rows += [program_row(), training_row(x)]
    text = "\n".join(rows)
    print(text)
    if arguments.write:
        head = "# Networks on crossbars\n\n`python validation/networks.py --write`: medians, taken in turns.\n\n"
        provenance.write_page("networks.md", head + text)


if __name__ == "__main__":
    main()
