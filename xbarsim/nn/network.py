"""A model whose layers are on crossbars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn import network_archive
from xbarsim.nn.array_count import ArrayCount
from xbarsim.nn.calibration import calibrate
from xbarsim.nn.copies import copied
from xbarsim.nn.footprint import LayerFootprint
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.map_store import MapStorage
from xbarsim.nn.outside import Origin, Watch, only_composed
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nn.summary import Summary, summary
from xbarsim.nn.transforms import uncompiled
from xbarsim.nonideal import Chip
from xbarsim.nonideal.streams import whole
from xbarsim.resources import check_memory


class CrossbarNetwork(nn.Module):
    """What ``convert`` returns.

    Parameters
    ----------
    model, hardware : Module and Hardware
        See below.
    matrices : iterable of str
        Names of parameters and buffers of the model that stay digital, but that no input may be multiplied with.

    Attributes
    ----------
    model : Module
        The copy of the torch model, with layers on crossbars in it.
    hardware : Hardware
        What they run on, but for overrides.
    seed : int or None
        What ``program`` was given; of chips that were handed over what was said with them.
    progress : callable or None
        Told, while a forward pass reduces arrays, how many are ready and of how many.
    """

    def __init__(self, model: nn.Module, hardware: Hardware, matrices: Iterable[str] = ()) -> None:
        super().__init__()
        self.model = model
        self.hardware = hardware
        self.seed: int | None = None
        self.progress: Callable[[int, int], None] | None = None
        self._matrices = tuple(matrices)
        self._origins: dict[str, Origin] = {}
        for name, layer in self.layers.items():
            layer.name = name

    @property
    def layers(self) -> dict[str, CrossbarLayer]:
        """The layers on crossbars by name; one that is the whole model is called ``model``."""
        modules = self.model.named_modules()
        return {name or "model": layer for name, layer in modules if isinstance(layer, CrossbarLayer)}

    @property
    def chips(self) -> dict[str, Chip]:
        """Each layer's chip; none before ``program``."""
        return {name: layer.chip for name, layer in self.layers.items() if layer.chip is not None}

    @uncompiled
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model returns, through the crossbars.

        Raises
        ------
        InputError
            A weight is used outside of its layer, inputs are multiplied with a matrix that is in none, or, in
            ``eval()``, no forward pass so far has reached a layer; the message says how to leave it digital.
        """
        layers = self.layers
        free = not self._matrices and only_composed(self.model, {id(layer.weight) for layer in layers.values()})
        with nullcontext() if free else Watch(self._watched(layers)), self._counted(layers):
            outputs = self.model(*args, **kwargs)
        if not self.training:
            self._check_reached([name for name, layer in layers.items() if not layer.reached])
        return outputs

    def _counted(self, layers: Mapping[str, CrossbarLayer]) -> AbstractContextManager[None]:
        if self.progress is None:
            return nullcontext()
        return ArrayCount([layer for layer in layers.values() if not layer.ready], self.progress)

    def _watched(self, layers: Mapping[str, CrossbarLayer]) -> Iterator[tuple[Tensor, Origin]]:
        for name, layer in layers.items():
            origin = self._origins.get(name)
            if origin is None:
                origin = Origin(f"the weight of {layer.label}", self._digital_name(name), programmed=True)
                self._origins[name] = origin
            yield layer.weight, origin
            if layer.bias_row and layer.bias is not None:
                yield layer.bias, replace(origin, subject=f"the bias row of {layer.label}")
        for path in self._matrices:
            above, _, name = path.rpartition(".")
            tensor = getattr(self.model.get_submodule(above), name, None)
            if isinstance(tensor, Tensor):
                yield tensor, Origin(repr(path), path, programmed=False)

    def _check_reached(self, missed: list[str]) -> None:
        """Refuse layers that no forward pass has come to."""
        if not missed:
            return
        names = ", ".join(dict.fromkeys(repr(self._digital_name(name)) for name in missed[:3]))
        raise InputError(
            f"no forward pass reaches layer {_few(missed)}, which would stand in summaries all the same: "
            f"leave it digital with digital=({names},)"
        )

    def _digital_name(self, name: str) -> str:
        """Return what ``convert(digital=...)`` calls a layer: torch's module, of which it may be a part."""
        above = name.rpartition(".")[0]
        whole = hasattr(self.model.get_submodule(above), "to_torch")
        return above if whole and above else name

    def program(
        self,
        seed: int | None = None,
        *,
        time: float | None = None,
        chips: Mapping[str, Chip] | None = None,
        headroom: float | Mapping[str, float] = 1.0,
    ) -> Self:
        """Make every layer's chip, a function of seed and the layer's number, and put the weights on it.

        The same seed again is the same chip, written once more: noise of writing is new. Ranges of converters belong to
        what was programmed before, and are to be calibrated again.

        Parameters
        ----------
        seed : int, optional
            ``0 <= seed < 2^64``; None: 0. With ``chips`` it is only what ``save_chips`` says that they are of.
        time : float, optional
            Seconds since then, as ``at`` takes them. Where cells drift nothing runs before a time is said.
        chips : mapping of str to Chip, optional
            Chips that are there already, instead of a seed's: one for each layer, by the names of ``layers``.
        headroom : float, or mapping of str to float
            What the scale of each layer's weights is multiplied with, as of ``CrossbarLayer.program``; a mapping has it
            for layers by name, and others have 1.

        Raises
        ------
        InputError
            The seed is none, the time or a headroom cannot be, a name is no layer's, or a chip is missing or of another
            layer; nothing is programmed then.
        """
        layers = self.layers
        rooms = self._headrooms(headroom)
        if chips is not None:
            self._check_chips(chips)
        if chips is None or seed is not None:
            seed = whole("seed", 0 if seed is None else seed, 0, 1 << 64)
        if time is not None:
            self._drifting(time)
        for layer in layers.values():
            layer.check_finite()
        for number, (name, layer) in enumerate(layers.items()):
            if chips is not None:
                layer.program(chip=chips[name], headroom=rooms[name])
                continue
            stream = np.random.SeedSequence(seed, spawn_key=(number,))
            layer.program(int(stream.generate_state(1, np.uint64)[0]), headroom=rooms[name])
        self.seed = seed
        return self if time is None else self.at(time)

    def _headrooms(self, headroom: float | Mapping[str, float]) -> dict[str, float]:
        """Return each layer's headroom, by name."""
        layers = self.layers
        if isinstance(headroom, Mapping):
            self._check_names("headroom", headroom)
            return {name: layer.checked_headroom(headroom.get(name, 1.0)) for name, layer in layers.items()}
        return {name: layer.checked_headroom(headroom) for name, layer in layers.items()}

    def _check_chips(self, chips: Mapping[str, Chip]) -> None:
        """Refuse chips that are not one of each layer's kind for each layer."""
        if not isinstance(chips, Mapping):
            raise InputError(f"chips is {chips!r}: it must be a dictionary of layers' names and Chip(...)")
        self._check_names("chips", chips)
        missing = [name for name in self.layers if name not in chips]
        if missing:
            raise InputError(f"chips has none for layer {_few(missing)}: give one for every layer")
        for name, layer in self.layers.items():
            layer.fitting_chip(chips[name])

    def _check_names(self, label: str, names: Iterable[str]) -> None:
        """Refuse names that are no layer's."""
        strangers = [name for name in names if name not in self.layers]
        if strangers:
            raise InputError(f"{label} names {_few(strangers)}, no layer on crossbars: there are {_few(self.layers)}")

    def at(self, seconds: float, *, compensate: bool = False) -> Self:
        """Read all cells from now on as they are some time after programming.

        Weights, chips and ranges of converters stay. Layers whose cells do not drift do not change.

        Parameters
        ----------
        seconds : float
            Since programming, at least t0 of each layer's ``Drift``.
        compensate : bool
            Whether each layer makes up for it by one digital number, as ``CrossbarLayer.at`` says.

        Raises
        ------
        NotProgrammedError
            ``program`` was not called.
        InputError
            No layer's cells drift, or the time is before t0.
        """
        self._check_programmed()
        for layer in self._drifting(seconds):
            layer.at(seconds, compensate=compensate)
        return self

    def _drifting(self, seconds: float) -> list[CrossbarLayer]:
        """Return the layers whose cells drift, if a time is one for all of them."""
        layers = [layer for layer in self.layers.values() if layer.hardware.cells.drift]
        if not layers:
            raise InputError(f"time is {seconds!r}: no layer has cells that drift, give Nonidealities.drift")
        for layer in layers:
            layer.checked_time(seconds)
        return layers

    def keep_maps(self, kind: MapStorage) -> Self:
        """Say how all layers store the maps of their arrays, which forward passes outside of training share.

        Parameters
        ----------
        kind : {"weights", "float32", "float64", "recompute"}
            ``weights``: in the type of the weights. ``float32``: 4 bytes a weight, rounded to 6e-8 of it. ``float64``:
            8 bytes a weight; all products are in double precision, and outputs as wide as inputs. ``recompute``: not at
            all, nor a copy of the weights: each forward pass reduces all arrays again, a gradient once more. Where
            none is recorded and no lines are arranged a linear layer then never holds more than some arrays.
            ``layer.map_storage`` sets a layer's alone.

        Raises
        ------
        InputError
            There is no such kind.
        """
        for layer in self.layers.values():
            layer.map_storage = kind
        return self

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> Self:
        """Reduce all arrays to their maps now, which the first forward pass would do.

        Layers with read noise, which are read anew each time, those that recompute their maps, and those with nonlinear
        cells, which have none, are left to it.

        Parameters
        ----------
        progress : callable, optional
            Told how many arrays are ready, and of how many.

        Raises
        ------
        NotProgrammedError
            ``program`` was not called.
        TooLargeError
            Maps that are to be stored would not fit in memory; none is made.
        """
        self._check_programmed()
        layers = [layer for layer in self.layers.values() if layer.preparable]
        demand = sum(LayerFootprint.of(layer.name, layer).maps for layer in layers if not layer.ready)
        check_memory(demand, "storing the maps of all arrays", "call keep_maps('recompute'), which stores none")
        whole, before = sum(len(layer.places) for layer in layers), 0
        with torch.no_grad():
            for layer in layers:
                if progress is not None:
                    layer.progress = partial(lambda before, count: progress(before + count, whole), before)
                try:
                    layer.prepare()
                finally:
                    layer.progress = None
                before += len(layer.places)
        return self

    def fit_gains(self, per: Literal["layer", "output"] = "layer") -> Self:
        """Set each layer's digital gain to what makes its effective matrix nearest to its weights.

        It is the least-squares answer to what wires take away, known without data; ``CrossbarLayer.fit_gain`` says it.

        Parameters
        ----------
        per : {"layer", "output"}
            One number a layer, or one an output.
        """
        self._check_programmed()
        for layer in self.layers.values():
            layer.fit_gain(per)
        return self

    def calibrate(self, batches: Tensor | Iterable[Any]) -> Self:
        """Set the ranges of converters to the largest magnitudes that arrive, layer by layer, DAC before ADC.

        Parameters
        ----------
        batches : tensor, or iterable of batches
            A batch is a tensor, a tuple whose first part is the input (as a DataLoader's), or a dictionary of
            arguments. They are gone through several times.

        Raises
        ------
        NotProgrammedError
            ``program`` was not called.
        InputError
            There is no batch.
        """
        self._check_programmed()
        calibrate(self, list(self.layers.values()), batches)
        return self

    def summary(self, inputs: Any = None) -> Summary:
        """Return a description of every layer: arrays, cells, utilisation, and the error that wires make.

        Parameters
        ----------
        inputs : tensor, tuple or dict, optional
            A batch as ``calibrate`` takes; the error is then that of outputs on it. None: that of the effective
            matrices.
        """
        if inputs is not None:
            self._check_programmed()
        return summary(self, self.layers, inputs)

    def save_chips(self, path: str | Path) -> None:
        """Write all chips, scales and converter ranges, but no weights, to a ``.npz`` file, whole or not at all.

        Raises
        ------
        InputError
            The network is not programmed, or the path cannot be written.
        """
        network_archive.save_chips(self.layers, path, self.seed)

    def load_chips(self, path: str | Path) -> Self:
        """Put the weights on saved chips.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            The file is missing or damaged, or its chips are of another model or hardware; the message names both.
        """
        self.seed = network_archive.load_chips(self.layers, path)
        return self

    def _check_programmed(self) -> None:
        for layer in self.layers.values():
            if layer.chip is None:
                raise NotProgrammedError(f"{layer.label} has no chip: call program(seed) first")

    def to_torch(self) -> nn.Module:
        """Return a torch model with the weights as they are now, without any hardware."""
        return _plain(copied(self.model), {})


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(repr, listed[:3])) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _plain(module: nn.Module, plain: dict[int, nn.Module]) -> nn.Module:
    """Return a module with torch's layers in it; ``plain`` has those that are ready by what they replace."""
    if id(module) not in plain:
        make = getattr(module, "to_torch", None)
        if make is not None:
            layer = plain[id(module)] = make()
            if isinstance(module, CrossbarLayer):
                # The very parameters of the copy, which may be another module's too.
                for name in ("weight", "bias"):
                    setattr(layer, name, getattr(module, name))
        else:
            plain[id(module)] = module
            for name, child in module._modules.items():
                if child is not None:
                    module._modules[name] = _plain(child, plain)
    return plain[id(module)]
