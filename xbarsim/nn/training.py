"""Training that stops and goes on at any step, with the same numbers as without a stop.

Whatever a step draws (order, crops, dropout) is a function of seed, epoch and step alone, so that weights, the
optimiser's moments and the place are the whole state. The same seed gives the same weights on the same machine with
the same versions and threads; other threads add up in another order, and round differently.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError, SolveError
from xbarsim.nn.binary import clip_latent
from xbarsim.nn.datasets import Dataset, Split
from xbarsim.nonideal.effect_settings import Settings

_SHIFT = 4  # pixels by which augmented images move at most
_DEFAULT = "AdamW"  # the optimiser
_FEW = 10_000  # images, of which smaller steps make more


class DivergedError(SolveError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class TrainSettings(Settings):
    """How a network is trained: AdamW on the cross entropy, its rate falling to 0 as a half cosine.

    Attributes
    ----------
    epochs, batch : int
        Passes over the images, and how many make a step.
    rate, decay : float
        The first learning rate, and the decay of weights.
    seed : int
        Of the first weights and all that is drawn.
    augment : bool
        Whether images are mirrored at random and shifted by up to 4 pixels.
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.0
    seed: int = 0
    augment: bool = False

    def __post_init__(self) -> None:
        self._count("epochs", 1)
        self._count("batch", 2)
        self._count("seed", 0)
        self._number("rate", 0.0, math.inf, above=True)
        self._number("decay", 0.0, math.inf)
        if not isinstance(self.augment, bool):
            raise InputError(f"TrainSettings.augment is {self.augment!r}: it must be True or False")


def usual_batch(dataset: Dataset) -> int:
    """Return how many images make a step where nothing else is said: 32 of few images, 128 of many."""
    return 32 if len(dataset.train) < _FEW else 128


def inputs(dataset: Dataset, split: Split, images: Any = slice(None)) -> Tensor:
    """Return what a network sees of chosen images, (count, channels, height, width).

    Parameters
    ----------
    dataset : Dataset
        Whose mean and standard deviation normalise pixels.
    split : Split
        Which of its images.
    images : slice or (count,) array of int
        Which of the split's.
    """
    mean, std = (torch.tensor(values).reshape(-1, 1, 1) for values in (dataset.mean, dataset.std))
    # A split may be a view of a file's bytes, which torch must not write to.
    pixels = torch.from_numpy(np.array(split.images[images]))
    return (pixels.float() / 255.0 - mean) / std


def spaced_inputs(dataset: Dataset, count: int) -> Tensor:
    """Return what a network sees of training images, so many or all, evenly spaced.

    Parameters
    ----------
    dataset : Dataset
        Whose training images are taken.
    count : int
        How many at most.
    """
    whole = len(dataset.train)
    return inputs(dataset, dataset.train, np.unique(np.linspace(0, whole - 1, min(count, whole)).astype(int)))


