"""What R cards are in ohms that are more than a value: models, sheets, temperatures."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.models.parameters import UnphysicalError
from xbarsim.netlist.models.resistor import ohms
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.calls import two_multipliers
from xbarsim.netlist.reading.lookup import Context, find_model, model_of
from xbarsim.netlist.reading.resistorcards import ResistorCard, is_value
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.tokens import Value, parse_value
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError


def ohms_of(card: ResistorCard, item: Work, context: Context, instead: Amount | None = None) -> Amount:
    """Return the resistance of a card, one for each instance if they differ.

    ``instead`` takes the place of the ohms that the card or its model gives; temperature and ``m=`` act on it.

    Parameters
    ----------
    card : ResistorCard
        As it was read.
    item : Work
        The batch of instances of the body that it is in.
    context : Context
        Temperature, models and places.
    instead : float or array, optional
        Ohms in the place of the card's.

    Raises
    ------
    NetlistError
        Its model or its value is missing or wrong.
    """
    places = context.places
    try:
        is_model = bool(card.words) and not isinstance(find_model(card.words[0], item, context.models), list)
        if not (is_model or card.values or len(card.words) > 1):
            return _finite(card, item.scope.amount(parse_value(card.words[0])), places)
        value, name = _value_and_model(card, is_model and not is_value(card.words[0]))
        values = {key: item.scope.amount(number) for key, number in card.values.items()}
        if value is not None:
            values["r"] = item.scope.amount(value)
        if instead is not None:
            values["r"] = instead
        model_values: dict[str, Amount] = {}
        if name is not None:
            model, home = model_of(card.name, name, item, context)
            model_values = {key: home.scope.amount(number) for key, number in model.values.items()}
        if np.any(np.not_equal(values.get("m", 1.0), 1)) and np.any(np.not_equal(item.share, 1)):
            raise two_multipliers(places, card.origin)
        amount = ohms(model_values, values, context.ambient)
    except (CardError, UnphysicalError) as error:
        text = str(error) if isinstance(error, CardError) else f"{card.name}: {error}"
        raise places.error(text, card.origin) from None
    return _finite(card, amount if amount.ndim else float(amount), places)


def _finite(card: ResistorCard, amount: Amount, places: Places) -> Amount:
    if not np.all(np.isfinite(amount)):
        raise places.error(f"{card.name} is {amount}: it must be finite", card.origin)
    return amount


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
