"""Cells programmed so that the circuit around them multiplies by the weights: wires, faults and variation in it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.cell_choice import check_choosable
from xbarsim.mitigation.map_fit import SOLVERS, MapFit, MapFitting
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork

_HEADROOMS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class UnreachableWarning(UserWarning):
    """Some weights are beyond what any conductance of their cells makes of them."""


@dataclass(frozen=True)
class Precompensate(Method):
    """Ask cells for conductances such that each layer's effective matrix, with its wires, is the weights.

    With w_eff(v) the matrix that the circuit multiplies by when cells are chosen for weights v, as ``prescale`` chooses
    them, the fixed point of::

        v <- clip(v + w - w_eff(v), low, high)

    low and high being what the cells of each weight can hold, or the least of ``|w_eff(v) - w|^2`` by L-BFGS-B with the
    circuit's adjoint, from the same start. The state of least error ``|w_eff - w| / |w|`` is kept. The largest weights
    would need more than the largest conductance for what wires take, so all scales are multiplied by h first, and
    outputs by h digitally, as ``headroom`` does: that much comes back by scaling alone, and costs signal. h is the
    least of 1, 1.5, 2, 3, 5 and 10 at which every layer's error is below ``tolerance``; if there is none, as with stuck
    cells that nothing makes up for, that whose worst layer is best.

    What no conductance reaches ends at its cells' bound, and is warned of with its share. h is noted, and of each layer
    ``map_error`` and ``unreachable``, the share of weights that miss more than their cells have left to give.

    It is in none of the papers. It takes the chip's maps without error, which no test gives, the exact wires, and a
    circuit a step: no data, no training. Cells whose factors are small are driven harder. Noise of writing and reads
    stays, and is h times larger against the signal. Without enough headroom it is worse than doing nothing: errors are
    moved from where they are shared by all weights to where they are not.

    Attributes
    ----------
    h : float or None
        What scales are multiplied with, at least 1; None: the least that does.
    solver : {"fixed-point", "adjoint"}
        How v is found.
    iterations : int
        Steps a layer, at least 1.
    tolerance : float
        Of each layer's error, above 0 and at most 1, where h is to be found.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "precompensate"
    paper: ClassVar[str] = "none: the exact inverse of the circuit, as far as conductances reach"
    about: ClassVar[str] = "program cells so that the circuit, wires included, multiplies by the weights"
    settles: ClassVar[frozenset[Part]] = frozenset({"targets", "headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"targets", "headroom"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "writing"})

    h: float | None = None
    solver: Literal["fixed-point", "adjoint"] = "fixed-point"
    iterations: int = 25
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if self.h is not None:
            self._number("h", 1.0, math.inf)
        self._word("solver", tuple(SOLVERS))
        self._count("iterations", 1)
        self._number("tolerance", 0.0, 1.0, above=True)

    @property
    def needs(self) -> Needs:
        """All that is frozen in the chip."""
        return Needs(knows="maps")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse nonlinear cells, slices, and more levels than can be tried, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        hardware = network.hardware
        if not hardware.law.linear:
            raise InputError(
                f"{self.name} inverts effective matrices, which cells of law {hardware.law.kind!r} do not have: "
                "take law.kind=linear"
            )
        check_choosable(self.name, hardware)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with headroom, and the conductances of all cells set."""
        h, fits = self._least(plan, bench)
        bench.note(h=h)
        for name, fit in fits.items():
            bench.note(map_error=fit.error, unreachable=fit.unreachable)
            plan = plan.with_layer(name, headroom=plan.layer(name).headroom * h, targets=fit.targets)
        self._warn(h, fits)
        return plan

    def _least(self, plan: Plan, bench: Bench) -> tuple[float, dict[str, MapFit]]:
        """Return the headroom, and what each layer comes to with it."""
        best: tuple[float, dict[str, MapFit]] = 0.0, {}
        least = math.inf
        for h in _HEADROOMS if self.h is None else (self.h,):
            fits = self._fits(plan, bench, h, least)
            worst = max(fit.error for fit in fits.values())
            if worst < least:
                best, least = (h, fits), worst
            if least < self.tolerance:
                break
        return best

    def _fits(self, plan: Plan, bench: Bench, h: float, least: float) -> dict[str, MapFit]:
        """Return what layers come to with a headroom, up to the first that is no better than the worst of another."""
        higher = plan
        for name in bench.ideal_network(plan).layers:
            higher = higher.with_layer(name, headroom=plan.layer(name).headroom * h)
        fits: dict[str, MapFit] = {}
        for name, layer in bench.known_network(higher).layers.items():
            fits[name] = SOLVERS[self.solver](MapFitting(layer), self.iterations)
            if fits[name].error >= least:
                break
        return fits

    def _warn(self, h: float, fits: Mapping[str, MapFit]) -> None:
        beyond = {name: fit for name, fit in fits.items() if fit.unreachable > 0.0}
        if beyond:
            shares = ", ".join(f"{name!r} {fit.unreachable:.2%}" for name, fit in beyond.items())
            worst = max(fit.error for fit in fits.values())
            warnings.warn(
                f"{self.name} with h={h:g}: no conductance reaches some weights ({shares}); maps are {worst:.2%} off "
                "at most: larger h brings nearer what is not stuck",
                UnreachableWarning,
                stacklevel=3,
            )
