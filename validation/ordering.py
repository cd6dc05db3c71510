"""Arrays that are no crossbars, in written and in shuffled order: the general solver against SuperLU at its best.

    python validation/ordering.py                 # 64, 128 and 256 lines
    python validation/ordering.py --sizes 64 --arrays 0 3 --write    # these rows of validation/results/ordering.md

"SuperLU's best" is the fastest of its column orders and pivoting rules on the very same equations as the netlist's
order leaves them, factors and one solution; rules that take over 3 s are stopped. Processor seconds of one thread, the
least of three.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import provenance
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from xbarsim import mna
from xbarsim.mna import VCVS, Branches, Gains, Jacobian, Network, Stamps, System

KINDS = ("a bridge", "missing wires", "amplifiers", "1T1R with leaks")
RULES = [
    {"permc_spec": order, "diag_pivot_thresh": threshold, "options": {"SymmetricMode": threshold < 1}}
    for order in ("MMD_AT_PLUS_A", "COLAMD", "NATURAL")
    for threshold in (0.0, 1.0)
]
LONGEST = 3.0
"""Processor seconds."""


class _Network:
    """Columns of elements as they grow."""

    def __init__(self, lines: int, rng: np.random.Generator) -> None:
        self.lines, self.rng, self.nodes = lines, rng, 1 + 2 * lines * lines
        self.word = 1 + np.arange(lines * lines).reshape(lines, lines)
        self.bit = self.word + lines * lines
        self.columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, a: np.ndarray, b: np.ndarray | int, ohms: np.ndarray | float) -> None:
        table = np.broadcast_arrays(np.ravel(a), np.ravel(b), np.ravel(ohms))
        self.columns.append((table[0].astype(np.int64), table[1].astype(np.int64), table[2].astype(np.float64)))

    def new(self, shape: tuple[int, ...]) -> np.ndarray:
        first, self.nodes = self.nodes, self.nodes + int(np.prod(shape))
        return np.arange(first, self.nodes).reshape(shape)


def network(lines: int, kind: str, shuffled: bool) -> tuple[Network, Stamps | None, np.ndarray]:
    """Return a network, and the stamps and slopes of what is not linear in it."""
    rng = np.random.default_rng([lines, len(kind)])
    built = _Network(lines, rng)
    word, bit = built.word, built.bit
    wires = [(word[:, :-1], word[:, 1:]), (bit[:-1], bit[1:])]
    for a, b in wires:
        keep = np.ones(a.size, bool)
        if kind == "missing wires":
            keep[rng.choice(a.size, 5, replace=False)] = False
        built.add(a.ravel()[keep], b.ravel()[keep], rng.uniform(0.9, 1.1, a.size)[keep])
    inputs = built.new((lines,))
    built.add(inputs, word[:, 0], 10.0)
    stamps, slopes = None, np.zeros(0)
    inner = built.new(word.shape) if kind.startswith("1T1R") else bit
    built.add(word, inner, 10 ** rng.uniform(3, 6, word.size))
    table = {}
    if kind.startswith("1T1R"):
        # Tangents of transistors from inner nodes to bit lines, and leaks from both.
        m, b, size = inner.ravel(), bit.ravel(), word.size
        zero = np.zeros(size, np.int64)
        table = {
            "a": np.concatenate([m, m, m, b]), "b": np.concatenate([b, b, zero, zero]),
            "c": np.concatenate([m, zero, m, b]), "d": np.concatenate([b, b, zero, zero]),
        }  # fmt: skip
        slopes = np.concatenate(
            [10 ** rng.uniform(-6, -3, size), 10 ** rng.uniform(-8, -5, size), np.full(2 * size, 1e-12)]
        )
    gains = Gains()
    if kind == "amplifiers":
        outputs = built.new((lines,))
        built.add(outputs, bit[-1], 1e4)
        gains = Gains(outputs, np.zeros_like(outputs), np.full(lines, -1e5), bit[-1].copy(), np.zeros_like(outputs))
    else:
        built.add(bit[-1], 0, 10.0)
    if kind == "a bridge":
        built.add(word[1, lines // 2], int(word[lines // 2, lines // 2]), 100.0)
    a, b, ohms = (np.concatenate(part) for part in zip(*built.columns, strict=True))
    number, order = np.arange(built.nodes), np.arange(a.size)
    if shuffled:
        number = np.concatenate([[0], 1 + rng.permutation(built.nodes - 1)])
        order = rng.permutation(a.size)
    gains = Gains(number[gains.a], number[gains.b], gains.value, number[gains.c], number[gains.d])
    sources = Branches(number[inputs], np.zeros_like(inputs), rng.uniform(0, 1, lines))
    if table:
        stamps = Stamps(**{name: number[column] for name, column in table.items()})
    return (
        Network(
            built.nodes, Branches(number[a][order], number[b][order], ohms[order]), sources, controlled={VCVS: gains}
        ),
        stamps,
        slopes,
    )


def seconds(run: Callable[[], object], times: int = 3) -> float:
    """Return the least processor time of some runs."""
    best = np.inf
    for _ in range(times):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def superlu(matrix: sp.csc_array, right: np.ndarray) -> tuple[float, str]:
    """Return SuperLU's least time on equations with rows and columns scaled, and the rule that took it."""
    best, best_rule = np.inf, ""
    for rule in RULES:
        if rule["permc_spec"] == "NATURAL" and matrix.shape[0] > 10_000:
            continue  # fills without end
        try:
            # SuperLU cannot be stopped from outside: a first try goes to a process of its own.
            if not _in_time(matrix, rule):
                continue
            least = seconds(lambda rule=rule: splu(matrix, **rule).solve(right), 1)
            if least < 2.0 * best:
                least = min(least, seconds(lambda rule=rule: splu(matrix, **rule).solve(right), 2))
        except RuntimeError:
            continue
        if least < best:
            best, best_rule = least, f"{rule['permc_spec']}, threshold {rule['diag_pivot_thresh']:g}"
    return best, best_rule


