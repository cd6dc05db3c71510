"""Damaged netlists: xbarsim solves or refuses each with one line, and what it solves is what ngspice solves.

    python validation/fuzz.py                                 # 20,000 netlists
    python validation/fuzz.py --count 500 --compare-every 1 --keep failures
    python validation/fuzz.py --write                         # and writes validation/results/fuzz.md

Each runs in this process, through the command line's own entry. Right is: exit code 0 and numbers without a gap, or 2
or 3 with one line on stderr; no traceback, no warning, an end within 10 s. Where both programs solved and ngspice's log
speaks of no trouble, they agree to 1e-6 of the largest voltage and of the largest current, but for what ``known``
names.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import exact
import numpy as np
import oracle
import provenance
from differential import against, netlist
from mutations import mutate

from xbarsim.analysis.points import points_of
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.simulate import simulate
from xbarsim.cli import main as xbarsim
from xbarsim.netlist import Circuit, read
from xbarsim.netlist.analyses import Analysis, Family, Tran
from xbarsim.netlist.element_kinds import CURRENT, RESISTOR

AGREE = 1e-6
LEAST = 1e-9
"""Volts and amperes under which a circuit is dead, and what ngspice has is rounding."""

SECONDS = 10
MUTANTS = 10
"""How many are made of one drawn netlist."""

SPREAD = 1e10
"""Largest ratio of resistances, and largest gain, at which ngspice's 16 digits should do for 6."""

LARGE = 100_000
"""Points, past which a netlist may take its time."""

MEMORY = 6 << 30
_MEASURE = re.compile(r"error: .{1,800}: \.measure .{1,800} is left out: .{1,800}")
"""What is said of a measure that cannot be taken, also with ``--quiet``, while all else is solved."""

NGSPICE_SECONDS = 5.0


class HangError(BaseException):
    """Not an Exception: nothing on the way may take it for one."""


@dataclass(frozen=True)
class Outcome:
    """What became of one netlist; ``fault`` is empty where all is right."""

    code: int | None
    message: str
    fault: str = ""
    compared: bool = False
    difference: float = 0.0
    excused: str = ""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise HangError after some seconds."""

    def over(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(path: Path) -> Outcome:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: object = "none"
    try:
        with (
            limited(SECONDS),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error")
            xbarsim(["solve", "--format", "json", "--quiet", "--netlist", str(path)])
    except SystemExit as end:
        code = end.code
    except HangError:
        return Outcome(0, "", "" if _points(path) > LARGE else f"no end within {SECONDS} s")
    except BaseException as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return Outcome(None, "", f"{type(error).__name__} at {place}: {str(error)[:100]}")
    message = err.getvalue()
    if code == 0:
        if not all(_MEASURE.fullmatch(line) for line in message.splitlines()):
            return Outcome(0, message, f"solved, but says {message[:100]!r}")
        return Outcome(0, "", _gaps(out.getvalue()))
    if code not in (2, 3):
        return Outcome(None, message, f"exit code {code!r}")
    good = message.startswith("xbarsim: ") and message.count("\n") == 1 and message.endswith("\n")
    if not good or out.getvalue():
        return Outcome(code, message, f"exit code {code} with {message[:100]!r} and {len(out.getvalue())} characters")
    if len(message) > 1000 or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in message[:-1]):
        return Outcome(code, message, f"a message of {len(message)} characters: {message[:100]!r}")
    return Outcome(code, message)


def _points(path: Path) -> int:
    """How many points a netlist asks for in all; 0 where even reading it has no end."""
    try:
        with limited(SECONDS):
            circuit = read(path)
            return sum(_count(circuit, analysis) for analysis in circuit.analyses)
    except HangError:
        return 0


def _count(circuit: Circuit, analysis: Analysis) -> int:
    if not isinstance(analysis, Family):
        return points_of(circuit, analysis).count
    return points_of(circuit, analysis.analysis).count * math.prod(axis.values.size for axis in analysis.axes)


def _gaps(text: str) -> str:
    """Say what is wrong with an answer in itself."""
    try:
        record = json.loads(text)
    except ValueError as error:
        return f"not JSON: {error}"
    for analysis in record["analyses"]:
        for part in ("node_voltages", "source_currents"):
            for name, value in analysis[part].items():
                if value is None or (isinstance(value, list) and None in value):
                    return f"no number for {part} {name}"
        if not analysis["residual"] <= AGREE:
            return f"a residual of {analysis['residual']}"
    return ""


def compare(path: Path) -> tuple[bool, float, str, str]:
    """Return whether ngspice answered, the difference, what excuses it, and the fault."""
    theirs = oracle.run(path, NGSPICE_SECONDS)
    if theirs.status != "ok" or theirs.trouble or not theirs.plots:
        return False, 0.0, "", ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        circuit = read(path)
        times = next((plot.table[:, 0] for plot in theirs.plots if plot.kind == "tran"), None)
        if times is not None:
            analyses = tuple(Tran(times) if isinstance(analysis, Tran) else analysis for analysis in circuit.analyses)
            circuit = replace(circuit, analyses=analyses)
        try:
            results = simulate(circuit, circuit.recognise())
            difference, where = against(results, theirs.plots, _least(circuit))
            fault = "" if difference <= AGREE else f"{difference:.1e} from ngspice at {where}"
        except ValueError as error:
            difference, fault = np.inf, f"not what ngspice has: {error}"
    if not fault:
        return True, difference, "", ""
    excuse = explanation(path, circuit, results, theirs)
    return True, difference, excuse, "" if excuse else fault


def _least(circuit: Circuit) -> float:
    """The scale of a difference at least: a current source's current is of the analysis, though it is not listed."""
    amperes = np.abs(circuit.values[circuit.kinds == CURRENT])
    return max(LEAST, float(amperes.max(initial=0.0)))


