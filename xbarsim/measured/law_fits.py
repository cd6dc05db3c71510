"""Laws fitted to a measured curve: parameters with their standard errors, and whether the curve tells them at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices import Device, model
from xbarsim.errors import InputError
from xbarsim.measured.iv_curve import MeasuredCurve
from xbarsim.plot import BLACK, TEXT, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Weights = Literal["relative", "absolute"]

FREE: dict[str, tuple[str, ...]] = {
    "linear": (),
    "sinh": ("v0",),
    "selector": ("i0", "v0"),
    "yakopcic": ("a2", "b"),
    "transistor": ("kp",),
    "vteam": (),
    "ion_drift": (),
    "stanford": ("v0",),
    "sky130": ("v_ref",),
}
"""Laws that a single curve can be fitted by, and what is free beside the conductance; their other options stay.

Of ``yakopcic`` the amplitude above 0 V, ``a1``, only scales the state: it stays, and ``a2`` is free beside it.
"""

_FLOOR = 1e-4
"""Of the largest current: what relative errors are taken of at least."""

_FAR = 1e6
"""What is left of a point is no more than this: a steep law overflows on the way."""

_BLURRED = 0.999
"""From this correlation on a curve does not tell two parameters apart."""


@dataclass(frozen=True, eq=False, repr=False)
class FittedLaw:
    """A law through a curve.

    Attributes
    ----------
    device : Device
        The law with the fitted parameters.
    conductance : float
        Siemens of the cell's state.
    values, errors : dict of str to float
        Each free parameter, ``conductance`` first, and its standard error; infinite where the curve does not tell it.
    correlation : (values, values)
        Of the errors, numbers from -1 to 1, in the order of ``values``.
    deviation : float
        Root of the mean square of what is left, over the points' weights: relative errors, or amperes.
    points : int
        How many different voltages there were.
    notes : tuple of str
        Parameters that are not told apart, and where nothing was measured.
    """

    device: Device
    conductance: float
    values: dict[str, float]
    errors: dict[str, float]
    correlation: Array
    deviation: float
    points: int
    notes: tuple[str, ...]

    @property
    def information(self) -> float:
        """Akaike's criterion for few points (Hurvich and Tsai 1989); of two laws for one curve the smaller is likelier.

        ``n ln(deviation^2) + 2 k + 2 k (k + 1) / (n - k - 1)`` of n points and k - 1 parameters, the deviation being
        the k-th.
        """
        n, k = self.points, len(self.values) + 1
        small = 2.0 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
        return float(2.0 * n * np.log(max(self.deviation, 1e-150)) + 2.0 * k + small)

    def plot(self, curve: MeasuredCurve, ax: Axes | None = None) -> Axes:
        """Draw the curve and the law through it (matplotlib, from the ``plot`` extra); return the axis.

        Parameters
        ----------
        curve : MeasuredCurve
            What the law was fitted to.
        ax : Axes, optional
            Where; pyplot's current axis if there is none.
        """
        axes = curve.plot(ax)
        volts = np.linspace(curve.voltage.min(), curve.voltage.max(), 400)
        axes.plot(
            volts,
            _law(self.device, self.conductance, volts),
            "--",
            color=BLACK,
            linewidth=1.0,
            label=plain(self.device.name),
        )
        axes.legend(fontsize=TEXT)
        return axes

    def __repr__(self) -> str:
        parts = [f"{name}={value:.4g} +- {self.errors[name]:.1g}" for name, value in self.values.items()]
        return f"FittedLaw({self.device.name}: {', '.join(parts)}; deviation {self.deviation:.2g})"


def fit(
    curve: MeasuredCurve,
    law: str,
    options: Mapping[str, float] | None = None,
    *,
    way: Literal["both", "up", "down"] = "both",
    weights: Weights = "relative",
) -> FittedLaw:
    """Fit a law to the mean over a curve's cycles, its offset at 0 V subtracted.

    Levenberg and Marquardt's method on the logarithms of the parameters; standard errors from the Jacobian at the
    solution and the deviation that is left (Bevington and Robinson, Data Reduction and Error Analysis, 8.6).

    Parameters
    ----------
    curve : MeasuredCurve
        The measurement.
    law : str
        ``linear``, ``sinh``, ``selector``, ``yakopcic``, ``transistor``, or a cell with memory, of which the law of a
        state that stands still is fitted: ``vteam``, ``ion_drift``, ``stanford``, ``sky130``.
    options : mapping of str to float, optional
        The law's options that are known, ``{"gate": 2.0}``; a free one that is here stays as it is.
    way : {"both", "up", "down"}
        Of a loop, the branch.
    weights : {"relative", "absolute"}
        ``relative``: each point counts by its relative error, down to 1e-4 of the largest current. ``absolute``: by its
        error in amperes.

    Returns
    -------
    FittedLaw

    Raises
    ------
    InputError
        There is no such law or option, too few points for its parameters, or no current to fit.
    """
    if law not in FREE:
        raise InputError(f"law is {law!r}: fits are of {', '.join(FREE)}")
    if weights not in get_args(Weights):
        raise InputError(f"weights is {weights!r}: it must be one of {', '.join(get_args(Weights))}")
    fixed = dict(options or {})
    free = tuple(name for name in FREE[law] if name not in fixed)
    volts, amperes, _ = curve.without_offset().averaged(way)
    volts, amperes = volts[volts != 0.0], amperes[volts != 0.0]
    if volts.size <= len(free) + 1:
        raise InputError(f"the curve has {volts.size} voltages beside 0 V: {law} takes more than {len(free) + 1}")
    if not np.dot(volts, amperes) > 0.0:
        raise InputError("the curve has no current in the voltage's direction: is its sign the other way round?")
    largest = float(np.abs(amperes).max())
    floor = _FLOOR if weights == "relative" else 1.0
    problem = LawProblem(
        model(law), model(law).filled(fixed), free, volts, amperes, np.maximum(np.abs(amperes), floor * largest)
    )
    logs, jacobian = problem.best()
    device, g = problem.device_at(logs)
    gaps = problem.left(logs)
    names, numbers = ["conductance", *free], np.exp(logs)
    errors, correlation = _uncertainty(jacobian, gaps, numbers)
    deviation = float(np.sqrt(np.mean(gaps**2))) * (1.0 if weights == "relative" else largest)
    notes = (*_blurred(names, errors, correlation), f"measured from {volts.min():g} to {volts.max():g} V")
    values = dict(zip(names, numbers.tolist(), strict=True))
    return FittedLaw(
        device, g, values, dict(zip(names, errors.tolist(), strict=True)), correlation, deviation, volts.size, notes
    )


@dataclass(frozen=True, eq=False)
class LawProblem:
    """What a fit makes small.

    Attributes
    ----------
    kind : type of Device
        The law.
    start : dict
        All its options.
    free : tuple of str
        Those that are fitted beside the conductance.
    volts, amperes, sigma : (points,)
        The curve, and what each point's error is divided by.
    """

    kind: type[Device]
    start: dict[str, Any]
    free: tuple[str, ...]
    volts: Array
    amperes: Array
    sigma: Array

    def device_at(self, logs: Array) -> tuple[Device, float]:
        """Return the law and the conductance at logarithms of the parameters."""
        numbers = np.exp(np.clip(logs, -200.0, 200.0)).tolist()
        return self.kind.from_options(**(self.start | dict(zip(self.free, numbers[1:], strict=True)))), numbers[0]

    def left(self, logs: Array) -> Array:
        """Return what is left at each point, over ``sigma``."""
        device, g = self.device_at(logs)
        with np.errstate(over="ignore", invalid="ignore"):
            gaps = (_law(device, g, self.volts) - self.amperes) / self.sigma
        return np.asarray(np.clip(np.nan_to_num(gaps, nan=_FAR), -_FAR, _FAR))

    def best(self) -> tuple[Array, Array]:
        """Return the best of several starts, and the Jacobian there."""
        from scipy.optimize import least_squares

        results = [least_squares(self.left, first, jac="3-point", max_nfev=200) for first in self._starts()]
        nearest = min(results, key=lambda result: float(result.cost))
        return np.asarray(nearest.x), np.asarray(nearest.jac)

    def _starts(self) -> list[Array]:
        """Return logarithms to begin at: slopes of the curve, and what its volts and amperes can tell."""
        low = np.abs(self.volts) <= np.median(np.abs(self.volts))
        slopes = [float(np.dot(self.volts[k], self.amperes[k]) / np.dot(self.volts[k], self.volts[k]))
                  for k in (low, np.ones_like(low))]  # fmt: skip
        span, largest = float(np.abs(self.volts).max()), float(np.abs(self.amperes).max())
        usual = {
            "v0": span / 3.0,
            "v_ref": span / 3.0,
            "b": 3.0 / span,
            "i0": 0.01 * largest,
            "kp": 2.0 * largest / span**2,
        }
        guesses = np.array([usual.get(name, self.start[name]) for name in self.free])
        firsts = {max(slopes[0], 1e-3 * slopes[1]), slopes[1], 10.0 * slopes[1]}
        return [np.log([g, *guesses * factor]) for g in sorted(firsts) for factor in (1.0, 0.3, 3.0)]


def fit_all(
    curve: MeasuredCurve,
    laws: Sequence[str] = ("linear", "sinh", "selector", "yakopcic"),
    options: Mapping[str, Mapping[str, float]] | None = None,
    *,
    way: Literal["both", "up", "down"] = "both",
    weights: Weights = "relative",
) -> list[FittedLaw]:
    """Fit several laws, the likeliest first: by :attr:`FittedLaw.information`, as more parameters always leave less.

    Parameters
    ----------
    curve, way, weights
        As :func:`fit`.
    laws : sequence of str
        Which.
    options : mapping of law to mapping, optional
        What is known of each.

    Returns
    -------
    list of FittedLaw

    Raises
    ------
    InputError
        As :func:`fit`.
    """
    fits = [fit(curve, law, (options or {}).get(law), way=way, weights=weights) for law in laws]
    return sorted(fits, key=lambda fitted: fitted.information)


def _law(device: Device, conductance: float, volts: Array) -> Array:
    return device.current([[conductance]], volts[:, None, None])[:, 0, 0]


def _uncertainty(jacobian: Array, gaps: Array, values: Array) -> tuple[Array, Array]:
    """Return standard errors of the values whose logarithms were fitted, and their correlation."""
    count = values.size
    variance = float(np.sum(gaps**2)) / max(1, gaps.size - count)
    size = np.linalg.norm(jacobian, axis=0)
    if not np.all(size > 0.0):
        errors = np.where(size > 0.0, 0.0, np.inf)
        return errors, np.eye(count)
    _, singular, right = np.linalg.svd(jacobian / size, full_matrices=False)
    if singular[-1] <= 1e-12 * singular[0]:
        return np.full(count, np.inf), np.ones((count, count))
    covariance = (right.T / singular**2) @ right / np.outer(size, size) * variance
    deviation = np.sqrt(np.diag(covariance))
    spread = np.where(deviation > 0.0, deviation, 1.0)
    return values * deviation, covariance / np.outer(spread, spread)


def _blurred(names: Sequence[str], errors: Array, correlation: Array) -> list[str]:
    """Say which parameters the curve does not tell."""
    notes = [f"the curve does not tell {name}" for name, error in zip(names, errors, strict=True) if np.isinf(error)]
    for a in range(len(names)):
        for b in range(a):
            if abs(correlation[a, b]) > _BLURRED and not notes:
                notes.append(
                    f"the curve hardly tells {names[b]} from {names[a]} (correlation {correlation[a, b]:.4f}): "
                    "measure to higher voltages, or give one of them"
                )
    return notes
