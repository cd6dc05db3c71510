"""What known stuck cells falsify, multiplied digitally and added: exact, and a product for each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.line_costs import input_weights
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import LayerPlan, Plan
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal import Fault


@dataclass(frozen=True)
class OutputCorrection(Method):
    """Add ``sum (w - t(w)) x`` over weights with a stuck cell, from a digital memory.

    t(w) is what the cells of a weight make of it, as far as is known: with ``knows=faults`` all that is not stuck is
    taken to be as it should be, with ``maps`` its factor counts, that of a stuck cell's partner too. Of linear cells it
    is what the circuit makes of it, its wires included: what they take from a stuck cell's current is not there to be
    made up for. A weight counts as stuck if a cell of any of its planes is, or its reference cell. With a gain G that
    an earlier step settled it is ``w - G t(w)``.

    Without variation, levels and wires outputs are those of the fault-free network, whatever is stuck. It costs a
    digital product for each corrected weight and vector (``correction_macs``): at 10 % stuck cells, a fifth of all
    products of a differential layer, which is what crossbars are to spare. With a budget those of the largest
    ``|w - t(w)| u`` are corrected, over the root mean square of the layer's products; u is 1, or the root mean square
    of the weight's input over unlabelled images.

    It is in none of the papers in this form; it is the bound on what correcting known cells brings.

    Attributes
    ----------
    knows : {"faults", "maps"}
        What is known of the chip.
    share : float
        At most so many weights are corrected, of all of the network, 0 to 1.
    most : int, optional
        At most so many; None: as ``share`` says.
    weighting : {"paper", "input"}
        Whether u is 1, or of images.
    images : int
        How many of them, at least 1.

    Raises
    ------
    InputError
        An option is none of these, or images would choose where nothing is to be chosen.
    """

    name: ClassVar[str] = "output-correction"
    paper: ClassVar[str] = "none: the bound on what correcting known cells brings"
    about: ClassVar[str] = "add what known stuck cells falsify, from a digital memory"
    settles: ClassVar[frozenset[Part]] = frozenset({"correction"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"correction"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "targets", "writing"})

    knows: Literal["faults", "maps"] = "faults"
    share: float = 1.0
    most: int | None = None
    weighting: Literal["paper", "input"] = "paper"
    images: int = 1000

    def __post_init__(self) -> None:
        self._word("knows", ("faults", "maps"))
        self._number("share", 0.0, 1.0)
        if self.most is not None:
            self._count("most", 0)
        self._word("weighting", ("paper", "input"))
        self._count("images", 1)
        if self.weighting == "input" and self.share == 1.0 and self.most is None:
            raise InputError(
                f"{type(self).__name__}.weighting is 'input', and all stuck weights are corrected: "
                "give share below 1, or most"
            )

    @property
    def needs(self) -> Needs:
        """Stuck cells, or all maps; and images where they choose."""
        return Needs(data="images" if self.weighting == "input" else "none", knows=self.knows)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse more images than there are, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        if self.weighting == "input" and self.images > images:
            raise InputError(
                f"output-correction:images is {self.images}, and there are {images}: give images={images} or less"
            )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with a sparse correction of each layer."""
        layers = bench.known_network(plan).layers
        errors = {name: _errors(layer, plan.layer(name)) for name, layer in layers.items()}
        magnitudes = self._magnitudes(plan, bench, layers)
        scores = {name: _scores(layers[name], error, magnitudes[name]) for name, error in errors.items()}
        budget = self._largest(np.concatenate([score.ravel() for score in scores.values()]))
        first = 0
        for name, error in errors.items():
            part = budget[first : first + error.size].reshape(error.shape)
            first += error.size
            correction = np.where(part, error, 0.0)
            bench.note(corrected=float((correction != 0.0).mean()))
            weight = layers[name].weight
            tensor = torch.from_numpy(np.ascontiguousarray(correction.T)).reshape(weight.shape).to(weight)
            plan = plan.with_layer(name, correction=tensor.detach())
        return plan

    def _magnitudes(self, plan: Plan, bench: Bench, layers: Mapping[str, CrossbarLayer]) -> dict[str, Array]:
        """Return u of all weights, (inputs, 1 or outputs) for each layer."""
        if self.weighting == "paper":
            return {name: np.ones((1, 1)) for name in layers}
        weights = input_weights(plan, bench, self.images)
        return {
            name: np.repeat(np.stack(weights[name], axis=1), layer.outputs // layer.groups, axis=1)
            for name, layer in layers.items()
        }

    def _largest(self, scores: Array) -> NDArray[np.bool_]:
        """Return which weights are corrected: those of largest scores; of equal ones the first."""
        count = int(self.share * scores.size)
        if self.most is not None:
            count = min(count, self.most)
        largest = np.zeros(scores.size, dtype=bool)
        largest[np.argsort(-scores, kind="stable")[:count]] = True
        return largest & (scores > 0.0)


def _errors(layer: CrossbarLayer, settled: LayerPlan) -> Array:
    """Return ``w - G t(w)`` of weights that stuck cells falsify, 0 of others, (inputs, outputs of all groups)."""
    gain = 1.0 if settled.gain is None else np.asarray(settled.gain.detach().double()).reshape(1, -1)
    weights = _matrix(layer.matrices())
    circuit = gain * _matrix(layer.effective_matrices()) if layer.hardware.law.linear else None
    # The network is the method's own. Where wires alone take something no cell is to blame.
    layer.hardware = replace(layer.hardware, fidelity="ideal")
    real = gain * _matrix(layer.effective_matrices())
    return np.where(_stuck(layer) & (real != weights), weights - (real if circuit is None else circuit), 0.0)


def _matrix(groups: Sequence[Tensor]) -> Array:
    """Return matrices of all groups beside each other, (inputs, outputs)."""
    matrix: Array = torch.cat([group.detach().double() for group in groups], dim=1).numpy()
    return matrix


def _stuck(layer: CrossbarLayer) -> NDArray[np.bool_]:
    """Return which weights have a stuck cell in any plane, or as their reference, (inputs, outputs of all groups)."""
    stuck: NDArray[np.bool_] = np.any([faults != Fault.HEALTHY for faults, _ in layer.known()], axis=0)
    chip = layer.checked_chip()
    for tile, place in enumerate(layer.places):
        if place.extra:
            rows = place.driven & (chip.maps(tile).faults[:, -1] != Fault.HEALTHY)
            stuck[np.ix_(place.inputs[rows], place.first_output + place.outputs)] = True
    return stuck


def _scores(layer: CrossbarLayer, errors: Array, magnitudes: Array) -> Array:
    """Return what errors do to outputs, over the root mean square of the layer's products."""
    with torch.no_grad():
        weights = torch.cat([matrix.double() for matrix in layer.matrices()], dim=1).numpy()
    products = np.sqrt(np.square(weights * magnitudes).sum() / layer.outputs)
    scores: Array = np.abs(errors) * magnitudes / (products if products > 0.0 else 1.0)
    return scores
