"""R cards that are more than a value: models, sheets, temperatures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.language import Expression
from xbarsim.netlist.models.parameters import UnphysicalError
from xbarsim.netlist.models.resistor import PARAMETERS, ohms
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.calls import two_multipliers
from xbarsim.netlist.reading.lookup import Around, find_model, model_of
from xbarsim.netlist.reading.scopes import Amount, Scope
from xbarsim.netlist.reading.tokens import parse_value, sort_words, unquoted
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

Value = float | Expression

IGNORED = ("ac", "noisy", "noise", "bv_max")


@dataclass(frozen=True)
class ResistorCard:
    """A resistor whose ohms its model or its temperature may change.

    Attributes
    ----------
    name : str
        The element.
    words : tuple of str
        What stands behind its nodes: a value, a model, or both in either order.
    values : dict of str to Value
        Its ``key=value`` pairs, ``r`` among them.
    origin : int
        Where it stands.
    """

    name: str
    words: tuple[str, ...]
    values: dict[str, Value]
    origin: int


def read_resistor(name: str, words: list[str], origin: int) -> tuple[Value, Value] | ResistorCard:
    """Return ohms and the ``m=`` that divides them, or a card where more is to be known."""
    words = words[1:] if words[:1] == ["="] else words
    sorted_words = sort_words(words)
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    keys: dict[str, str] = {}
    for key, word in sorted_words.keys.items():
        if key in IGNORED:
            continue
        key = PARAMETERS.aliases.get(key, key)
        if key not in PARAMETERS.device:
            raise CardError(f"{name} has '{clipped(key)}=' after its value, which is not supported: remove it")
        keys[key] = word
    # tc=1m 2u and tc=1m,2u give both coefficients.
    if "tc" in sorted_words.keys and plain and parse_number(plain[-1]) is not None and len(plain) > ("r" not in keys):
        keys["tc2"] = plain.pop()
    if "r" not in keys and not plain:
        if keys:
            raise CardError(f"{name} has no value: write '{name} node node value', or a model with rsh")
        raise CardError(f"{name} has no value: write '{name} node node value'")
    late = bool(plain) and is_value(plain[0]) and plain[0] != words[0]
    if late and "tc" in sorted_words.keys and "r" not in keys:
        raise CardError(f"{name} has '{clipped(plain[0])}' after tc=, as its second number: put the value before tc=")
    if late and "r" in keys:
        raise CardError(f"{name} has '{clipped(plain[0])}' after its value, which is not supported: remove it")
    most = 1 if "r" in keys else 2
    if len(plain) > most or (len(plain) == 2 and all(is_value(word) for word in plain)):
        raise CardError(f"{name} has '{clipped(plain[-1])}' after its value, which is not supported: remove it")
    values = {key: parse_value(word, bare=True) for key, word in keys.items()}
    if set(values) <= {"r", "m"} and (is_value(plain[0]) and len(plain) == 1 if plain else True):
        return values["r"] if "r" in values else parse_value(plain[0]), values.get("m", 1.0)
    return ResistorCard(name, tuple(plain), values, origin)


def is_value(word: str) -> bool:
    """Whether a word is ohms, and no name of a model (nor of a parameter)."""
    return parse_number(word) is not None or unquoted(word) is not None


def ohms_of(card: ResistorCard, item: Work, around: Around, instead: Amount | None = None) -> Amount:
    """Return the resistance of a card, one for each instance if they differ.

    ``instead`` takes the place of the ohms that the card or its model gives; temperature and ``m=`` act on it.

    Raises
    ------
    NetlistError
        Its model or its value is missing or wrong.
    """
    places = around.places
    try:
        known = bool(card.words) and not isinstance(find_model(card.words[0], item, around.models), list)
        if not (known or card.values or len(card.words) > 1):
            return _finite(card, _evaluated(parse_value(card.words[0]), item.scope), places)
        value, name = _value_and_model(card, known and not is_value(card.words[0]))
        own = {key: _evaluated(number, item.scope) for key, number in card.values.items()}
        if value is not None:
            own["r"] = _evaluated(value, item.scope)
        if instead is not None:
            own["r"] = instead
        given: dict[str, Amount] = {}
        if name is not None:
            model, home = model_of(card.name, name, item, places, around.models)
            given = {key: _evaluated(number, home.scope) for key, number in model.values.items()}
        if np.any(np.not_equal(own.get("m", 1.0), 1)) and np.any(np.not_equal(item.share, 1)):
            raise two_multipliers(places, card.origin)
        amount = ohms(given, own, around.ambient)
    except (CardError, UnphysicalError) as error:
        text = str(error) if isinstance(error, CardError) else f"{card.name}: {error}"
        raise places.error(text, card.origin) from None
    return _finite(card, amount if amount.ndim else float(amount), places)


def _finite(card: ResistorCard, amount: Amount, places: Places) -> Amount:
    if not np.all(np.isfinite(amount)):
        raise places.error(f"{card.name} is {amount}: it must be finite", card.origin)
    return amount


def _evaluated(value: Value, scope: Scope) -> Amount:
    return scope.evaluate(value) if isinstance(value, Expression) else value


def _value_and_model(card: ResistorCard, first_is_model: bool) -> tuple[Value | None, str | None]:
    """Return a card's ohms and its model's name, once it is known whether its first word is one."""
    words = list(card.words)
    if words and (first_is_model or ("r" in card.values and not is_value(words[0]))):
        model = words.pop(0)
        return (parse_value(words[0]) if words else None), model
    if not words:
        return None, None
    if len(words) == 1:
        return parse_value(words[0]), None
    return parse_value(words[0]), words[1]
