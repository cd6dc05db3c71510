"""What a waiting user reads of a network on its way: how many arrays and images, how fast, and for how long still."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Shows a line in the place of the last one."""


def silent(_: str) -> None:
    """Show nothing."""


def array_line(subject: str, count: int, whole: int, seconds: float, left: float) -> str:
    """Return a line on arrays: so many are ready after some time, and it will go on for some more.

    Parameters
    ----------
    subject : str
        What the line is about.
    count, whole : int
        Arrays that are ready, and all.
    seconds, left : float
        That it took, and that it will go on for.
    """
    return f"{subject}: {count} of {whole} arrays, {count / seconds:.0f} a second, {left:.0f} s left"


def array_rate(progress: Progress, subject: str) -> Callable[[int, int], None]:
    """Return what tells of arrays that are ready, from now on.

    Parameters
    ----------
    progress : callable
        Told each line.
    subject : str
        What it is about.
    """
    start = time.perf_counter()

    def tell(count: int, whole: int) -> None:
        seconds = max(time.perf_counter() - start, 1e-9)
        progress(array_line(subject, count, whole, seconds, seconds / count * (whole - count)))

    return tell


@dataclass
class ImagePasses:
    """Forward passes over images, some at a time.

    Attributes
    ----------
    progress : callable
        Who is told.
    place : str
        Where this is, as ``chip 1 of 5``.
    images, batch : int
        In all, and at a time.
    """

    progress: Progress
    place: str
    images: int
    batch: int

    def __post_init__(self) -> None:
        self._count = 0
        self._start = time.perf_counter()

    def passed(self, count: int) -> None:
        """Tell that so many images are through."""
        self._count = count
        self.progress(f"{self.place}: {count} of {self.images} images")

    def reduced(self, count: int, whole: int) -> None:
        """Tell of arrays that the present pass has reduced; each further pass does so with all of them.

        Parameters
        ----------
        count, whole : int
            Arrays that are ready in this pass, and all of one pass.
        """
        seconds = max(time.perf_counter() - self._start, 1e-9)
        before, passes = self._count // self.batch, -(-self.images // self.batch)
        arrays = before * whole + count
        left = seconds / arrays * (passes * whole - arrays)
        # A narrow terminal cuts off the end.
        line = array_line(self.place, count, whole, seconds * count / arrays, left)
        self.progress(f"{line} (image {self._count + 1} of {self.images})")
