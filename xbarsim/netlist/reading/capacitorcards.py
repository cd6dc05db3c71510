"""C cards as they are written: a value, a model, or both in either order, and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.netlist.models.capacitor import PARAMETERS
from xbarsim.netlist.reading.tokens import Value, parse_value, sort_words, without_equals
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number


@dataclass(frozen=True)
class CapacitorCard:
    """A capacitor; an operating point does not depend on its farads.

    Attributes
    ----------
    name : str
        The element.
    nodes : (str, str)
        Between which it is.
    words : tuple of str
        What stands behind its nodes: a value, a model, or both in either order.
    values : dict of str to Value
        Its ``key=value`` pairs, ``c`` among them.
    origin : int
        Where it stands.
    unread : str
        The first of its other keys: nothing that is at rest depends on it.
    """

    name: str
    nodes: tuple[str, str]
    words: tuple[str, ...]
    values: dict[str, Value]
    origin: int
    unread: str = ""


def read_capacitor(name: str, nodes: list[str], words: list[str], origin: int) -> CapacitorCard:
    """Return a C card.

    Parameters
    ----------
    name : str
        The element's.
    nodes : list of str
        Both.
    words : list of str
        What stands behind them.
    origin : int
        File and line.

    Raises
    ------
    CardError
        It carries a current at rest, is nonlinear, or has no number where one should be.
    """
    sorted_words = sort_words(without_equals(words))
    check_losses(name, sorted_words.keys, ("rpar", "across"))
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    if any(word.split("(", 1)[0] in ("poly", "table") for word in plain) or "q" in sorted_words.keys:
        raise CardError(f"{name} is nonlinear: write '{name} node node value'")
    values: dict[str, Value] = {}
    unread = ""
    for key, word in sorted_words.keys.items():
        parameter = PARAMETERS.aliases.get(key, key)
        if parameter in PARAMETERS.device:
            values[parameter] = parse_value(word, bare=True)
        elif parameter not in PARAMETERS.idle and parse_number(word) != 0:
            unread = unread or key
    if plain and "c" not in values:
        parse_value(plain[0])  # what can be no number is refused whatever is solved
    first, second = nodes
    return CapacitorCard(name, (first, second), tuple(plain[:2]), values, origin, unread)


def check_losses(name: str, keys: dict[str, str], loss: tuple[str, str]) -> None:
    """Refuse one of LTspice's parts with losses that carry a current at rest: the key, and where its resistor is.

    Parameters
    ----------
    name : str
        The element's.
    keys : dict of str to str
        Parameters on its card.
    loss : (str, str)
        The key, and where its resistor is, for the message.
    """
    key, where = loss
    if key in keys and parse_number(keys[key]) != 0:
        raise CardError(f"{name} has '{key}=', which is not supported: write it as a resistor {where} it")
