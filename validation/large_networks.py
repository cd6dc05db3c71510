"""Networks of many arrays: programmed and run, in the time and within the memory that ``plan`` foresaw.

python validation/large_networks.py                     # a ResNet-18, and layers of up to 10,000 arrays of 64x64
python validation/large_networks.py --arrays 100000     # up to 100,000
python validation/large_networks.py --write             # and writes validation/results/large_networks.md

Each network runs in a process of its own. Peaks are those of whole processes: Python, torch, compiled kernels, the
model that was converted, and the network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import provenance
import torch
from torch import Tensor, nn

from xbarsim.nn import Hardware, convert, plan, zoo
from xbarsim.resources import thread_count

OUTPUTS = 16_000
"""Of the wide layers: 250 arrays of each plane side by side."""


def resnet(arrays: int) -> tuple[nn.Module, Tensor]:
    return zoo.build("resnet-18", (3, 32, 32), 10).eval(), torch.rand(1, 3, 32, 32)


def wide(arrays: int) -> tuple[nn.Module, Tensor]:
    inputs = 64 * max(1, arrays * 64 // (2 * OUTPUTS))
    return nn.Linear(inputs, OUTPUTS, bias=False), torch.rand(4, inputs)


NETWORKS = {"ResNet-18, one 32x32 image": resnet, "a layer, 4 vectors": wide}


@dataclass(frozen=True)
class Outcome:
    """Of one network: seconds and bytes, and what was foreseen of them."""

    arrays: int
    cells: int
    program: float
    program_foreseen: float
    first: float
    run: float
    run_foreseen: float
    peak: int
    peak_foreseen: int
    weights: int

    def row(self, name: str, kind: str) -> str:
        program = "" if kind == "recompute" else f"{self.program:.3g} ({self.program_foreseen:.3g})"
        beside = (self.peak - 2 * self.weights) / 1e6
        return (
            f"| {name} | {kind} | {self.arrays} | {self.cells / 1e6:.1f} M | {program} | {self.run:.3g} "
            f"({self.run_foreseen:.3g}) | {self.peak / 1e6:.0f} ({self.peak_foreseen / 1e6:.0f}) | {beside:.0f} |"
        )


HEADING = (
    "| network | maps | arrays | cells | convert, program and prepare, s (foreseen) | a pass, s (foreseen) | "
    "peak, MB (foreseen) | without weights of model and network |\n|---|---|---|---|---|---|---|---|"
)


class Progress:
    """Says every five seconds how many arrays are ready, how fast, and for how long it goes on."""

    def __init__(self) -> None:
        self.start = self.latest = time.perf_counter()

    def __call__(self, count: int, whole: int) -> None:
        now = time.perf_counter()
        if now - self.latest > 5.0:
            self.latest, rate = now, count / (now - self.start)
            left = (whole - count) / rate
            print(f"  {count} of {whole} arrays, {rate:.0f} a second, {left:.0f} s left", file=sys.stderr)


def peak() -> int:
    """The process's, in bytes; Linux counts kilobytes."""
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def tried(name: str, kind: str, arrays: int) -> Outcome:
    """Foresee, then program and run one network, in this process."""
    network_of = NETWORKS[name]
    # What is small enough is there, so that torch's own time is known.
    with torch.device("cpu" if network_of is resnet else "meta"):
        model, inputs = network_of(arrays)
    foreseen = plan(model, Hardware(), inputs, map_storage=kind)
    model, inputs = network_of(arrays)
    start = time.perf_counter()
    network = convert(model, Hardware()).eval().keep_maps(kind).program(0).prepare(Progress())
    program = time.perf_counter() - start
    network.progress = Progress()
    seconds = []
    with torch.no_grad():
        for _ in range(1 if kind == "recompute" else 6):
            start = time.perf_counter()
            network(inputs)
            seconds.append(time.perf_counter() - start)
    return Outcome(
        foreseen.arrays, foreseen.cells, program, foreseen.program_seconds, seconds[0], min(seconds),
        foreseen.run_seconds, peak(), foreseen.whole, sum(layer.weights for layer in foreseen.layers),
    )  # fmt: skip


def in_process(name: str, kind: str, arrays: int) -> Outcome:
    command = [sys.executable, __file__, "--case", json.dumps([name, kind, arrays])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    command = provenance.parser(__doc__)
    command.add_argument("--arrays", type=int, default=10_000, help="of the largest layer")
    command.add_argument("--case", help="one network, in this process")
    arguments = command.parse_args()
    if arguments.case:
        print(json.dumps(asdict(tried(*json.loads(arguments.case)))))
        return
    small, large = NETWORKS
    most = arguments.arrays
    cases = [(small, "float32", 0), (large, "float32", most // 4)]
    cases += [(large, "recompute", count) for count in (most // 4, most)]
    rows = [HEADING]
    print(HEADING)
    for case in cases:
        rows.append(in_process(*case).row(*case[:2]))
        print(rows[-1], flush=True)
    if arguments.write:
        head = f"# Networks of many arrays\n\n64x64 arrays, differential, 1 ohm, {thread_count()} threads.\n\n"
        provenance.write_page("large_networks.md", head + "\n".join(rows))


if __name__ == "__main__":
    main()
