"""Arrays with named axes and units, as pandas data frames and xarray datasets (``tables`` extra)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset


@dataclass(frozen=True, eq=False)
class LabelledArray:
    """An array that says what its axes and its numbers are.

    Attributes
    ----------
    dims : tuple of str
        A name for each axis.
    values : array
        The numbers.
    unit : str
        Of the numbers, as ``A``; empty where they have none.
    meaning : str
        What they are, in a few words.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    unit: str
    meaning: str


def data_frame(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]], units: Mapping[str, str] | None = None
) -> DataFrame:
    """Return columns as a pandas DataFrame; their units are in its ``attrs["units"]``.

    Parameters
    ----------
    columns : mapping of str to sequence
        All of one length.
    units : mapping of str to str, optional
        Of the columns that have one.

    Raises
    ------
    InputError
        pandas is not installed.
    """
    frame = _pandas().DataFrame(dict(columns))
    if units:
        frame.attrs["units"] = dict(units)
    return frame


def wide_frame(array: LabelledArray) -> DataFrame:
    """Return an array of two axes as a DataFrame: the first axis its rows, the second its columns.

    Raises
    ------
    InputError
        pandas is not installed.
    """
    pandas = _pandas()
    rows, cols = (pandas.RangeIndex(size, name=dim) for dim, size in zip(array.dims, array.values.shape, strict=True))
    frame = pandas.DataFrame(array.values, index=rows, columns=cols)
    frame.attrs.update(units=array.unit, quantity=array.meaning)
    return frame


def long_frame(arrays: Mapping[str, LabelledArray], dims: Sequence[str]) -> DataFrame:
    """Return arrays as columns of a DataFrame whose rows are all places of some axes, the last the fastest.

    Parameters
    ----------
    arrays : mapping of str to LabelledArray
        Axes of each are among ``dims``; along those that it has not, it is repeated.
    dims : sequence of str
        The levels of the index.

    Raises
    ------
    InputError
        pandas is not installed.
    """
    pandas = _pandas()
    sizes = {dim: size for array in arrays.values() for dim, size in zip(array.dims, array.values.shape, strict=True)}
    shape = tuple(sizes[dim] for dim in dims)
    columns = {}
    for name, array in arrays.items():
        places = tuple(slice(None) if dim in array.dims else None for dim in dims)
        columns[name] = np.broadcast_to(array.values[places], shape).ravel()
    index = pandas.MultiIndex.from_product([range(size) for size in shape], names=list(dims))
    frame = pandas.DataFrame(columns, index=index)
    frame.attrs["units"] = {name: array.unit for name, array in arrays.items()}
    return frame


def dataset(
    arrays: Mapping[str, LabelledArray],
    attrs: Mapping[str, Any],
    coords: Mapping[str, LabelledArray] | None = None,
) -> Dataset:
    """Return arrays as an xarray Dataset; each variable's ``attrs`` have ``units`` and ``long_name``.

    Parameters
    ----------
    arrays : mapping of str to LabelledArray
        The variables.
    attrs : mapping
        Of the dataset.
    coords : mapping of str to LabelledArray, optional
        Coordinates; axes without one count from 0.

    Raises
    ------
    InputError
        xarray is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise InputError("datasets need xarray: pip install 'xbarsim[tables]'") from None
    sizes = {dim: size for array in arrays.values() for dim, size in zip(array.dims, array.values.shape, strict=True)}
    counted: dict[str, Any] = {dim: np.arange(size) for dim, size in sizes.items() if dim not in (coords or {})}
    return xarray.Dataset(
        {name: _variable(array) for name, array in arrays.items()},
        counted | {name: _variable(array) for name, array in (coords or {}).items()},
        dict(attrs),
    )


def _variable(array: LabelledArray) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
    return array.dims, array.values, {"units": array.unit or "1", "long_name": array.meaning}


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise InputError("data frames need pandas: pip install 'xbarsim[tables]'") from None
    return pandas
