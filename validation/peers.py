"""Other simulators' own classes beside xbarsim's arrays of them: badcrossbar, CrossSim, AIHWKIT.

python validation/peers.py
python validation/peers.py --only crosssim --lines 32
python validation/peers.py --write       # to validation/results/peers.md

What is not installed is left out; docs/interop.md says how to install each. Differences are of outputs, the largest
relative to the largest output. CrossSim iterates to 1e-9 V here; AIHWKIT computes in single precision, with its noise
and converters off (``is_perfect``).
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import provenance

import xbarsim
from xbarsim.interop import aihwkit_arrays, crosssim_arrays

WIRES: dict[str, dict[str, float]] = {
    "no wires": {},
    "2 and 3 ohm": {"Rp_row": 2.0, "Rp_col": 3.0},
    "20 ohm behind columns": {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_col_terminal": 20.0},
    "20 ohm before rows": {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_row_terminal": 20.0},
}
"""Arguments of CrossSim's parasitics, with what a table calls them."""

CONVERTERS = ("SinglePair", "DualPair", "NPair", "CustomPair", "SingleDevice", "Fusion")

STYLES = (
    "BALANCED", "BALANCED, two-sided", "OFFSET", "OFFSET, unit column", "OFFSET, 6 bits a cell",
    "BITSLICED, pairs", "BITSLICED, single", "BITSLICED, single, unit column",
)  # fmt: skip


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference, relative to the largest of theirs."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def badcrossbar_rows(lines: int) -> Iterator[str]:
    """Yield each array's row: outputs and node voltages."""
    import badcrossbar

    for shape in ((lines, lines), (2 * lines, lines // 2), (lines // 2, 2 * lines)):
        for word, bit in ((1.0, 1.0), (0.5, 20.0), (100.0, 1e-3)):
            rng = np.random.default_rng(shape)
            ohms, volts = 10.0 ** rng.uniform(3.0, 6.0, shape), rng.uniform(-0.5, 0.5, (shape[0], 3))
            theirs = badcrossbar.compute(volts, ohms, r_i_word_line=word, r_i_bit_line=bit)
            crossbar = xbarsim.Crossbar.from_badcrossbar(ohms, r_i_word_line=word, r_i_bit_line=bit)
            ours = xbarsim.solve(crossbar, volts.T, fields=True)
            nodes = max(
                apart(np.moveaxis(ours.word_voltages, 0, -1), theirs.voltages.word_line),
                apart(np.moveaxis(ours.bit_voltages, 0, -1), theirs.voltages.bit_line),
            )
            outputs = apart(ours.currents, theirs.currents.output)
            yield f"| {shape[0]} x {shape[1]} | {word:g}, {bit:g} | {outputs:.1e} | {nodes:.1e} |"


def crosssim_core(matrix: np.ndarray, style: str, rows_max: int, wires: dict[str, float]) -> Any:
    """Return an ``AnalogCore`` of cells of 1 kohm to 1 Mohm."""
    from simulator import AnalogCore, CrossSimParameters

    params = CrossSimParameters()
    params.xbar.device.Rmin, params.xbar.device.Rmax = 1e3, 1e6
    params.core.style = style.partition(",")[0]
    params.core.rows_max = params.core.cols_max = rows_max
    params.simulation.Verr_th_mvm, params.simulation.hide_convergence_msg = 1e-9, True
    if "two-sided" in style:
        params.core.balanced.style = "TWO_SIDED"
    if "single" in style:
        params.core.bit_sliced.style = "OFFSET"
    if "BITSLICED" in style:
        params.core.weight_bits = 8
        type(params.xbar.array.parasitics).disable_slices = (False, False)  # it is asked for, and not there
    if "unit column" in style:
        params.core.offset.style = "UNIT_COLUMN_SUBTRACTION"
    if "6 bits" in style:
        params.xbar.device.cell_bits = 6
    params.xbar.array.parasitics.enable = bool(wires)
    for name, value in wires.items():
        setattr(params.xbar.array.parasitics, name, value)
    return AnalogCore(matrix, params)


def crosssim_rows(lines: int) -> Iterator[str]:
    """Yield each style's rows, on one array and on six: the matrix that CrossSim says that it has, and outputs."""
    rng = np.random.default_rng(lines)
    matrix, x = rng.normal(0.0, 0.3, (lines // 2, lines)), rng.uniform(-1.0, 1.0, lines)
    for style in STYLES:
        for rows_max in (0, lines // 2 - 1):
            core = crosssim_core(matrix, style, rows_max, {})
            arrays = crosssim_arrays(core)
            cells = [style, str(len(arrays.parts)), f"{apart(arrays.weights.T, core.get_matrix()):.1e}"]
            for wires in WIRES.values():
                core = crosssim_core(matrix, style, rows_max, wires)
                cells.append(f"{apart(crosssim_arrays(core, row_terminal='row-0').outputs(x), core @ x):.1e}")
            yield f"| {' | '.join(cells)} |"


def aihwkit_layers(lines: int) -> Iterator[tuple[str, Any, Any]]:
    """Yield layers of AIHWKIT with inputs for them, and what a table calls them."""
    import torch
    from aihwkit.nn import AnalogConv2d, AnalogLinear
    from aihwkit.simulator.configs import InferenceRPUConfig, TorchInferenceRPUConfig

    x = torch.rand(5, lines) - 0.5
    for name, kind, changes in (
        ("AnalogLinear", InferenceRPUConfig, {}),
        ("weight_scaling_omega 1", InferenceRPUConfig, {"weight_scaling_omega": 1.0}),
        ("columnwise", InferenceRPUConfig, {"weight_scaling_omega": 0.6, "weight_scaling_columnwise": True}),
        ("learned out_scaling, columnwise", InferenceRPUConfig,
         {"weight_scaling_omega": 1.0, "learn_out_scaling": True, "out_scaling_columnwise": True}),
        ("analog bias", InferenceRPUConfig, {"weight_scaling_omega": 1.0, "digital_bias": False}),
        ("several tiles", InferenceRPUConfig,
         {"weight_scaling_omega": 1.0, "max_input_size": lines // 2 - 1, "max_output_size": lines // 3}),
        ("torch tile", TorchInferenceRPUConfig, {"weight_scaling_omega": 1.0}),
    ):  # fmt: skip
        config = kind()
        config.forward.is_perfect = True
        for field, value in changes.items():
            setattr(config.mapping, field, value)
        layer = AnalogLinear(lines, lines // 2, bias=True, rpu_config=config).eval()
        if "out_scaling" in name:
            tile = next(layer.analog_tiles())
            tile.out_scaling_alpha.data.uniform_(0.5, 2.0)
        yield name, layer, x
    config = InferenceRPUConfig()
    config.forward.is_perfect = True
    yield "AnalogConv2d", AnalogConv2d(3, 7, 3, rpu_config=config).eval(), torch.rand(2, 3, 8, 8) - 0.5


def aihwkit_converters() -> list[Any]:
    """Return a converter of each kind, in the order of the table."""
    from aihwkit.inference.converter import conductance
    from aihwkit.inference.converter.fusion import FusionConductanceConverter

    both = [[0.0, 0.0, 0.0, 10.0, 20.0], [20.0, 10.0, 0.0, 0.0, 0.0]]
    return [
        conductance.SinglePairConductanceConverter(g_max=25.0, g_min=0.5),
        conductance.DualPairConductanceConverter(f_lst=[1.0, 3.0], g_max=25.0, g_min=0.5),
        conductance.NPairConductanceConverter(f_lst=[1.0, 2.0, 4.0], g_max=25.0),
        conductance.CustomPairConductanceConverter(f_lst=[1.0], g_lst=both, g_max=20.0),
        conductance.SingleDeviceConductanceConverter(),
        FusionConductanceConverter(g_max=40),
    ]


def layer_outputs(layer: Any, arrays: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return our outputs and AIHWKIT's; a convolution's windows are rows."""
    import torch

    with torch.no_grad():
        theirs = layer(x).numpy()
    if x.dim() == 2:
        return arrays.outputs(x.double().numpy()), theirs
    windows = torch.nn.functional.unfold(x, layer.kernel_size).transpose(1, 2).double().numpy()
    ours = np.array([arrays.outputs(image).T for image in windows])
    return ours, theirs.reshape(ours.shape)


def aihwkit_rows(lines: int) -> Iterator[str]:
    """Yield each layer's row: a column for each converter."""
    import torch

    torch.manual_seed(1)
    for name, layer, x in aihwkit_layers(lines):
        cells = []
        for converter in aihwkit_converters():
            arrays = aihwkit_arrays(layer, converter)
            cells.append(f"{apart(*layer_outputs(layer, arrays, x)):.1e}")
        yield f"| {name} | {len(arrays.parts)} | {' | '.join(cells)} |"


PEERS: dict[str, tuple[str, str, Callable[[int], Iterator[str]], tuple[str, ...]]] = {
    "badcrossbar": (
        "badcrossbar", "badcrossbar", badcrossbar_rows, ("cells", "ohm a segment", "outputs", "node voltages"),
    ),
    "crosssim": ("CrossSim", "simulator", crosssim_rows, ("style", "parts", "its matrix", *WIRES)),
    "aihwkit": ("AIHWKIT", "aihwkit", aihwkit_rows, ("layer", "tiles", *CONVERTERS)),
}  # fmt: skip
"""Title, what is imported, rows, heading."""


NOTES = (
    "CrossSim iterates to 1e-9 V and holds pairs in single precision, AIHWKIT computes in it. Row terminals are where",
    'CrossSim has them (`row_terminal="row-0"`). With `OFFSET` and bits a cell it leaves the lowest level out of its',
    "cells, but not out of the scale of its outputs; its matrix is the cells'. Slices with wires need a parameter",
    "`disable_slices` that CrossSim 3.2 does not have: the command gives it one that disables none.",
)


def release(package: str) -> str:
    """Return a peer's version, where its installation knows one."""
    try:
        return version({"simulator": "cross-sim"}.get(package, package))
    except PackageNotFoundError:
        return "as sources"


def main() -> None:
    """Print the tables, and write the page."""
    command = provenance.parser(__doc__)
    command.add_argument("--only", choices=PEERS, action="append", help="this peer alone (may be repeated)")
    command.add_argument("--lines", type=int, default=32, help="rows of the arrays")
    options = command.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    lines = [
        "# Other simulators' own numbers", "",
        "`python validation/peers.py --write`: largest difference of outputs, relative to the largest.",
        *NOTES, "",
    ]  # fmt: skip
    for name in options.only or PEERS:
        title, package, rows, heading = PEERS[name]
        if importlib.util.find_spec(package) is None:
            raise SystemExit(f"{title} is not installed: docs/interop.md says how; --only leaves it out")
        lines += [f"## {title} {release(package)}", "", f"| {' | '.join(heading)} |", "|---" * len(heading) + "|"]
        lines += [*rows(options.lines), ""]
    text = "\n".join(lines)
    print(text)
    if options.write:
        provenance.write_page("peers.md", text)


if __name__ == "__main__":
    main()
