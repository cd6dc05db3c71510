"""Networks as they are asked for: by name in the zoo, as a checkpoint, or by a builder of one's own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import builders, zoo
from xbarsim.nn.checkpoint import Checkpoint, load_any, load_weights
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.training import inputs
from xbarsim.resources import check_memory
from xbarsim.unread import unread

_MOST_WEIGHTS = 50_000_000
"""Of a network of the zoo that is made for being timed."""


@dataclass(frozen=True, eq=False)
class Source:
    """A network with where it comes from.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode.
    name : str
        What it is called.
    weights : str
        Where its weights come from, in words.
    dataset : Dataset
        With the scaling that the network was trained with, where that is known.
    trained : bool
        Whether it has weights already.
    width : float, optional
        A checkpoint's, which no other can be asked of.
    """

    model: nn.Module
    name: str
    weights: str
    dataset: Dataset
    trained: bool
    width: float | None = None


def find(
    spec: str, dataset: Dataset, *, weights: str | Path | None = None, width: float = 1.0, scaled: bool = False
) -> Source:
    """Return the network that is asked for.

    Parameters
    ----------
    spec : str
        A name of the zoo; a checkpoint's path; ``module:function`` or ``file.py:function``, which returns a module.
    dataset : Dataset
        What it is for.
    weights : str or Path, optional
        A checkpoint, or a file of ``torch.save(model.state_dict(), path)``.
    width : float
        Of a network of the zoo.
    scaled : bool
        Whether the data's scaling is the user's own, and not to be replaced by a checkpoint's.

    Raises
    ------
    InputError
        There is no such network, its weights do not fit, or it does not take such images.
    """
    if spec in zoo.MODELS:
        source = _of_zoo(spec, dataset, weights, width, scaled)
    elif builders.is_builder(spec):
        source = _built(spec, dataset, weights)
    elif Path(spec).is_file():
        source = _checkpoint(spec, dataset, weights, scaled)
    else:
        raise _unknown(spec)
    check_takes(source.model, source.name, source.dataset)
    return replace(source, model=source.model.eval())


@dataclass(frozen=True, eq=False)
class Sketch:
    """A network to be planned, with or without numbers.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode; large ones of the zoo are on the meta device.
    name : str
        What it is called.
    shape : tuple of int
        Of one input; empty where it is not known.
    """

    model: nn.Module
    name: str
    shape: tuple[int, ...]

    def inputs(self, batch: int) -> torch.Tensor | None:
        """Return so many inputs, all 0 and of the type of the weights; None where their shape is not known.

        Raises
        ------
        TooLargeError
            There is no room for them.
        """
        if not self.shape:
            return None
        kinds = (parameter.dtype for parameter in self.model.parameters() if parameter.is_floating_point())
        kind = next(kinds, torch.get_default_dtype())
        check_memory(
            float(kind.itemsize) * batch * math.prod(self.shape),
            f"a batch of {batch} x {'x'.join(map(str, self.shape))}",
            "give a smaller batch or input",
        )
        return torch.zeros(batch, *self.shape, dtype=kind)


def sketched(spec: str, shape: tuple[int, ...] | None = None, classes: int = 10, *, width: float = 1.0) -> Sketch:
    """Return a network to be planned; no data are asked for.

    Parameters
    ----------
    spec : str
        As for ``find``.
    shape : tuple of int, optional
        Of one input: of a network of the zoo (channels, height, width), None: 3 x 32 x 32; of a checkpoint its own.
    classes : int
        Of a network of the zoo.
    width : float
        Of a network of the zoo.

    Raises
    ------
    InputError
        There is no such network, or it is of other inputs.
    """
    if spec in zoo.MODELS:
        images = (3, 32, 32) if shape is None else shape
        if len(images) != 3:
            raise InputError(f"input is {'x'.join(map(str, images))}: {spec} takes images, channels x height x width")
        with torch.device("meta"):
            model = zoo.build(spec, images, classes, width=width)
        if sum(parameter.numel() for parameter in model.parameters()) <= _MOST_WEIGHTS:
            model = zoo.build(spec, images, classes, width=width)
        return Sketch(model.eval(), spec, images)
    if builders.is_builder(spec):
        return Sketch(builders.build(spec).eval(), spec, shape or ())
    if not Path(spec).is_file():
        raise _unknown(spec)
    read = load_any(spec)
    if not isinstance(read, Checkpoint):
        raise InputError(f"{spec} holds weights alone: plan the network by name, or by module:function")
    if shape is not None and shape != read.recipe.shape:
        raise InputError(f"input is {'x'.join(map(str, shape))}: {spec} is for {'x'.join(map(str, read.recipe.shape))}")
    return Sketch(read.model(), read.recipe.model, read.recipe.shape)


def _of_zoo(name: str, dataset: Dataset, weights: str | Path | None, width: float, scaled: bool) -> Source:
    if weights is None:
        model = zoo.build(name, dataset.shape, len(dataset.classes), width=width)
        return Source(model, name, "none", dataset, False)
    read = load_any(weights)
    if isinstance(read, Checkpoint):
        if read.recipe.model != name:
            raise InputError(f"{weights} holds {read.recipe.model}, not {name}: give --model {weights}")
        return _of_checkpoint(read, dataset, scaled)
    model = zoo.build(name, dataset.shape, len(dataset.classes), width=width)
    load_weights(model, read, weights)
    return Source(model, name, str(weights), dataset, True)


def _checkpoint(path: str, dataset: Dataset, weights: str | Path | None, scaled: bool) -> Source:
    if weights is not None:
        raise InputError(f"model is the file {path}, which has weights of its own: leave out --weights")
    read = load_any(path)
    if not isinstance(read, Checkpoint):
        raise InputError(
            f"{path} holds weights alone: say of which network, --model NAME --weights {path}, "
            f"or --model module:function --weights {path}"
        )
    return _of_checkpoint(read, dataset, scaled)


def _of_checkpoint(read: Checkpoint, dataset: Dataset, scaled: bool) -> Source:
    read.recipe.check_fits(dataset, read.path)
    if not scaled:
        dataset = replace(dataset, mean=read.recipe.mean, std=read.recipe.std)
    return Source(read.model(), read.recipe.model, str(read.path), dataset, True, read.recipe.width)


def _built(spec: str, dataset: Dataset, weights: str | Path | None) -> Source:
    model = builders.build(spec)
    if weights is None:
        return Source(model, spec, "the builder's own", dataset, True)
    read = load_any(weights)
    load_weights(model, read.state["weights"] if isinstance(read, Checkpoint) else read, weights)
    return Source(model, spec, str(weights), dataset, True)


def check_takes(model: nn.Module, name: str, data: Dataset) -> None:
    """Run two images, so that a network for others is named before anything takes time.

    Parameters
    ----------
    model, name
        The network, which is in evaluation mode from then on, and what messages call it.
    data : Dataset
        Whose images it is to take, and whose classes it is to tell.

    Raises
    ------
    InputError
        It does not.
    """
    shape = " x ".join(map(str, data.shape))
    try:
        with torch.no_grad():
            output = model.eval()(inputs(data, data.test.first(2)))
    except Exception as error:
        first = str(error).strip().split("\n")[0][:200]
        raise InputError(f"{name} does not take {data.name}'s images of {shape}: {first}") from None
    count = min(2, len(data.test))
    if not isinstance(output, torch.Tensor) or output.shape[:1] != (count,) or output.dim() != 2:
        raise InputError(f"{name} gives no (images, classes) for images of {shape}")
    if output.shape[1] != len(data.classes):
        raise InputError(
            f"{name} has {output.shape[1]} outputs and {data.name} {len(data.classes)} classes: they must agree"
        )


def _unknown(spec: str) -> InputError:
    if Path(spec).is_dir():
        return unread(spec, IsADirectoryError(), give="a checkpoint")
    if Path(spec).suffix or len(Path(spec).parts) > 1:
        return unread(spec, FileNotFoundError())
    return InputError(
        f"model is {spec!r}: give {', '.join(zoo.MODELS)}, a checkpoint of xbarsim train, or module:function"
    )