def batches(dataset: Dataset, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Return inputs and labels in order."""
    for k in range(0, len(split), size):
        part = slice(k, k + size)
        yield inputs(dataset, split, part), torch.from_numpy(split.labels[part])


def predictions(
    model: nn.Module, dataset: Dataset, split: Split, size: int = 256, progress: Callable[[int], None] | None = None
) -> Tensor:
    """Return the class that a network gives each image, (count,); the network is in evaluation mode meanwhile.

    Parameters
    ----------
    model : torch module
        From inputs to scores (count, classes).
    dataset : Dataset
        Whose mean and standard deviation normalise pixels.
    split : Split
        Which of its images.
    size : int
        How many go through at once.
    progress : callable, optional
        Told how many are done.
    """
    was = model.training
    model.eval()
    classes = []
    try:
        with torch.no_grad():
            for images, _ in batches(dataset, split, size):
                classes.append(model(images).argmax(dim=1))
                if progress is not None:
                    progress(sum(map(len, classes)))
    finally:
        model.train(was)
    return torch.cat(classes)


def accuracy(model: nn.Module, dataset: Dataset, split: Split, size: int = 256) -> float:
    """Return the share of images whose class a network finds."""
    return float((predictions(model, dataset, split, size) == torch.from_numpy(split.labels)).double().mean())


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: its number from 1, mean loss, share of images right (``watched``), and seconds."""

    epoch: int
    loss: float
    accuracy: float
    seconds: float


class Training:
    """A network on its way.

    Parameters
    ----------
    model : nn.Module
        Trained in place.
    dataset : Dataset
        What on; its validation images, or its test images if there are none, are looked at after each epoch, and
        decide nothing.
    settings : TrainSettings
        How.
    loss : callable, optional
        Gives the loss of a network's outputs, (count, classes), for labels, (count,); the cross entropy.
    optimiser : callable, optional
        Makes torch's optimiser of the network's parameters; AdamW with the settings' decay. The settings' rate is its
        rate at each step, whatever it is made with.
    after_step : callable, optional
        Called with the network after each step, when its weights have moved: to put masked ones back, for example.
        What it keeps of its own is not in ``state``.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        settings: TrainSettings,
        *,
        loss: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy,
        optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None,
        after_step: Callable[[nn.Module], None] | None = None,
    ) -> None:
        self.model, self.dataset, self.settings = model, dataset, settings
        self.loss, self.after_step = loss, after_step
        if optimiser is None:
            optimiser = partial(torch.optim.AdamW, lr=settings.rate, weight_decay=settings.decay)
        self.optimizer = optimiser(model.parameters())
        self.epoch = self.step = 0
        self.history: list[Epoch] = []
        self._loss = self._seconds = 0.0

    @property
    def steps(self) -> int:
        """Steps in an epoch; one image that is left over joins the batch before it, which statistics need."""
        count, size = len(self.dataset.train), self.settings.batch
        return max(1, math.ceil(count / size) - (count % size == 1))

    @property
    def watched(self) -> Literal["validation", "test"]:
        """The images on which an epoch's accuracy is measured; test images only where there are none for validation."""
        return "test" if self.dataset.validation is None else "validation"

    @property
    def is_over(self) -> bool:
        """Whether all epochs are over."""
        return self.epoch >= self.settings.epochs

    def run(
        self,
        *,
        save: Callable[[], None] | None = None,
        every: float = 60.0,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[str], None] | None = None,
        report: Callable[[Epoch], None] | None = None,
    ) -> bool:
        """Go on until all epochs are over.

        Parameters
        ----------
        save : callable, optional
            Called after each epoch, every ``every`` seconds, and on a stop.
        every : float
            Seconds.
        stop : callable, optional
            Asked between steps whether to stop.
        progress, report : callable, optional
            Told of the steps in words, and of each epoch that is over.

        Returns
        -------
        bool
            Whether it is over; False after a stop.

        Raises
        ------
        DivergedError
            The loss is no number any more.
        """
        began, before = time.perf_counter(), self.epoch * self.steps + self.step
        saved = began
        with torch.random.fork_rng(devices=[]):
            while not self.is_over:
                self._epoch_order()
                while self.step < self.steps:
                    if stop is not None and stop():
                        if save is not None:
                            save()
                        return False
                    self._one_step()
                    if progress is not None:
                        progress(self._place(began, before))
                    if save is not None and time.perf_counter() - saved > every:
                        save()
                        saved = time.perf_counter()
                self._close_epoch(report)
                if save is not None:
                    save()
                    saved = time.perf_counter()
        return True

    def _place(self, began: float, before: int) -> str:
        """Say where it is, and how long it goes on at the pace since some time and some steps."""
        steps = self.epoch * self.steps + self.step
        pace = (time.perf_counter() - began) / (steps - before)
        left = pace * (self.settings.epochs * self.steps - steps)
        place = f"epoch {self.epoch + 1} of {self.settings.epochs}, step {self.step} of {self.steps}"
        return f"{place}, {left:.0f} s left"

    def _close_epoch(self, report: Callable[[Epoch], None] | None) -> None:
        share = accuracy(self.model, self.dataset, self.dataset.validation or self.dataset.test)
        self.epoch += 1
        self.history.append(Epoch(self.epoch, self._loss / self.steps, share, self._seconds))
        self.step, self._loss, self._seconds = 0, 0.0, 0.0
        if report is not None:
            report(self.history[-1])

    def _epoch_order(self) -> None:
        _seed(self.settings.seed, self.epoch, -1)
        self._order = torch.randperm(len(self.dataset.train))

    def _one_step(self) -> None:
        start = time.perf_counter()
        settings = self.settings
        last = self.step == self.steps - 1
        numbers = self._order[self.step * settings.batch : None if last else (self.step + 1) * settings.batch].numpy()
        _seed(settings.seed, self.epoch, self.step)
        images = inputs(self.dataset, self.dataset.train, numbers)
        if settings.augment:
            images = augmented(images)
        progress = (self.epoch + self.step / self.steps) / settings.epochs
        for group in self.optimizer.param_groups:
            group["lr"] = 0.5 * settings.rate * (1.0 + math.cos(math.pi * progress))
        self.model.train()
        self.optimizer.zero_grad()
        loss = self.loss(self.model(images), torch.from_numpy(self.dataset.train.labels[numbers]))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(
                f"the loss is {value} at epoch {self.epoch + 1}, step {self.step + 1}: train with a smaller rate"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        clip_latent(self.model)
        if self.after_step is not None:
            with torch.no_grad():
                self.after_step(self.model)
        self._loss += value
        self.step += 1
        self._seconds += time.perf_counter() - start

    def state(self) -> dict[str, Any]:
        """Return all that ``load_state`` needs to go on, as tensors, numbers and words.

        Of layers on crossbars it has what was written, and counts that noise goes by, but no chips.
        """
        layers = {name: layer for name, layer in self.model.named_modules() if hasattr(layer, "chip_usage")}
        usage = {name: record for name, layer in layers.items() if (record := layer.chip_usage()) is not None}
        kind = type(self.optimizer).__name__
        parts: dict[str, Any] = {"usage": usage} if usage else {}
        parts |= {"optimizer_kind": kind} if kind != _DEFAULT else {}
        return parts | {
            "settings": self.settings.to_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "loss": self._loss,
            "seconds": self._seconds,
            "history": [vars(one) for one in self.history],
            "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same network, on the same data and with the same settings but for epochs.

        A network on crossbars is to have the same chips, arranged alike; loss, optimiser and what is done after each
        step are to be the same.

        Raises
        ------
        InputError
            Settings are others, or the optimiser is of another kind.
        """
        if replace(TrainSettings.from_dict(state["settings"]), epochs=self.settings.epochs) != self.settings:
            raise InputError("the state was trained with other settings: only epochs may change")
        kinds = state.get("optimizer_kind", _DEFAULT), type(self.optimizer).__name__
        if kinds[0] != kinds[1]:
            raise InputError(f"the state is of the optimiser {kinds[0]}: this training has {kinds[1]}, give the same")
        for name, usage in state.get("usage", {}).items():
            layer: Any = self.model.get_submodule(name)
            layer.take_chip_usage(usage)
        self.model.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step = state["epoch"], state["step"]
        self._loss, self._seconds = state["loss"], state["seconds"]
        self.history = [Epoch(**one) for one in state["history"]]


def augmented(images: Tensor) -> Tensor:
    """Return images mirrored at random and shifted by up to 4 pixels, the edge filled with the images' smallest."""
    count, _, high, wide = images.shape
    mirrored = torch.where(torch.rand(count, 1, 1, 1) < 0.5, images.flip(3), images)
    shifts = torch.randint(0, 2 * _SHIFT + 1, (count, 2))
    padded = functional.pad(mirrored, (_SHIFT,) * 4, value=float(images.min()))
    rows = (shifts[:, :1] + torch.arange(high))[:, None, :, None]
    cols = (shifts[:, 1:] + torch.arange(wide))[:, None, None, :]
    return padded[torch.arange(count)[:, None, None, None], torch.arange(images.shape[1])[:, None, None], rows, cols]


def _seed(*numbers: int) -> None:
    """Seed torch's generator from numbers that name a step."""
    words = np.random.SeedSequence([one & 0xFFFFFFFF for one in numbers]).generate_state(2, np.uint32)
    torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def fingerprint(split: Split) -> str:
    """Return a short name of images and labels by their content."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr(split.images.shape).encode())
    digest.update(np.ascontiguousarray(split.images).data)
    digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()
