"""Noise that a circuit itself adds to its arrays' currents, drawn for each vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.nn.tiling import Tile
from xbarsim.noise import output_noise
from xbarsim.nonideal import ReadNoise
from xbarsim.nonideal.streams import Draw, Stream


def roots(tiles: Sequence[Tile], noise: ReadNoise, threads: int | None) -> list[Array]:
    """Return L of each array, (cols, cols), where ``L L'`` is the covariance of its thermal noise in A^2.

    Parameters
    ----------
    tiles : sequence of Tile
        The arrays, of linear cells.
    noise : ReadNoise
        In which band and at which temperature.
    threads : int or None
        Threads for the circuits; None: all.
    """
    band = (0.0, noise.bandwidth)
    factors = []
    for tile in tiles:
        covariance = output_noise(tile.crossbar, band=band, temperature=noise.temperature, threads=threads).covariance
        if tile.bridged is not None:
            covariance = covariance[np.ix_(tile.bridged.cols, tile.bridged.cols)]
        factors.append(_root(covariance))
    return factors


def _root(covariance: Array) -> Array:
    """Return a square root; outputs that nothing reaches have no noise."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


class CurrentNoise:
    """Draws of one forward pass.

    A vector's noise is a function of the chip, the array and the number of vectors that were read before, so that
    neither threads nor the size of batches change it.

    Parameters
    ----------
    roots : sequence of (cols, cols)
        Of each array.
    seed : int
        The chip.
    first : int
        How many vectors were read before.
    """

    def __init__(self, roots: Sequence[Array], seed: int, first: int) -> None:
        self._roots = roots
        self._seed = seed
        self._next = first

    def added(self, currents: Sequence[Tensor]) -> list[Tensor]:
        """Return each array's currents (vectors, cols), amperes, with the noise of the next vectors.

        Parameters
        ----------
        currents : sequence of (vectors, cols) Tensor
            Amperes, an array each.
        """
        count = currents[0].shape[0]
        vectors = np.arange(self._next, self._next + count)[:, None]
        self._next += count
        noisy = []
        for tile, (amperes, root) in enumerate(zip(currents, self._roots, strict=True)):
            stream = Stream.of(self._seed, Draw.CURRENT, tile)
            normal = stream.normal(vectors, np.arange(root.shape[0])[None, :])
            noisy.append(amperes + torch.from_numpy(normal @ root.T).to(amperes))
        return noisy
