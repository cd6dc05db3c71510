"""scikit-learn's digits: 1797 images of 8 x 8 that come with the package."""

from __future__ import annotations

import numpy as np

from xbarsim.errors import InputError
from xbarsim.nn.datasets.dataset import Dataset, Split

_TEST_EVERY = 5
_LARGEST = 16.0


def read() -> Dataset:
    """Return the digits; every fifth image is for testing.

    Raises
    ------
    InputError
        scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError("the digits come with scikit-learn: pip install 'xbarsim[nn]'") from None
    digits = load_digits()
    images = np.rint(digits.images * (255.0 / _LARGEST)).astype(np.uint8)[:, None]
    test = np.arange(len(images)) % _TEST_EVERY == 0
    train, test_part = (Split(images[part], digits.target[part]) for part in (~test, test))
    return Dataset("digits", "scikit-learn", train, test_part, tuple("0123456789"))
