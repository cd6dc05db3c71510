"""Image files as arrays, by Pillow."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError


def read_image(path: Path, mode: str | None = None) -> NDArray[np.uint8]:
    """Return an image's pixels: (height, width, 3) of mode RGB, (height, width, 1) of mode L.

    Parameters
    ----------
    path : Path
        The file.
    mode : {"L", "RGB"}, optional
        What it is turned into; without it, L of an image without colours and RGB of any other.

    Raises
    ------
    InputError
        Pillow is not installed, or the file is no image.
    """
    try:
        from PIL import Image
    except ImportError:
        raise InputError("image files need Pillow: pip install 'xbarsim[nn]'") from None
    try:
        with warnings.catch_warnings():
            # Pillow warns of very large images; what is too large for memory raises below.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.mode[0] in "IF":
                    raise InputError(f"{path} has more than 8 bits a pixel: turn it into 8 bits first")
                target = mode or ("L" if image.mode in ("1", "L", "LA") else "RGB")
                pixels = np.asarray(image.convert(target), np.uint8)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "it is no image that Pillow reads"
        raise InputError(f"{path}: {reason}") from None
    return pixels.reshape(*pixels.shape[:2], -1)
