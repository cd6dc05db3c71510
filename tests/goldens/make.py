"""Ask ngspice for the operating points that tests hold shipped netlists to: ``python tests/goldens/make.py``.

Each ``NAME.sp`` gets a ``NAME.ngspice.txt`` beside it, a number a line with all its digits.
"""

from __future__ import annotations

import subprocess
import tempfile
from array import array
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"
LARGE = 1000
"""A circuit with more nodes keeps all source currents and every 61st voltage; 61 shares no factor with 64."""


def netlists() -> list[Path]:
    """Return the shipped netlists and those of this folder."""
    return [*sorted(HERE.glob("*.sp")), EXAMPLES / "crossbar_64x64.sp"]


def golden(netlist: Path) -> Path:
    """Return where ngspice's answer to a netlist is stored."""
    return HERE / f"{netlist.stem}.ngspice.txt"


def ngspice(netlist: Path) -> tuple[dict[str, float], str]:
    """Run ``ngspice -b -r`` and return what its raw file says, ``v(node)`` and ``i(source)``, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "out.raw"
        done = subprocess.run(
            ["ngspice", "-b", "-r", str(raw), netlist.name],
            cwd=netlist.parent, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if done.returncode or "error" in said.lower() or not raw.exists():
            raise RuntimeError(f"ngspice on {netlist.name}: {said}")
        header, _, data = raw.read_bytes().partition(b"Binary:\n")
    lines = header.decode().splitlines()
    names = [line.split()[1] for line in lines[lines.index("Variables:") + 1 :]]
    numbers = array("d", data[: 8 * len(names)])
    version = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, numbers, strict=True)), next(w for w in version.split() if w.startswith("ngspice-"))


def read(path: Path) -> dict[str, float]:
    """Return the numbers of a stored answer."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


def main() -> None:
    """Write every answer anew."""
    for netlist in netlists():
        answer, version = ngspice(netlist)
        volts = {name: value for name, value in answer.items() if name.startswith("v(")}
        currents = {name: value for name, value in answer.items() if name not in volts}
        step = 61 if len(volts) > LARGE else 1
        kept = dict(list(volts.items())[::step]) | currents
        lines = [
            f"# {version}: ngspice -b -r {netlist.stem}.raw {netlist.name}",
            *(f"{k} {v!r}" for k, v in kept.items()),
        ]
        golden(netlist).write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{golden(netlist).name}: {len(kept)} of {len(answer)} numbers")


if __name__ == "__main__":
    main()
