"""Speed of nonlinear cells: sinh, 1S1R and 1T1R arrays against linear cells, and against an older commit.

python validation/nonlinear_speed.py                      # this code
python validation/nonlinear_speed.py --baseline CLONE     # and an older commit, whose clone has compiled its kernels
python validation/nonlinear_speed.py --sizes 64 128       # some sizes only
python validation/nonlinear_speed.py --write              # writes validation/results/nonlinear_speed.md

Cells log-uniform 1k..1M, 1 ohm wires and ends, inputs to 0.5 V; one vector, one thread, all node voltages. Each commit
runs in a process of its own and both take turns, so that what else the machine does meets both alike. Times are CPU
seconds of the thread, the smallest of all turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

CASES = ("linear", "sinh", "1s1r", "1t1r", "1t1r, near threshold")
BUDGET = 0.15
"""Seconds of a case in a turn."""


@contextmanager
def counted(module: ModuleType, name: str, counts: list[int]) -> Iterator[None]:
    """Note how many products with the circuit each call of a linear solver takes."""
    solver = getattr(module, name)

    def noting(*arguments: object) -> object:
        answer = solver(*arguments)
        counts.append(int(answer[1]))
        return answer

    setattr(module, name, noting)
    try:
        yield
    finally:
        setattr(module, name, solver)


def serve() -> None:
    """Answer ``[case, size]`` lines with the smallest seconds, Newton steps, products and residual."""
    import numpy as np

    from xbarsim import Crossbar, Linear, Selector, Sinh, Transistor, solve
    from xbarsim.kernels import schur, unsymmetric

    laws = (Linear(), Sinh(0.25), Selector(1e-9, 0.03), Transistor(1.5), Transistor(0.9, lam=0.05))
    devices = dict(zip(CASES, laws, strict=True))
    for line in sys.stdin:
        name, n = json.loads(line)
        rng = np.random.default_rng(n)
        g = 10 ** -rng.uniform(3, 6, (n, n))
        crossbar = Crossbar(g, word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0, device=devices[name])
        volts = rng.uniform(0, 0.5, n)
        counts: list[int] = []
        solution = solve(crossbar, volts, threads=1)
        best, began = 1e9, time.perf_counter()
        while time.perf_counter() - began < BUDGET:
            start = time.thread_time()
            solve(crossbar, volts, threads=1)
            best = min(best, time.thread_time() - start)
        with counted(schur, "solve", counts), counted(unsymmetric, "solve", counts):
            solve(crossbar, volts, threads=1)
        answer = {
            "seconds": best,
            "steps": int(solution.iterations) if name != "linear" else 0,
            "products": sum(counts),
            "residual": solution.residual,
        }
        print(json.dumps(answer), flush=True)


class Server:
    """A process that runs one clone's code."""

    def __init__(self, root: Path) -> None:
        one = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--serve"],
            env=os.environ | one | {"PYTHONPATH": str(root)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, case: str, size: int) -> dict[str, float]:
        """Measure a case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([case, size]), file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


def measured(servers: list[Server], sizes: list[int], turns: int) -> dict[tuple[str, int], list[dict[str, float]]]:
    """Return each case's answers, one for each server: the turn with the smallest seconds."""
    table: dict[tuple[str, int], list[dict[str, float]]] = {}
    for turn in range(turns):
        for n in sizes:
            for case in CASES:
                for k, server in enumerate(servers):
                    answer = server.run(case, n)
                    row = table.setdefault((case, n), [])
                    if len(row) <= k:
                        row.append(answer)
                    elif answer["seconds"] < row[k]["seconds"]:
                        row[k] = answer
        print(f"turn {turn + 1} of {turns}", file=sys.stderr)
    return table


def page(table: dict[tuple[str, int], list[dict[str, float]]], older: str | None) -> str:
    """Return the table as text."""
    head = "| cells | lines | ms | of linear cells | Newton steps | products with the circuit | residual |"
    rule = "|---|---|---|---|---|---|---|"
    if older is not None:
        head, rule = f"{head} ms at {older} | ratio |", f"{rule}---|---|"
    lines = ["# Nonlinear cells: speed", "", head, rule]
    for (case, n), answers in table.items():
        now, linear = answers[0], table["linear", n][0]
        line = (
            f"| {case} | {n} | {1e3 * now['seconds']:.2f} | {now['seconds'] / linear['seconds']:.1f} | "
            f"{now['steps'] or ''} | {now['products']} | {now['residual']:.0e} |"
        )
        if older is not None:
            line += f" {1e3 * answers[1]['seconds']:.2f} | {answers[1]['seconds'] / now['seconds']:.1f} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    import provenance

    parser = provenance.parser(__doc__)
    parser.add_argument("--baseline", type=Path, help="a clone of an older commit, its kernels compiled")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    roots = [provenance.ROOT] + ([options.baseline.resolve()] if options.baseline else [])
    older = None
    if options.baseline:
        command = ["git", "-C", str(options.baseline), "rev-parse", "--short=7", "HEAD"]
        older = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    text = page(measured([Server(root) for root in roots], options.sizes, options.turns), older)
    print(text)
    if options.write:
        provenance.write_page("nonlinear_speed.md", text)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["--serve"] else main()
