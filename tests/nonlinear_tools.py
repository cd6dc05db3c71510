"""ngspice's answers to the netlists of this folder, stored beside them: ``python tests/nonlinear_tools.py``.

Each ``netlists/NAME.sp`` gets a ``NAME.ngspice.txt``: a quantity a line, a number for each point of the analysis.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent / "netlists"


def netlists() -> list[Path]:
    """Return the netlists that answers are stored of."""
    return sorted(HERE.glob("*.sp"))


def ngspice(netlist: Path) -> dict[str, np.ndarray]:
    """Run ``ngspice -b -r`` and return ``v(node)`` and ``i(source)``, (points,) each."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "out.raw"
        done = subprocess.run(
            ["ngspice", "-b", "-r", str(raw), str(netlist)],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if done.returncode or "error" in said.lower() or not raw.exists():
            raise RuntimeError(f"ngspice on {netlist.name}: {said[-500:]}")
        header, _, data = raw.read_bytes().partition(b"Binary:\n")
    lines = header.decode().splitlines()
    names = [line.split()[1] for line in lines[lines.index("Variables:") + 1 :]]
    table = np.frombuffer(data[: len(data) // (8 * len(names)) * 8 * len(names)]).reshape(-1, len(names))
    return {name: table[:, k] for k, name in enumerate(names) if name != "v(v-sweep)"}


def golden(netlist: Path) -> Path:
    """Return where ngspice's answer to a netlist is stored."""
    return netlist.with_suffix(".ngspice.txt")


def stored(netlist: Path) -> dict[str, np.ndarray]:
    """Return a stored answer."""
    lines = [line.split() for line in golden(netlist).read_text("utf-8").splitlines() if not line.startswith("#")]
    return {name: np.array([float(word) for word in words]) for name, *words in lines}


def ours(netlist: Path | str) -> tuple[dict[str, np.ndarray], float]:
    """Return this package's numbers of a file or a text, and the residual."""
    from xbarsim.analysis.simulate import simulate
    from xbarsim.netlist import read

    circuit = read(io.StringIO(f"title\n{netlist}\n") if isinstance(netlist, str) else netlist)
    (result,) = simulate(circuit)
    numbers = {f"v({name})": result.voltages[:, k] for k, name in enumerate(result.nodes)}
    numbers |= {f"i({name})": result.currents[:, k] for k, name in enumerate(result.branches)}
    return numbers, result.residual


def main() -> None:
    """Write every answer anew."""
    version = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=True).stdout
    name = next(word for word in version.split() if word.startswith("ngspice-"))
    for netlist in netlists():
        answer = ngspice(netlist)
        lines = [f"# {name}: ngspice -b -r {netlist.stem}.raw {netlist.name}"]
        lines += [" ".join([key, *(repr(float(value)) for value in values)]) for key, values in answer.items()]
        golden(netlist).write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{golden(netlist).name}: {len(answer)} quantities")


if __name__ == "__main__":
    main()
