"""What methods use, counted where it is handed out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.optim.optimizer import register_optimizer_step_post_hook


@dataclass
class Ledger:
    """The counts of one chain on one chip.

    Attributes
    ----------
    labelled, unlabelled : array of bool
        Which training images were handed out with their labels, and which without.
    validated : int
        Validation images whose labels were used, each once.
    gradient_steps : int
        Steps of any torch optimiser while methods ran.
    forward_images : int
        Images that went through the chip.
    cell_writes : mapping of str to list of (rows, cols) array
        How often cells were written before the last programming replaced all of it, by layer and array as they lie.
    pulses : int
        Of these writes.
    """

    labelled: NDArray[np.bool_]
    unlabelled: NDArray[np.bool_]
    validated: int = 0
    gradient_steps: int = 0
    forward_images: int = 0
    cell_writes: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    pulses: int = 0

    @staticmethod
    def of(images: int) -> Ledger:
        """Return the empty ledger of so many training images.

        Parameters
        ----------
        images : int
            How many training images there are.
        """
        return Ledger(np.zeros(images, dtype=bool), np.zeros(images, dtype=bool))

    @property
    def labels(self) -> int:
        """Images whose labels were handed out, or decided something."""
        return int(self.labelled.sum()) + self.validated

    @property
    def images(self) -> int:
        """Images that were handed out without labels."""
        return int((self.unlabelled & ~self.labelled).sum())

    def add_writes(self, layer: str, writes: list[NDArray[Any]], pulses: int) -> None:
        """Count writes that another programming replaces: how often each cell of a layer's arrays was written.

        Parameters
        ----------
        layer : str
            The layer's name.
        writes : list of (rows, cols) array
            How often each cell was written, an array each.
        pulses : int
            How many pulses that took.
        """
        counts = [np.asarray(array, dtype=np.int64) for array in writes]
        before = self.cell_writes.get(layer)
        self.cell_writes[layer] = counts if before is None else [a + b for a, b in zip(before, counts, strict=True)]
        self.pulses += pulses

    @contextmanager
    def counting_steps(self) -> Iterator[None]:
        """Count every step that an optimiser of torch makes meanwhile, whoever made it."""

        def count(*_: Any) -> None:
            self.gradient_steps += 1

        handle = register_optimizer_step_post_hook(count)
        try:
            yield
        finally:
            handle.remove()