def explanation(path: Path, circuit: Circuit, results: list[AnalysisResult], theirs: oracle.Answer) -> str:
    """Name the misbehaviour of ngspice that explains a difference, if its own check shows that it does.

    - *0 ohm*: ngspice takes 1 mohm. With 1 mohm in their place xbarsim gives ngspice's numbers.
    - *values many decades apart*: beside a conductance of 1e30 S, or a gain of 1e60, ngspice loses the others to
      rounding. xbarsim's numbers are those of 800-digit arithmetic.
    - *names*: ngspice writes bytes of a node's name that are no visible ASCII as underscores. By such names the
      numbers agree.
    - *repeated*: an analysis inside a subcircuit is run once for each of its instances there. Without the repetitions
      the numbers agree.
    - *spelling*: see ``_SPELLINGS``. Spelt otherwise, to the same meaning, ngspice gives xbarsim's numbers.
    """
    ohms, values = circuit.kinds == RESISTOR, circuit.values
    with contextlib.suppress(ValueError, ArithmeticError):
        zero = ohms & (values == 0)
        if zero.any():
            as_theirs = simulate(replace(circuit, values=np.where(zero, 1e-3, values)), None)
            if against(as_theirs, theirs.plots, LEAST)[0] <= AGREE:
                return "0 ohm is 1 mohm in ngspice"
    if _spread(circuit) > SPREAD and _is_exact(circuit, results):
        return "ngspice drowns in values many decades apart"
    with contextlib.suppress(ValueError):
        renamed = [replace(result, nodes=[_underscored(name) for name in result.nodes]) for result in results]
        if renamed[0].nodes != results[0].nodes and against(renamed, theirs.plots, LEAST)[0] <= AGREE:
            return "ngspice writes the node's name otherwise"
    with contextlib.suppress(ValueError):
        unique = [
            plot
            for k, plot in enumerate(theirs.plots)
            if not any(_repeats(plot, before) for before in theirs.plots[:k])
        ]
        firsts = [
            result for k, result in enumerate(results) if result.kind not in {earlier.kind for earlier in results[:k]}
        ]
        if len(unique) < len(theirs.plots) and against(firsts, unique, LEAST)[0] <= AGREE:
            return "ngspice repeats a subcircuit's analysis"
    data = path.read_bytes()
    for reason, pattern, new in _SPELLINGS:
        changed = re.sub(pattern, new, data)
        if changed == data:
            continue
        path.write_bytes(changed)
        again = oracle.run(path, NGSPICE_SECONDS)
        path.write_bytes(data)
        with contextlib.suppress(ValueError):
            if _agree_at(circuit, results, again):
                return reason
    return ""


