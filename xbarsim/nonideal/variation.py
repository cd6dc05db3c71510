"""Cells that conduct more or less than they were asked to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xbarsim.checks import Array
from xbarsim.nonideal.effect_settings import LATER, Settings, checked_shape
from xbarsim.nonideal.streams import Draw, Stream, every


@dataclass(frozen=True)
class Variation(Settings):
    """A random factor for each cell.

    - ``lognormal``: G = G0 exp(theta), theta ~ N(0, sigma^2) (L. Chen et al., DATE 2017, eq. 5). The medians of
      conductance and resistance are kept, the mean of either is exp(sigma^2 / 2) times its target; ``of`` changes
      nothing but the sign of theta.
    - ``gaussian``: X = X0 (1 + eps), eps ~ N(0, sigma^2), where X is the conductance or the resistance (of resistances:
      Cost- and Dataset-free Stuck-at Fault Mitigation for ReRAM-based Deep Learning Accelerators). A draw outside
      ``|eps| <= 1 - floor`` is drawn again. Cutting both sides keeps median and mean of X at X0 and keeps X above
      ``floor`` X0; the standard deviation is sigma as long as sigma is below 0.25, and 0.43 at sigma = 0.5 and the
      default floor. With ``of="resistance"`` the mean *conductance* lies above its target, by about sigma^2.

    Attributes
    ----------
    sigma : float
        Standard deviation of theta (0 to 10) or of eps (0 to 1).
    kind : {"lognormal", "gaussian"}
        The distribution.
    of : {"conductance", "resistance"}
        What the factor multiplies.
    floor : float
        Least factor of gaussian variation, above 0 and below 1.
    shared : {"cell", "pair"}
        Who has a factor. ``pair``: the cells that hold one weight together have the same, that of the first of them, so
        that the weight itself is multiplied (eq. 5 of that paper: one theta a weight). Which cells these are a layer of
        ``xbarsim.nn`` knows, which makes such chips when it is programmed.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    sigma: float = 0.0
    kind: Literal["lognormal", "gaussian"] = "lognormal"
    of: Literal["conductance", "resistance"] = "conductance"
    floor: float = 0.05
    shared: Literal["cell", "pair"] = field(default="cell", metadata=LATER)

    def __post_init__(self) -> None:
        self._word("kind", ("lognormal", "gaussian"))
        self._word("of", ("conductance", "resistance"))
        self._word("shared", ("cell", "pair"))
        # A wider Gaussian would be cut nearly flat.
        self._number("sigma", 0.0, 10.0 if self.kind == "lognormal" else 1.0)
        self._number("floor", 0.0, 0.99, above=True)

    def factor(
        self, shape: tuple[int, int], seed: int, tile: int = 0, *, draw: Draw = Draw.VARIATION, count: int = 0
    ) -> Array:
        """Return what multiplies each cell's conductance, (rows, cols), > 0.

        Parameters
        ----------
        shape : (rows, cols)
            Of the tile.
        seed, tile : int
            The chip, and which of its arrays.
        draw, count
            The stream, and which write of it where each write draws anew.
        """
        where = every(checked_shape(shape))
        stream = Stream.of(seed, draw, tile, count)
        z = stream.normal(*where)
        if self.kind == "lognormal":
            sign = 1.0 if self.of == "conductance" else -1.0
            return np.exp(sign * self.sigma * z)
        limit = 1.0 - self.floor
        again = 0
        while (out := np.abs(self.sigma * z) > limit).any():
            again += 1
            z = np.where(out, stream.normal(*where, again), z)
        factor = 1.0 + self.sigma * z
        return factor if self.of == "conductance" else 1.0 / factor
