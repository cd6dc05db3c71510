"""One circuit through badcrossbar, as a program: ``peer_child.py FOLDER``, from ``in.npz`` to ``out.npz``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Solve what ``in.npz`` holds."""
    import badcrossbar

    given = np.load(folder / "in.npz")
    word, bit = given["wires"].tolist()
    start = time.perf_counter()
    found = badcrossbar.compute(given["volts"][:, None], given["ohms"], r_i_word_line=word, r_i_bit_line=bit)
    seconds = time.perf_counter() - start
    volts = [found.voltages.word_line.ravel(), found.voltages.bit_line.ravel()]
    np.savez(
        folder / "out.npz", voltages=np.concatenate(volts), currents=found.currents.output.ravel(), seconds=seconds
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
