"""One circuit through badcrossbar, as a program: ``peer_child.py FOLDER``, from ``in.npz`` to ``out.npz``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Solve what ``in.npz`` holds."""
    import badcrossbar

    circuit = np.load(folder / "in.npz")
    word, bit = circuit["wires"].tolist()
    start = time.perf_counter()
    solution = badcrossbar.compute(circuit["volts"][:, None], circuit["ohms"], r_i_word_line=word, r_i_bit_line=bit)
    seconds = time.perf_counter() - start
    volts = [solution.voltages.word_line.ravel(), solution.voltages.bit_line.ravel()]
    np.savez(
        folder / "out.npz", voltages=np.concatenate(volts), currents=solution.currents.output.ravel(), seconds=seconds
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
