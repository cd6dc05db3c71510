"""Options of the command line, and their numbers: all take scales, ``1k``, ``2.5meg``; all but bytes refuse ``1M``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbarsim.errors import InputError
from xbarsim.quantities import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic only in recent releases

Command = TypeVar("Command", bound="Callable[..., Any]")

_MOST = 2**31 - 1


def in_order(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Add several options to a command, in the order in which its help lists them."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def is_typed(name: str) -> bool:
    """Whether the user gave an option, and it is not its default."""
    return click.get_current_context().get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


class Quantity(_ParamType):
    """A number with a scale, as ``1k`` or ``2.5meg``.

    Parameters
    ----------
    above : float, optional
        What it must exceed.
    finite : bool
        Whether ``inf`` is refused.
    """

    name = "number"

    def __init__(self, *, above: float | None = None, finite: bool = True) -> None:
        self._above, self._finite = above, finite

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        try:
            number = parse(value) if isinstance(value, str) else value
        except InputError as error:
            self.fail(str(error), param, ctx)
        if self._finite and not math.isfinite(number):
            self.fail(f"{value!r} is not finite", param, ctx)
        if self._above is not None and not number > self._above:
            self.fail(f"{value} must be above {self._above:g}", param, ctx)
        return number


class Count(_ParamType):
    """A whole number, of which ``10k`` is one too.

    Parameters
    ----------
    least : int, optional
        Its least value.
    """

    name = "integer"

    def __init__(self, *, least: int | None = None) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        try:
            number = parse(value) if isinstance(value, str) else value
        except InputError as error:
            self.fail(str(error), param, ctx)
        if not abs(number) <= _MOST or number != math.floor(number):
            self.fail(f"{value!r} is not a whole number up to {_MOST}", param, ctx)
        if self._least is not None and number < self._least:
            self.fail(f"{value} must be at least {self._least}", param, ctx)
        return int(number)


class Bytes(_ParamType):
    """A size in bytes: ``500M``, ``4G``, ``4GiB``; nothing has milli-bytes, so M is mega here."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number of bytes."""
        if not isinstance(value, str):
            return value
        size = re.fullmatch(r"(\d+\.?\d*(?:e\d{1,2})?)(?:([kmgt])(i?)|meg)?b?", value.strip().lower())
        if size is None or not float(size[1]) > 0.0:
            self.fail(f"{value!r} is no size above 0: write bytes, or 500M, 4G or 4GiB", param, ctx)
        base = 1024.0 if size[3] else 1000.0
        letter = size[2] or ("m" if "meg" in value.lower() else "")
        return float(size[1]) * base ** (" kmgt".index(letter) if letter else 0)


class Ohms(_ParamType):
    """A resistance in ohms, ``inf``, or a file with one for each segment or line."""

    name = "ohms"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number, or the path as it is."""
        if not isinstance(value, str):
            return value
        if value.strip().lower() in ("-inf", "nan", "infinity"):
            return float(value)  # which is then refused by its name
        try:
            return parse(value)
        except InputError as error:
            if Path(value).suffix[1:2].isalpha() or Path(value).exists():
                return Path(value)
            if "is not a number" not in str(error):  # it is one, and cannot be read
                self.fail(str(error), param, ctx)
            self.fail(f"{value!r} is neither {self.name} nor a .npy or .csv file", param, ctx)


class Farads(Ohms):
    """A capacitance in farads, or a file with one for each cell."""

    name = "farads"
