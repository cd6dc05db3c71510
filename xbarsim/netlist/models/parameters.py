"""Parameters of models and devices: known names, defaults, one value or one for each instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Amount = float | Floats


@dataclass(frozen=True)
class ParameterNames:
    """The parameters of a kind of model.

    Attributes
    ----------
    model : frozenset of str
        Parameters that a .model may have and that operating points depend on.
    device : frozenset of str
        Those of an element.
    idle : frozenset of str
        Parameters that change no operating point: charges, noise, limits of warnings.
    refused : mapping of str to str
        Parameters that matter and are not supported, and why; they may be given as 0.
    aliases : mapping of str to str
        Other names.
    memory : frozenset of str
        The idle ones that say what charge is held, on which a transient depends.
    """

    model: frozenset[str]
    device: frozenset[str]
    idle: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    memory: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ambient:
    """Temperatures in degrees Celsius, and what ``.options`` says of devices.

    Attributes
    ----------
    celsius, nominal : float
        The circuit's temperature, and that at which parameters were measured.
    gmin : float
        Siemens across each junction.
    length, width, drain_area, source_area : float
        What transistors default to, in metres and square metres.
    scale : float
        What lengths that elements give are multiplied with, areas with its square.
    """

    celsius: float = 27.0
    nominal: float = 27.0
    gmin: float = 1e-12
    length: float = 1e-4
    width: float = 1e-4
    drain_area: float = 0.0
    source_area: float = 0.0
    scale: float = 1.0


def any_nonzero(values: Mapping[str, Amount], *names: str) -> bool:
    """Whether all of these parameters are there and not 0, for one of the elements at least."""
    product: Amount = 1.0
    for name in names:
        product = np.multiply(product, np.not_equal(values.get(name, 0.0), 0))
    return bool(np.any(product))


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


class UnphysicalError(ValueError):
    """A parameter has a value that no device has; the message says which."""


def check_values(values: Amount, good: Amount | NDArray[np.bool_] | bool, text: str) -> None:
    """Refuse parameters that are not good, with one bad value in place of ``{}``.

    Parameters
    ----------
    values : float or array
        A parameter's, one or one for each instance.
    good : bool or array of bool
        Which may be.
    text : str
        The message, with ``{}`` where the value goes.
    """
    bad = ~np.broadcast_to(np.asarray(good, dtype=bool), np.broadcast_shapes(np.shape(values), np.shape(good)))
    if bad.any():
        value = np.broadcast_to(np.asarray(values, dtype=np.float64), bad.shape)[bad][0]
        raise UnphysicalError(text.format(f"{value:g}"))
