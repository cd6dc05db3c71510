"""A second netlist of the same crossbar, written in another style and by other formulas than ``netlist.write``.

Other names and another order, cells in subcircuits with resistances, wires of 0 ohm as one node, sources upside down,
and each device's law in another form than its twin in ``spice_models/``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.validate.handcells import subcircuit

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_bottom": "bb", "bit_top": "bt"}


@dataclass(frozen=True)
class Hand:
    """A netlist, and what ``netlist.write``'s names are called in it; its source currents have the other sign."""

    text: str
    nodes: dict[str, str]
    sources: dict[str, str]

    def translated(
        self, node_voltages: dict[str, float], source_currents: dict[str, float]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return voltages and currents by the names of ``netlist.write``, with its signs.

        Parameters
        ----------
        node_voltages, source_currents : dict of str to float
            Volts and amperes by the names of this netlist.
        """
        volts = {name: node_voltages[label] for name, label in self.nodes.items()}
        amperes = {name: -source_currents[label] for name, label in self.sources.items()}
        return volts, amperes


def by_hand(crossbar: Crossbar, voltages: Array, options: str = "") -> Hand:
    """Write a crossbar's netlist; ``options`` is a card to add.

    Parameters
    ----------
    crossbar : Crossbar
        What is written.
    voltages : (rows,) array
        Volts of its inputs.
    options : str
        A card that is added as it is.
    """
    rows, cols = crossbar.shape
    merged: dict[str, str] = {}

    def node(name: str) -> str:
        while name in merged:
            name = merged[name]
        return name

    word = [[f"wl{i}[{j}]" for j in range(cols)] for i in range(rows)]
    bit = [[f"bl{j}[{i}]" for j in range(cols)] for i in range(rows)]
    pairs = [
        (word[i][j], word[i][j + 1], float(crossbar.word_wire[i, j])) for i in range(rows) for j in range(cols - 1)
    ]
    pairs += [(bit[i][j], bit[i + 1][j], float(crossbar.bit_wire[i, j])) for i in range(rows - 1) for j in range(cols)]
    for a, b, ohms in pairs:
        if ohms == 0.0 and node(a) != node(b):
            merged[node(b)] = node(a)
    cards = [f"rseg{k} {node(b)} {node(a)} {r!r}" for k, (a, b, r) in enumerate(pairs) if 0.0 < r < np.inf]
    text, cells = subcircuit(crossbar.device, crossbar.conductance)
    cards += [
        f"xc{j * rows + i} {node(word[i][j])} {node(bit[i][j])} {cells[i, j]}"
        for i, j in np.argwhere(crossbar.conductance != 0.0).tolist()
    ]
    names = {f"w_{i}_{j}": node(word[i][j]) for i in range(rows) for j in range(cols)}
    names |= {f"b_{i}_{j}": node(bit[i][j]) for i in range(rows) for j in range(cols)}
    sources: dict[str, str] = {}
    corners: dict[Side, list[str]] = {
        "word_left": [word[i][0] for i in range(rows)],
        "word_right": [word[i][-1] for i in range(rows)],
        "bit_bottom": [bit[-1][j] for j in range(cols)],
        "bit_top": [bit[0][j] for j in range(cols)],
    }
    for side, short in _SHORT.items():
        tied = crossbar.boundary[side]
        for k, ohms in enumerate(tied.resistance.tolist()):
            if ohms == np.inf:
                continue
            volts = float(voltages[k] if side == "word_left" else tied.voltage[k])
            end = node(corners[side][k])
            if ohms:
                cards.append(f"rend_{short}{k} src_{short}{k} {end} {ohms!r}")
                end = names[f"s{short}_{k}"] = f"src_{short}{k}"
            cards.append(f"vend_{short}{k} 0 {end} dc {-volts!r}")
            sources[f"v{short}{k}"] = f"vend_{short}{k}"
    order = np.random.default_rng(rows * 1009 + cols).permutation(len(cards))
    lines = ["crossbar by hand", *text, *(cards[k] for k in order.tolist()), options, ".op", ".end", ""]
    return Hand("\n".join(line for line in lines[:-1] if line) + "\n", names, sources)
