"""
My tester wrote a list of faulty cells: what do they cost?
==========================================================

A measured fault map says more than a rate. It is read as testers write it, put onto a chip, kept with everything
else that is frozen in the chip, and solved with. How far off are the outputs, and how large are the files?
"""

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, solve
from xbarsim.nonideal import Chip, Faults, Nonidealities, load_faults, save_faults

# %%
# The list
# --------
# A line for each cell that is stuck, at LRS or at HRS. There is no tester here: the rates are those of a 4 Mb chip
# (C.-Y. Chen et al., IEEE Trans. Computers 64, 180, 2015), and in place of a list of your own they make one.

SHAPE, WIRE, END = (48, 32), 1.0, 50.0
CELLS = Nonidealities(r_on=20e3, r_off=2e6)
RATES = Faults.of_rates(lrs=0.0175, hrs=0.0904)


def tester(path: Path) -> Path:
    """Write a list of faulty cells, and return where it is."""
    faults = RATES.map(SHAPE, seed=21)
    lines = [f"{i},{j},{'lrs' if faults[i, j] == 1 else 'hrs'}" for i, j in np.argwhere(faults)]
    path.write_text("\n".join(["row,col,fault", *lines]))
    return path


def chip(folder: Path) -> Chip:
    """Return a chip that has the faults of the list."""
    return Chip(CELLS, seed=0, shapes=SHAPE).with_faults(load_faults(tester(folder / "list.csv"), SHAPE))


# %%
# Files
# -----
# The ending says which kind: text for a spreadsheet, NumPy's own, and with ``pip install 'xbarsim[files]'`` HDF5 and
# safetensors. Whatever the kind, what is read is what was written, cell by cell.


def sizes(measured: Chip, folder: Path) -> dict[str, tuple[int, int]]:
    """Return how many bytes the fault map has, and the whole chip, in each kind of file; read all of them back."""
    libraries = {".csv": "numpy", ".npz": "numpy", ".h5": "h5py", ".safetensors": "safetensors"}
    bytes_of = {}
    for ending in (ending for ending, library in libraries.items() if find_spec(library)):
        map_file, chip_file = folder / f"map{ending}", folder / f"chip{ending}"
        save_faults(map_file, measured.maps().faults)
        measured.save(chip_file)
        if not (load_faults(map_file) == measured.maps().faults).all() or Chip.load(chip_file) != measured:
            raise RuntimeError(f"{ending}: what was read is not what was written")
        bytes_of[ending] = map_file.stat().st_size, chip_file.stat().st_size
    return bytes_of


# %%
# The answer
# ----------
# The same targets on a chip with these faults and on one without any, through the same wires. The number that is
# returned: the error of all outputs, root of the mean square over that of the outputs.


def outputs(measured: Chip) -> np.ndarray:
    """Return the currents of 20 inputs, (20, 32), of a chip written with the same targets as every other."""
    rng = np.random.default_rng(2)
    written = measured.apply(rng.uniform(CELLS.g_off, CELLS.g_on, SHAPE))
    array = Crossbar(measured.read(written), word_wire=WIRE, bit_wire=WIRE, driver=END, sense=END)
    return solve(array, rng.uniform(0.0, 0.2, (20, SHAPE[0]))).currents


def main(save: str | None = None) -> float:
    """Print sizes, draw the map and what each output loses; return the error of the outputs."""
    with tempfile.TemporaryDirectory() as folder:
        measured = chip(Path(folder))
        for ending, (of_map, of_chip) in sizes(measured, Path(folder)).items():
            print(f"{ending:12} {of_map:6} bytes the map, {of_chip:6} bytes the chip")
    sound, faulty = outputs(Chip(CELLS, seed=0, shapes=SHAPE)), outputs(measured)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.5, 5.6), height_ratios=(3, 2), layout="constrained")
    measured.plot("fault", top)
    bottom.bar(np.arange(SHAPE[1]), 1e6 * (faulty - sound).mean(axis=0))
    bottom.set(xlabel="bit line", ylabel="error, mean (µA)")
    figure.savefig(save, dpi=150) if save else plt.show()
    error = float(np.linalg.norm(faulty - sound) / np.linalg.norm(sound))
    print(f"{100.0 * (measured.maps().faults != 0).mean():.1f} % of the cells are stuck: outputs are {error:.1%} off")
    return error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="My tester wrote a list of faulty cells: what do they cost?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
