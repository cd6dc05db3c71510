"""Images and labels as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images with their labels.

    Attributes
    ----------
    images : (count, channels, height, width) uint8
        Pixels, 0 to 255.
    labels : (count,) int64
        Classes, from 0.
    """

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise InputError(
                f"images have shape {self.images.shape} and type {self.images.dtype}: "
                "they must be (count, channels, height, width) of uint8"
            )
        if self.labels.shape != (len(self.images),):
            raise InputError(f"there are {len(self.images)} images and labels of shape {self.labels.shape}")
        object.__setattr__(self, "labels", self.labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> Split:
        """Return the first ``count`` images; all of them if it is None."""
        if count is None:
            return self
        if count < 1:
            raise InputError(f"limit is {count}: it must be at least 1")
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images to train on and others to test on.

    Attributes
    ----------
    name : str
        As it was asked for.
    source : str
        Where it was read.
    train, test : Split
        Of the same shape.
    classes : tuple of str
        The labels' names.
    mean, std : tuple of float
        One number, or one a channel. A network sees ``(pixel / 255 - mean) / std``.
    validation : Split, optional
        Images to choose by, which are none of either; ``split`` makes it of training images.
    """

    name: str
    source: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    validation: Split | None = None

    def __post_init__(self) -> None:
        splits = {"training": self.train, "test": self.test}
        if self.validation is not None:
            splits["validation"] = self.validation
        for label, split in splits.items():
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise InputError(
                    f"{self.source}: training images are {self.train.images.shape[1:]} and {label} images "
                    f"{split.images.shape[1:]}: they must have one shape"
                )
            if not len(split):
                raise InputError(f"{self.source}: there are no {label} images")
            low, high = int(split.labels.min()), int(split.labels.max())
            if low < 0 or high >= len(self.classes):
                raise InputError(f"{self.source}: {label} labels are {low} to {high}, of {len(self.classes)} classes")
        for name in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) not in (1, self.shape[0]):
                raise InputError(f"{name} has {len(values)} numbers: give one, or one a channel, {self.shape[0]}")
            if not np.isfinite(values).all() or (name == "std" and min(values) <= 0.0):
                raise InputError(f"{name} is {values}: it must be finite{', and above 0' if name == 'std' else ''}")
            object.__setattr__(self, name, values)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def split(self, validation: int = 5000) -> Dataset:
        """Return the same data with the last training images set apart, to choose by.

        Parameters
        ----------
        validation : int
            How many; they leave the training images.

        Raises
        ------
        InputError
            There would be no validation or no training images, or some are set apart already.
        """
        whole = len(self.train)
        if self.validation is not None:
            raise InputError(
                f"{self.source}: {len(self.validation)} validation images are set apart already: split the data once"
            )
        if isinstance(validation, bool) or not isinstance(validation, int | np.integer) or not 0 < validation < whole:
            raise InputError(
                f"validation is {validation!r}: it must be a whole number, at least 1 and below the {whole} training "
                "images"
            )
        first, last = (
            Split(self.train.images[part], self.train.labels[part])
            for part in (slice(0, whole - validation), slice(whole - validation, None))
        )
        return replace(self, train=first, validation=last)

    def limited(self, *, train: int | None = None, test: int | None = None, validation: int | None = None) -> Dataset:
        """Return the first images only.

        Parameters
        ----------
        train, test, validation : int, optional
            How many of each; None: all.

        Raises
        ------
        InputError
            A number is below 1, or it is of validation images and there are none.
        """
        if self.validation is None and validation is not None:
            raise InputError(f"validation is {validation!r}: the data have no validation images, split them first")
        return replace(
            self,
            train=self.train.first(train),
            test=self.test.first(test),
            validation=None if self.validation is None else self.validation.first(validation),
        )

    def facts(self) -> dict[str, Any]:
        """Return what a record of a run says of its data."""
        return {
            "name": self.name,
            "source": self.source,
            "shape": list(self.shape),
            "classes": len(self.classes),
            "train_images": len(self.train),
            **({} if self.validation is None else {"validation_images": len(self.validation)}),
            "test_images": len(self.test),
            "mean": list(self.mean),
            "std": list(self.std),
        }
