"""What is known of a chip, as a chip of its own: nothing else of the real one is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal import Chip, Maps, Nonidealities

Knowledge = Literal["hardware", "faults", "maps"]
_DRAWN_LATER = ("cycle_variation", "read_noise")  # at each write, at each read: no test of a chip tells
_NOT_FAULTS = ("variation", "drift", "breaks", "shorts", *_DRAWN_LATER)


@dataclass(frozen=True, eq=False)
class KnownChips:
    """Each layer's maps as far as they are known, and the kind of chip that has nothing but these.

    Attributes
    ----------
    hardware : Hardware
        Without the effects that are not known.
    maps : mapping of str to tuple of Maps
        Of each layer's arrays.
    """

    hardware: Hardware
    maps: Mapping[str, tuple[Maps, ...]]

    @staticmethod
    def of(network: CrossbarNetwork, hardware: Hardware, knowledge: Knowledge) -> KnownChips:
        """Return what is known of a programmed network's chips.

        Parameters
        ----------
        network : CrossbarNetwork
            On the real chips.
        hardware : Hardware
            Theirs.
        knowledge : {"faults", "maps"}
            Stuck cells alone; or factors, drift exponents and broken lines too.
        """
        off = _NOT_FAULTS if knowledge == "faults" else _DRAWN_LATER
        changes: dict[str, Any] = dict.fromkeys(off)
        cells = replace(hardware.cells, **changes)
        maps = {}
        for name, layer in network.layers.items():
            chip = layer.checked_chip()
            tiles = (chip.maps(tile) for tile in range(len(chip.shapes)))
            maps[name] = tuple(tile if knowledge == "maps" else _faults_only(tile) for tile in tiles)
        return KnownChips(replace(hardware, cells=cells), maps)

    def chips(self, cells: Nonidealities) -> dict[str, Chip]:
        """Return the known chips of a kind, as ``CrossbarNetwork.program`` takes them.

        Parameters
        ----------
        cells : Nonidealities
            The kind that they are said to be; what is unknown is off in it.
        """
        return {
            name: Chip(cells, 0, [tile.shape for tile in tiles], dict(enumerate(tiles)))
            for name, tiles in self.maps.items()
        }


def _faults_only(maps: Maps) -> Maps:
    no = np.array(False)
    rows, cols = maps.shape
    word, bit = (rows, cols - 1), (rows - 1, cols)
    breaks = {"word_breaks": word, "bit_breaks": bit, "word_shorts": bit, "bit_shorts": word}
    return Maps(
        faults=maps.faults,
        factor=np.broadcast_to(np.array(1.0), maps.shape),
        nu=np.broadcast_to(np.array(0.0), maps.shape),
        **{name: np.broadcast_to(no, shape) for name, shape in breaks.items()},
    )
