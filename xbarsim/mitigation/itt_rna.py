"""Training layer by layer on a known chip's maps, then a few iterations on the chip itself, whose cells wear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.off_device import OffDevice, OffDeviceRules
from xbarsim.mitigation.on_device import OnDevice, OnDeviceRules
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.reduced_layer import ReductionRule, check_reducible
from xbarsim.nn.network import CrossbarNetwork

_ROWS: frozenset[Part] = frozenset({"rows"})


@dataclass(frozen=True)
class IttRna(Method):
    """Lay out and train one layer after the other off the device, then train on it and write few cells.

    Off the device, for each layer from the input, those before it computing with what the chip makes of them::

        rows:    matched with word lines, C[p, q] = u_p sum_j |w_pj - t_qj(w_pj)|,
                 u_p the root mean square of input p as the imperfect layers before give it
        repeat:  S = |w - t(w)| |dL/dw|           of the imperfect network; 0 where stuck, or reduced ``bound`` times
                 the ``share`` of the layer's weights with the largest S that are independent:  w <- w / t,  F <- 0
                 ``steps`` steps:  w <- w - step_rate F dL/dw,  |w| <= scale;  the layers behind are trained along

    t(w) is what a weight's cells make of it, pairs with a stuck cell are held at it, F = 0, and which weights depend on
    each other is as for ``reduce-fix``. After each round the accuracy of the imperfect network is measured on
    validation images; the best state stays, and the next layer's turn comes where nothing rose for ``patience`` rounds.

    On the device, ``iterations`` times: a batch goes forward through the chip as it is programmed; the error goes
    backward in software, through the weights that are wanted; these move by ``rate`` with momentum, the rate falling to
    0 as a half cosine. A weight's cells are written when it is more than ``threshold`` of the scale from what is
    programmed, by write-verify where that is how cells are written; cells known to be stuck are not. Biases and
    BatchNorm are digital, and follow at once.

    Source: Z. Song et al., ITT-RNA, IEEE Trans. CAD, 2020, of which the abstract was at hand: training off the device
    after L. Chen et al., DATE 2017, an adjustment as errors add up through layers, few iterations on the device. All
    rules are this package's. It costs labels, a map of the chip, a router in front of word lines, a training for each
    chip, and writes.

    Attributes
    ----------
    mapping : {"match", "none"}
        Whether rows are matched with word lines, or stay where they are.
    images : int
        How many unlabelled images u is from, at most.
    rounds, patience : int
        Rounds of reductions a layer, at most, and without a rise; without any round nothing is trained off the device.
    share : float
        Of a layer's weights, reduced in a round.
    t, bound : float and int
        What a weight is divided by, above 1, and how often at most.
    forward : {"cells", "weights"}
        Whether steps off the device go through what cells make of the layer's weights, or, as ``reduce-fix`` does,
        through the weights themselves.
    graded : int
        Labelled images that dL/dw of S is from, at most.
    steps, step_rate : int and float
        Of gradient descent after each round, without momentum.
    batch : int
        Images of each step, off and on the device.
    iterations : int
        On the device; 0: the chip is not touched.
    rate, momentum : float
        Of these.
    threshold : float
        Of a layer's scale.
    interval : int
        Iterations from one measurement of the chip, on validation images, to the next.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "itt-rna"
    paper: ClassVar[str] = "Z. Song et al., ITT-RNA, IEEE Trans. CAD, 2020 (abstract)"
    about: ClassVar[str] = "lay out and train layer by layer off the device, then train on it and write few cells"
    settles: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"rows", "gain", "targets", "correction"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "targets", "writing"})
    digital_norms: ClassVar[bool] = True

    mapping: Literal["match", "none"] = "match"
    images: int = 1000
    rounds: int = 50
    patience: int = 6
    share: float = 0.004
    t: float = 2.0
    bound: int = 6
    forward: Literal["cells", "weights"] = "cells"
    graded: int = 500
    steps: int = 30
    step_rate: float = 0.05
    batch: int = 128
    iterations: int = 300
    rate: float = 0.03
    momentum: float = 0.9
    threshold: float = 0.02
    interval: int = 100

    def __post_init__(self) -> None:
        self._word("mapping", ("match", "none"))
        self._word("forward", ("cells", "weights"))
        for option in ("images", "patience", "bound", "graded", "steps", "batch", "interval"):
            self._count(option, 1)
        for option in ("rounds", "iterations"):
            self._count(option, 0)
        self._number("share", 0.0, 1.0, above=True)
        self._number("t", 1.0, math.inf, above=True)
        for option in ("step_rate", "rate"):
            self._number(option, 0.0, math.inf, above=True)
        self._number("momentum", 0.0, 1.0)
        self._number("threshold", 0.0, 1.0)
        if self.mapping == "none":
            if not self.rounds and not self.iterations:
                raise InputError("IttRna.iterations is 0, as are rounds, and mapping is none: give something to do")
            # Rows that an earlier step laid out then stay.
            object.__setattr__(self, "settles", IttRna.settles - _ROWS)
            object.__setattr__(self, "undoes", IttRna.undoes - _ROWS)

    @property
    def needs(self) -> Needs:
        """Maps; labels to train, images to match; the chip where there are iterations on it."""
        trains = self.rounds > 0 or self.iterations > 0
        return Needs(
            data="labels" if trains else "images",
            knows="maps",
            chip="write" if self.iterations else "none",
            whole=True,
        )

    @property
    def arranges(self) -> Literal["layer"] | None:
        """Word lines of layers, where rows are matched."""
        return "layer" if self.mapping == "match" else None

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that weights have sizes, that a layer has one scale, and that images fill a batch."""
        super().check(model, network, images)
        check_reducible(self.name, model, network)
        law = network.hardware.law
        if not law.linear and self._off_the_device:
            raise InputError(
                f"{self.name} computes off the device with what cells make of weights, which those of law {law.kind!r} "
                "do not tell: take law.kind=linear, or rounds=0,mapping=none"
            )
        if images < self.batch and (self.rounds or self.iterations):
            raise InputError(f"{self.name}:batch is {self.batch}, and there are {images} images: give a smaller batch")

    @property
    def _off_the_device(self) -> bool:
        return self.rounds > 0 or self.mapping == "match"

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan of what is programmed at the end."""
        plan = plan.with_digital_norms()
        if self._off_the_device:
            plan = OffDevice(self._off_device_rules(), plan, bench).run()
        if self.iterations:
            plan = OnDevice(self._on_device_rules(), plan, bench).run()
        return plan

    def _off_device_rules(self) -> OffDeviceRules:
        return OffDeviceRules(
            label=self.name, mapping=self.mapping, images=self.images, rounds=self.rounds, patience=self.patience,
            share=self.share, reduction=ReductionRule(self.t, self.bound, hold=True), forward=self.forward,
            steps=self.steps, batch=self.batch, rate=self.step_rate, graded=self.graded,
        )  # fmt: skip

    def _on_device_rules(self) -> OnDeviceRules:
        return OnDeviceRules(
            label=self.name, iterations=self.iterations, batch=self.batch, rate=self.rate, momentum=self.momentum,
            threshold=self.threshold, interval=self.interval,
        )  # fmt: skip
