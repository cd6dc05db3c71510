"""Files of trainings and of weights: written whole, read without running anything in them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nn import builders, zoo
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.training import Training, TrainSettings, fingerprint
from xbarsim.unread import unread

FORMAT = "xbarsim training 1"


@dataclass(frozen=True)
class Recipe:
    """What network a checkpoint holds, and what it is trained on.

    Attributes
    ----------
    model : str
        Of the zoo, or ``module:function`` or ``file.py:function`` of the user's code.
    width : float
        As ``zoo.build`` takes it; 1 of the user's code.
    shape : tuple of int
        Channels, height and width of an image.
    classes : tuple of str
        The labels' names.
    data : str
        The data's name, or folder.
    limit : int or None
        How many of the training images are used, if not all.
    mean, std : tuple of float
        As in ``Dataset``.
    images : str
        Fingerprint of the training images.
    """

    model: str
    width: float
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    data: str
    limit: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    images: str

    @classmethod
    def of(
        cls, model: str, dataset: Dataset, *, width: float = 1.0, data: str | None = None, limit: int | None = None
    ) -> Recipe:
        """Return the recipe of a network, as ``model`` names it, for some data, which are limited already."""
        return cls(
            model, width, dataset.shape, dataset.classes, data or dataset.name, limit, dataset.mean, dataset.std,
            fingerprint(dataset.train),
        )  # fmt: skip

    def build(self, seed: int = 0) -> nn.Module:
        """Return the network with its first weights.

        Raises
        ------
        InputError
            The user's code that makes it cannot be imported, or fails.
        """
        if self.model not in zoo.MODELS and ":" in self.model:
            return _sized(builders.build(self.model, seed), self.shape)
        return zoo.build(self.model, self.shape, len(self.classes), width=self.width, seed=seed)

    def check_fits(self, dataset: Dataset, path: str | Path) -> None:
        """Raise InputError unless the images have the shape and classes that the network was made for."""
        if dataset.shape != self.shape or len(dataset.classes) != len(self.classes):
            raise InputError(
                f"{path} holds {self.model} for {_kind(self.shape, self.classes)} ({self.data}), "
                f"and {dataset.name} has {_kind(dataset.shape, dataset.classes)}"
            )


def _sized(model: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """Return a network whose lazy layers, if it has any, have the shapes that images give them."""
    if any(isinstance(one, nn.UninitializedParameter) for one in model.parameters()):
        modes = {module: module.training for module in model.modules()}
        with torch.no_grad():
            model.eval()(torch.zeros(2, *shape))
        for module, mode in modes.items():
            module.training = mode
    return model


def _kind(shape: tuple[int, ...], classes: tuple[str, ...]) -> str:
    return f"images of {' x '.join(map(str, shape))} in {len(classes)} classes"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training as its file has it."""

    path: Path
    recipe: Recipe
    state: dict[str, Any]

    @property
    def settings(self) -> TrainSettings:
        """How it is trained."""
        return TrainSettings.from_dict(self.state["settings"])

    def model(self) -> nn.Module:
        """Return the network with the checkpoint's weights, in evaluation mode.

        Raises
        ------
        InputError
            It is of the user's code, which cannot be imported now, or of which it is not.
        """
        try:
            model = self.recipe.build()
        except InputError as error:
            code = self.recipe.model
            if ":" not in code:
                raise
            raise InputError(
                f"{self.path} holds weights of {code}, which must be there to import ({error}): "
                f"if it has moved, give --model NEW --weights {self.path}"
            ) from error
        load_weights(model, self.state["weights"], self.path)
        return model.eval()


def save(path: str | Path, recipe: Recipe, training: Training) -> None:
    """Write a training, whole or not at all."""
    record = {"format": FORMAT, "recipe": {**asdict(recipe)}, "state": training.state()}
    buffer = io.BytesIO()
    torch.save(record, buffer)
    with written_whole(path) as file:
        file.write(buffer.getbuffer())


def load(path: str | Path) -> Checkpoint:
    """Read what ``save`` wrote.

    Raises
    ------
    InputError
        It cannot be read, or is no checkpoint.
    """
    content = _read(Path(path))
    if not is_checkpoint(content):
        raise InputError(f"{path} is no checkpoint of xbarsim train: weights alone cannot be trained on")
    return _checkpoint(Path(path), content)


def load_any(path: str | Path) -> Checkpoint | dict[str, Tensor]:
    """Read a checkpoint, or the weights in a file of ``torch.save(model.state_dict(), path)``.

    Raises
    ------
    InputError
        It cannot be read, or is neither.
    """
    content = _read(Path(path))
    if is_checkpoint(content):
        return _checkpoint(Path(path), content)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    tensors = isinstance(content, Mapping) and all(isinstance(value, Tensor) for value in content.values())
    if not tensors or not content:
        raise InputError(f"{path} holds no weights: write them with torch.save(model.state_dict(), path)")
    return dict(content)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Put weights into a network.

    Raises
    ------
    InputError
        Names or shapes are not the network's; the message says which.
    """
    state = model.state_dict()
    lacking = [name for name in state if name not in weights]
    odd = [name for name in weights if name not in state]
    if lacking or odd:
        complaints = [f"lacks {_few(lacking)}"] if lacking else []
        complaints += [f"has {_few(odd)}, which the network does not"] if odd else []
        raise InputError(f"{path} does not fit the network: it {' and '.join(complaints)}")
    for name, value in weights.items():
        if value.shape != state[name].shape:
            raise InputError(
                f"{path} does not fit the network: {name} has shape {tuple(value.shape)} and the network's "
                f"{tuple(state[name].shape)}"
            )
    model.load_state_dict(dict(weights))


def is_checkpoint(content: object) -> bool:
    """Tell whether what a file holds is a training."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _checkpoint(path: Path, content: dict[str, Any]) -> Checkpoint:
    try:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in content["recipe"].items()
        }
        recipe = Recipe(**values)
        checkpoint = Checkpoint(path, recipe, dict(content["state"]))
        checkpoint.settings  # noqa: B018  read now, so that what is wrong is said now
        missing = {"weights", "optimizer", "epoch", "step", "loss", "seconds", "history"} - set(checkpoint.state)
        if missing:
            raise InputError(f"{', '.join(sorted(missing))} missing")
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{path} is a damaged checkpoint ({error})") from None
    return checkpoint


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of old formats before it refuses them
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise unread(path, error) from None
    except Exception as error:  # a damaged or hostile file may raise anything
        # torch's own words are about loading it all the same, which would run what is in it.
        reason = "it holds more than tensors and plain data" if "weights_only" in str(error) else type(error).__name__
        raise InputError(
            f"{path} is no file of weights that is safe to read ({reason}): "
            "write one with torch.save(model.state_dict(), path)"
        ) from None