def _repeats(plot: oracle.Plot, earlier: oracle.Plot) -> bool:
    return plot.kind == earlier.kind and np.array_equal(plot.table, earlier.table)


def _underscored(name: str) -> str:
    return "".join(chr(byte) if 32 < byte < 127 else "_" for byte in name.encode())


_SPELLINGS = [
    # A note says that a .tran of a circuit without memory starts as if there were no .ic.
    ("ngspice holds .ic at a transient's first point", rb"(?im)^[ \t]*\.ic\b", b"*ic"),
    # A carriage return alone is a blank in xbarsim; ngspice makes some a part of a node's name.
    ("ngspice takes a lone carriage return into a name", rb"\r(?!\n)", b" "),
    # Its numbers are digits times a power of ten, and that power is 0 below 1e-307.
    ("ngspice reads numbers below 1e-307 as 0", rb"(?i)(?<=[\d.])e-3[0-9]\d\b", b"e-300"),
    # 'V1 a gnd' with nothing after it: its search for ' gnd ' misses the end of a line, and gnd is a node.
    ("gnd at a line's end is a node in ngspice", rb"(?im)(?<=[\s,(+])gnd(?=[ \t]*(?:\r?\n|$))", b"0"),
]


def _agree_at(circuit: Circuit, results: list[AnalysisResult], theirs: oracle.Answer) -> bool:
    """Compare again; other spellings may take ngspice's .tran through other times."""
    if theirs.status != "ok" or not theirs.plots:
        return False
    times = next((plot.table[:, 0] for plot in theirs.plots if plot.kind == "tran"), None)
    if times is not None:
        circuit = replace(circuit, analyses=tuple(Tran(times) if isinstance(a, Tran) else a for a in circuit.analyses))
        results = simulate(circuit, circuit.recognise())
    return against(results, theirs.plots, LEAST)[0] <= AGREE


def _spread(circuit: Circuit) -> float:
    """Ratio of the largest to the smallest resistance, or the largest gain."""
    ohms = np.abs(circuit.values[(circuit.kinds == RESISTOR) & (circuit.values != 0)])
    gains = [abs(source.gain) for source in circuit.controlled]
    with np.errstate(over="ignore"):
        return max([float(ohms.max() / ohms.min()) if ohms.size else 1.0, *gains])


def _is_exact(circuit: Circuit, results: list[AnalysisResult]) -> bool:
    """Whether the first point of every analysis is what arithmetic of 800 digits gives."""
    for analysis, result in zip(circuit.analyses, results, strict=True):
        first, inner = circuit, analysis
        if isinstance(analysis, Family):
            first = analysis.variant(tuple(0 for _ in analysis.axes))
            (inner,) = first.analyses
        volts, amperes = exact.first_point(first, inner)
        for names, table, exact_values in (
            (result.nodes, result.voltages, volts),
            (result.branches, result.currents, amperes),
        ):
            scale = max((abs(exact_values[name]) for name in names), default=0)
            gaps = [abs(exact_values[name] - value) for name, value in zip(names, table[0].tolist(), strict=True)]
            if any(gap > 1e-9 * scale for gap in gaps):
                return False
    return True


