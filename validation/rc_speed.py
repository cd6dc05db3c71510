"""A ``.tran`` of a linear RC crossbar, whole processes: xbarsim solve beside ngspice, one after the other.

python validation/rc_speed.py --lines 16 32
python validation/rc_speed.py --write       # 64 lines, to validation/results/rc_speed.md

The longest step asks for 1,000 of both, and no tolerance for more. Seconds are the processor's, on one thread, kernels
compiled; the output currents and the far corner's voltages are saved, as binary raw files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import provenance
from startup import seconds

import xbarsim
from xbarsim import netlist, spice
from xbarsim.analysis.rawfile import Plot, read_raw

STEPS = 1000
STOP = 100e-9
REPEATS = 3
POINTS = 200


def write(path: Path, lines: int) -> None:
    """Write cells log-uniform 1k..1M, wires and ends of 1 ohm, 10 fF at each node; a pulse at each row."""
    rng = np.random.default_rng(lines)
    shape = (lines, lines)
    crossbar = xbarsim.Crossbar(10 ** -rng.uniform(3, 6, shape), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    netlist.write(crossbar, np.zeros(lines), path)
    cards = []
    for card in path.read_text("utf-8").splitlines():
        name = card.split()[0]
        if name.startswith("vwl"):
            # One rhythm for all: each corner of a wave asks for short steps after it.
            card = f"{card.rsplit(' ', 1)[0]} pulse(0 {float(rng.uniform(0.2, 1.0))!r} 10n 5n 5n 40n 1)"
        if name not in (".op", ".end"):
            cards.append(card)
    cards += [f"c{layer}_{i}_{j} {layer}_{i}_{j} 0 10f" for layer in "wb" for i, j in np.ndindex(shape)]
    far = lines - 1
    cards += [f".save {' '.join(f'i(vbb{j})' for j in range(lines))} v(w_0_{far}) v(b_{far}_{far})"]
    cards += [f".tran {STOP / STEPS!r} {STOP!r} 0 {STOP / STEPS!r}", ".end", ""]
    path.write_text("\n".join(cards), "utf-8")


def apart(one: Plot, other: Plot) -> float:
    """Return the largest difference of currents at the same times, of the largest current."""
    times = STOP * np.linspace(0, 1, POINTS + 1)[1:]
    names = [name for name in other.names if name.startswith("i(")]
    mine, theirs = (
        np.array([np.interp(times, plot.values["time"], plot.values[name]) for name in names]) for plot in (one, other)
    )
    return float(np.abs(mine - theirs).max() / np.abs(theirs).max())


def measured(lines: int, folder: Path) -> str:
    path, ours, theirs = folder / "rc.sp", folder / "ours.raw", folder / "theirs.raw"
    write(path, lines)
    mine = [sys.executable, "-m", "xbarsim", "solve", "--quiet", "--netlist", str(path), "--format", "raw"]
    mine += ["--output", str(ours)]
    here = {"PYTHONPATH": str(provenance.ROOT)}
    seconds(mine, folder, **here)
    fast, slow = [], []
    for _ in range(REPEATS):
        fast.append(seconds(mine, folder, **here))
        slow.append(seconds(["ngspice", "-n", "-b", "-r", str(theirs), str(path)], folder))
    (one,), (other,) = read_raw(ours.read_bytes()), read_raw(theirs.read_bytes())
    return (
        f"| {lines} | {min(fast):.3g} | {one.table.shape[0] - 1} | {min(slow):.3g} | {other.table.shape[0] - 1} | "
        f"**{min(slow) / min(fast):.1f}** | {apart(one, other):.1e} |"
    )


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[64])
    options = parser.parse_args()
    page = [
        "# A linear RC crossbar in time",
        "",
        f"`.tran` of {STEPS:,} steps, a pulse at all rows; {spice.version()}. Whole processes, seconds of one",
        f"processor, least of {REPEATS} in turns. Made by `python validation/rc_speed.py --write`.",
        "",
        "| lines | xbarsim s | steps | ngspice s | steps | times faster | currents apart, of the largest |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(page), flush=True)
    with tempfile.TemporaryDirectory() as name:
        for lines in options.lines:
            page.append(measured(lines, Path(name)))
            print(page[-1], flush=True)
    if options.write:
        provenance.write_page("rc_speed.md", "\n".join(page))


if __name__ == "__main__":
    main()
