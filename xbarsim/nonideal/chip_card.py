"""What a notebook shows of a chip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.nonideal.maps import Maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.views.array_svg import array_svg, card


def chip_card(model: Nonidealities, seed: int, shapes: Sequence[tuple[int, int]], first: Maps) -> str:
    """Return HTML: the chip's effects, and the stuck cells of its first array with a picture.

    Parameters
    ----------
    model : Nonidealities
        The kind of chip.
    seed : int
        The chip.
    shapes : sequence of (rows, cols)
        Of its arrays.
    first : Maps
        What is frozen in the first of them.
    """
    effects = [repr(value) for name, value in vars(model).items() if name not in ("r_on", "r_off") and value]
    faults = first.faults
    facts = [
        ("arrays", str(len(shapes))),
        ("LRS, HRS", f"{model.r_on:g} ohm, {model.r_off:g} ohm"),
        ("effects", "; ".join(effects) or "none"),
        ("stuck in array 0", f"{np.mean(faults == 1):.2%} at LRS, {np.mean(faults == 2):.2%} at HRS"),
    ]
    picture = array_svg(faults.astype(np.float64), "fault", "stuck cells of array 0")
    return card(f"Chip, seed {seed}", facts, picture)