def case(number: int, seed: int) -> tuple[bytes, dict[str, str]]:
    """Return the damaged netlist of a number, and the files that it includes."""
    _, text, files = netlist(seed + number // MUTANTS)
    return mutate(np.random.default_rng([seed, number]), text.encode()), files


def report(outcomes: list[tuple[int, Outcome]], seed: int, every: int) -> str:
    """Return what came out, as Markdown."""
    codes = Counter(outcome.code for _, outcome in outcomes)
    compared = [outcome for _, outcome in outcomes if outcome.compared]
    faults = [(number, outcome) for number, outcome in outcomes if outcome.fault]
    excused = Counter(outcome.excused for _, outcome in outcomes if outcome.excused)
    plain = [outcome.difference for outcome in compared if not outcome.excused and not outcome.fault]
    lines = [
        "# Damaged netlists",
        "",
        f"`python validation/fuzz.py --seed {seed} --count {len(outcomes)} --compare-every {every}`",
        "",
        f"- netlists: {len(outcomes)}",
        f"- solved (exit code 0): {codes[0]}; refused as bad input (2): {codes[2]}; as singular or floating (3): "
        f"{codes[3]}",
        "- tracebacks, hangs, warnings, messages that are not one line, answers with gaps, wrong numbers: "
        f"{len(faults)}",
        f"- compared with ngspice, every {every}th that was solved: {len(compared)} that ngspice solved too, without a "
        f"word of trouble in its log; largest difference {max(plain, default=0.0):.1e}",
        f"- of these explained by a known misbehaviour of ngspice: {sum(excused.values())}"
        + "".join(f"; {count} {name}" for name, count in excused.most_common()),
    ]
    kinds = Counter(
        outcome.fault.split(":")[0] if "ngspice" not in outcome.fault else "numbers" for _, outcome in faults
    )
    for name, count in kinds.most_common():
        lines += ["", f"- {count} x {name}"]
    for number, outcome in faults[:40]:
        lines += ["", f"- number {number}: {outcome.fault}"]
    return "\n".join(lines)


def main() -> int:
    parser = provenance.parser(__doc__, count=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first netlist")
    parser.add_argument("--compare-every", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the netlists that fail")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start, solved = time.perf_counter(), 0
    outcomes: list[tuple[int, Outcome]] = []
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        for number in range(arguments.first, arguments.first + arguments.count):
            outcome = one_case(number, arguments.seed, folder, arguments.compare_every, solved)
            solved += outcome.code == 0
            outcomes.append((number, outcome))
            if outcome.fault and arguments.keep:
                shutil.copytree(folder, home / arguments.keep / str(number), dirs_exist_ok=True)
            for file in folder.iterdir():
                file.unlink()
            if number % 200 == 199:
                faults = sum(bool(outcome.fault) for _, outcome in outcomes)
                rate = len(outcomes) / (time.perf_counter() - start)
                print(f"\r{number + 1}, {faults} faults, {rate:.0f}/s ", end="", file=sys.stderr, flush=True)
        os.chdir(home)
    print(file=sys.stderr)
    text = report(outcomes, arguments.seed, arguments.compare_every)
    print(text)
    if arguments.write:
        provenance.write_page("fuzz.md", text)
    return 1 if any(outcome.fault for _, outcome in outcomes) else 0


def one_case(number: int, seed: int, folder: Path, every: int, solved: int) -> Outcome:
    """Make a damaged netlist in ``folder``, solve it, and compare it if its turn has come."""
    data, files = case(number, seed)
    path = folder / "0.cir"
    path.write_bytes(data)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode())
    outcome = run(path)
    if outcome.code == 0 and not outcome.fault and every and solved % every == 0:
        compared, difference, excuse, fault = compare(path)
        return replace(outcome, compared=compared, difference=difference, excused=excuse, fault=fault)
    return outcome


if __name__ == "__main__":
    raise SystemExit(main())