def _in_time(matrix: sp.csc_array, rule: dict[str, object]) -> bool:
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)  # which ends the process
        try:
            splu(matrix, **rule)
        except RuntimeError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def row(lines: int, kind: str, shuffled: bool) -> str:
    """Measure one array."""
    circuit, stamps, slopes = network(lines, kind, shuffled)
    system = System(circuit)
    right = system.right(circuit.voltages.value[:, None], np.zeros((0, 1)))
    jacobian: Jacobian | None = None if stamps is None else system.jacobian(stamps)

    def ours() -> None:
        factors = system.factored() if jacobian is None else jacobian.factored(slopes)
        factors.solve(right)

    least = seconds(ours)
    whole = "-" if jacobian is not None else f"{seconds(lambda: mna.solve(circuit)):.2f}"
    factors = system.factored() if jacobian is None else jacobian.factored(slopes)
    matrix = sp.csc_array(factors.wide.astype(np.float64))
    scaled = sp.diags_array(factors.row_scale) @ matrix @ sp.diags_array(factors.col_scale)
    best, rule = superlu(sp.csc_array(scaled), right * factors.row_scale[:, None])
    order = "shuffled" if shuffled else "written"
    return f"| {lines} | {kind} | {order} | {least:.3f} | {best:.3f} | {rule} | {least / best:.1f} | {whole} |"


def main() -> int:
    parser = provenance.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--arrays", type=int, nargs="+", default=range(len(KINDS)), help="numbers of kinds of array")
    arguments = parser.parse_args()
    page = provenance.RESULTS / "ordering.md"
    former_page = page.read_text(encoding="utf-8") if arguments.write and page.exists() else ""
    new_rows = {}
    for size in arguments.sizes:
        for kind in arguments.arrays:
            for shuffled in (False, True):
                line = row(size, KINDS[kind], shuffled)
                new_rows[tuple(line.split(" | ")[:3])] = line
                print(line, file=sys.stderr, flush=True)
    former_rows = (line for line in former_page.splitlines() if re.match(r"\| \d", line))
    rows = {tuple(line.split(" | ")[:3]): line for line in former_rows} | new_rows
    text = [
        "# Arrays that are no crossbars, in written and in shuffled order",
        "",
        "`python validation/ordering.py`",
        "",
        "Processor seconds: equations factored and one solution refined until it holds; SuperLU's best rule on the",
        "same equations, unrefined; the whole of a linear network's solution, from its elements on.",
        "",
        "| lines | array | order | xbarsim | SuperLU | by | times | whole |",
        "|---|---|---|---|---|---|---|---|",
        *sorted(rows.values(), key=lambda line: int(line.split()[1])),
    ]
    print("\n".join(text))
    if arguments.write:
        origins = [provenance.current_origin()]
        if rows.keys() - new_rows:
            origins.append(provenance.origin_of(former_page))
        provenance.write_page("ordering.md", "\n".join(text), provenance.oldest(origins))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
