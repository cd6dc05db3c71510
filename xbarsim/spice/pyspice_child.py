"""One circuit through PySpice, as a program: ``pyspice_child.py TITLE BODY RAW FOLDER``; without arguments, versions.

It imports nothing of xbarsim. The numbers go to a raw file, all that ngspice says to stdout.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

NO_LIBRARY = 3
_NAMES = {"op": "Operating Point", "dc": "DC transfer characteristic", "tran": "Transient Analysis"}


def ngspice() -> Any:
    """Load ngspice's library; all that it says is printed."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    class Talking(NgSpiceShared):  # type: ignore[misc]
        def send_char(self, message: str, ngspice_id: int) -> int:
            print(str(message).partition(" ")[2], flush=True)
            return 0

    NgSpiceShared.setup_platform()
    try:
        return Talking.new_instance()
    except OSError as error:
        print(error)
        raise SystemExit(NO_LIBRARY) from None


def raw_plot(engine: Any, name: str) -> bytes:
    """Return a plot as a part of a raw file, under the title that ngspice itself holds for it."""
    engine.exec_command(f"setplot {name}")
    title = engine.exec_command("echo $curplottitle").strip()
    vectors = engine.plot(None, name)
    # A sweep's own variable first, as in ngspice's files.
    order = sorted(vectors, key=lambda vector: not (vector == "time" or vector.endswith("-sweep")))
    columns = [(vector_name(vector, vectors[vector]), vectors[vector]._data) for vector in order]
    points = len(columns[0][1])
    head = [
        f"Title: {title}",
        f"Plotname: {_NAMES.get(name.rstrip('0123456789'), name)}",
        "Flags: real",
        f"No. Variables: {len(columns)}",
        f"No. Points: {points}",
        "Variables:",
        *(f"\t{k}\t{column}\tnotype" for k, (column, _) in enumerate(columns)),
        "Binary:",
    ]
    rows = zip(*(data.tolist() for _, data in columns), strict=True)
    return ("\n".join(head) + "\n").encode() + b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows)


def vector_name(name: str, vector: Any) -> str:
    """Return the name that ngspice gives a vector in its files."""
    if name.endswith("#branch"):
        return f"i({name.removesuffix('#branch')})"
    if name.startswith("V("):  # so it calls nodes that begin with a digit
        return name.lower()
    if vector._type == vector._ngspice_shared.simulation_type.voltage:
        return f"v({name})"
    return f"i({name})" if vector.is_branch_current else name


def main(title: str, body: str, raw: str, folder: str) -> None:
    """Load the circuit, run its analyses, write their plots."""
    from PySpice.Spice.Netlist import Circuit
    from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError

    engine = ngspice()
    # After ngspice has looked for settings, and before it looks for includes.
    os.chdir(folder)
    circuit = Circuit(title)
    circuit.raw_spice = Path(body).read_bytes().decode("utf-8", "surrogateescape")
    engine.load_circuit(str(circuit))
    # PySpice takes any remark on stderr for a failure; the caller reads the log itself.
    with contextlib.suppress(NgSpiceCommandError):
        engine.run()
    names = [name for name in reversed(engine.plot_names) if name != "const"]
    Path(raw).write_bytes(b"".join(raw_plot(engine, name) for name in names))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(f"ngspice-{ngspice().ngspice_version}, PySpice {version('PySpice')}")
    else:
        main(*sys.argv[1:])
    sys.stdout.flush()
    # ngspice's own end-of-process code can crash after a good answer.
    os._exit(0)
