"""Margins as columns, for CSV and for data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xbarsim.margin.worst import Margin
from xbarsim.views.labelled import data_frame

if TYPE_CHECKING:
    from pandas import DataFrame

CASE_COLUMNS = ("current", "cell_current", "sneak_current", "power", "stress")

_UNITS = {"current": "A", "cell_current": "A", "sneak_current": "A", "power": "W", "stress": "V"}


def margin_columns(points: Sequence[Margin]) -> dict[str, list[Any]]:
    """Return margins as columns, a row each: where, the three margins, and each state's worst case in SI units."""
    columns: dict[str, list[Any]] = {
        "scheme": [margin.scheme.name for margin in points],
        "rows": [margin.rows for margin in points],
        "cols": [margin.cols for margin in points],
        "row": [margin.cell[0] for margin in points],
        "col": [margin.cell[1] for margin in points],
    }
    for name in ("current_margin", "on_off_ratio", "voltage_margin"):
        columns[name] = [getattr(margin, name) for margin in points]
    for state in ("lrs", "hrs"):
        cases = [getattr(margin, state) for margin in points]
        for name in ("pattern", *CASE_COLUMNS):
            columns[f"{state}_{name}"] = [getattr(case, name) for case in cases]
    columns["residual"] = [max(margin.lrs.residual, margin.hrs.residual) for margin in points]
    columns["lrs_tried"] = [margin.lrs.tried for margin in points]
    columns["hrs_tried"] = [margin.hrs.tried for margin in points]
    columns["searched"] = [not (margin.lrs.exhaustive and margin.hrs.exhaustive) for margin in points]
    return columns


def to_pandas(points: Margin | Sequence[Margin]) -> DataFrame:
    """Return margins, of ``margin`` or of ``sweep``, as a pandas DataFrame, a row each.

    Columns are those of ``xbarsim margin --format csv``; the units of amperes, watts and volts are in its
    ``attrs["units"]``.

    Parameters
    ----------
    points : Margin or sequence of them
        What ``margin`` or ``sweep`` returned.

    Raises
    ------
    InputError
        pandas is not installed.
    """
    several = [points] if isinstance(points, Margin) else list(points)
    units = {f"{state}_{name}": unit for state in ("lrs", "hrs") for name, unit in _UNITS.items()}
    return data_frame(margin_columns(several), units)
