"""What C cards are in farads: by value, or by a model and sizes."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.models.capacitor import farads
from xbarsim.netlist.models.parameters import UnphysicalError
from xbarsim.netlist.reading.calls import product
from xbarsim.netlist.reading.capacitorcards import CapacitorCard
from xbarsim.netlist.reading.lookup import Context, find_model, model_of
from xbarsim.netlist.reading.resistorcards import is_value
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.tokens import Value, parse_value
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError


def farads_of(card: CapacitorCard, item: Work, context: Context) -> Amount:
    """Return the capacitance of a card, one for each instance if they differ.

    Parameters
    ----------
    card : CapacitorCard
        As it was read.
    item : Work
        The batch of instances of the body that it is in.
    context : Context
        Temperature, models and places.

    Raises
    ------
    NetlistError
        Its model or its value is missing or wrong, or it has a loss that acts in time.
    """
    places = context.places
    try:
        if card.unread:
            way = {"rser": "write it as a resistor in series", "lser": "write it as an inductor in series"}
            hint = way.get(card.unread, "remove it")
            raise CardError(f"{card.name} has '{card.unread}=', which is not supported in .tran: {hint}")
        value, name = _value_and_model(card, item, context)
        values = {key: item.scope.amount(number) for key, number in card.values.items()}
        if value is not None:
            values.setdefault("c", item.scope.amount(value))
        if np.any(np.not_equal(item.share, 1)):
            values["m"] = product(values.get("m", 1.0), item.share, places, card.origin)
        if name is None and set(values) == {"c"}:
            amount: Amount = values["c"]
        else:
            model, home = (None, item) if name is None else model_of(card.name, name, item, context)
            numbers = {} if model is None else model.values
            model_values = {key: home.scope.amount(number) for key, number in numbers.items()}
            whole = farads(model_values, values, context.ambient)
            amount = whole if whole.ndim else float(whole)
    except (CardError, UnphysicalError) as error:
        text = str(error) if isinstance(error, CardError) else f"{card.name}: {error}"
        raise places.error(text, card.origin) from None
    if not np.all(np.isfinite(amount)):
        raise places.error(f"{card.name} is {amount}: it must be finite", card.origin)
    return amount


def _value_and_model(card: CapacitorCard, item: Work, context: Context) -> tuple[Value | None, str | None]:
    """Return a card's farads and its model's name, once it is known which of its words is one."""
    value: Value | None = None
    model: str | None = None
    for word in card.words:
        is_model = not is_value(word) and not isinstance(find_model(word, item, context.models), list)
        if is_model or value is not None or ("c" in card.values and not is_value(word)):
            model = word
        else:
            value = parse_value(word)
    return value, model
