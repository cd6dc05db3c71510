"""Weights that are changed together: the largest of them, no two of which stand beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

_AT_FIRST = 16  # candidates looked at for each pick, before more are sorted


@dataclass(frozen=True)
class Neighbourhood:
    """Which weights of a layer depend on each other: those of the same output whose inputs are near.

    Neighbouring pixels have similar values, so that each can stand in for the other: of two that are reduced at once
    neither could (L. Chen et al., DATE 2017, section IV-C).

    Attributes
    ----------
    inputs : int
        Of the layer.
    grid : (height, width) or None
        Of the image that the inputs are, channel by channel; None: they are a line.
    distance : int
        Inputs nearer than this depend on each other, in rows and columns alike, whatever their channels.
    """

    inputs: int
    grid: tuple[int, int] | None = None
    distance: int = 2

    @staticmethod
    def of_images(inputs: int, shape: tuple[int, int, int] | None) -> Neighbourhood:
        """Return that of images' pixels, if they are what a layer sees; else that of a line.

        Parameters
        ----------
        inputs : int
            Of the layer.
        shape : (channels, height, width) or None
            Of the images that come to it, if they do.
        """
        if shape is not None and inputs == shape[0] * shape[1] * shape[2]:
            return Neighbourhood(inputs, shape[1:])
        return Neighbourhood(inputs)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Where each input is, (inputs, 2): row and column."""
        numbers = np.arange(self.inputs)
        if self.grid is None:
            return np.stack([np.zeros_like(numbers), numbers], axis=1)
        pixels = numbers % (self.grid[0] * self.grid[1])
        return np.stack([pixels // self.grid[1], pixels % self.grid[1]], axis=1)


def independent(values: Array, count: int, neighbourhood: Neighbourhood) -> list[tuple[int, int]]:
    """Return the largest of some values that are above 0, as (output, input), each independent of those before it.

    Parameters
    ----------
    values : (outputs, inputs) array
        Ties go to the lower output, then the lower input.
    count : int
        How many, at most.
    neighbourhood : Neighbourhood
        Which depend on each other.
    """
    places = neighbourhood.places
    picks: list[tuple[int, int]] = []
    of_output: dict[int, list[int]] = {}
    for output, place in falling(values, count):
        before = of_output.setdefault(output, [])
        if not before or np.abs(places[before] - places[place]).max(axis=1).min() >= neighbourhood.distance:
            picks.append((output, place))
            before.append(place)
            if len(picks) == count:
                break
    return picks


def falling(values: Array, count: int) -> Iterator[tuple[int, int]]:
    """Yield the places (row, column) of all values above 0, the largest first; quickest where few are taken.

    Parameters
    ----------
    values : (rows, cols) array
        What is ordered.
    count : int
        About how many will be taken.
    """
    flat = values.ravel()
    begin, size = 0, min(flat.size, _AT_FIRST * count)
    while begin < flat.size:
        # The least of those that are sorted now is a bound; ties with it are all taken.
        bound = np.partition(flat, flat.size - size)[flat.size - size]
        numbers = np.flatnonzero(flat >= max(bound, np.nextafter(0.0, 1.0)))
        order = numbers[np.argsort(-flat[numbers], kind="stable")]
        for number in order[begin:]:
            row, column = divmod(int(number), values.shape[1])
            yield row, column
        if bound <= 0.0 or size == flat.size:
            return
        begin, size = len(order), min(flat.size, 8 * size)
