"""S and W cards: switches as laws of the voltage across them and what controls them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.models import switch
from xbarsim.netlist.models.parameters import UnphysicalError
from xbarsim.netlist.reading.lawcards import LawCard
from xbarsim.netlist.reading.lookup import Context, model_of
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.tokens import check_names, split_words
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

_FORMS = {"s": "node node node node model [on|off]", "w": "node node vsource model [on|off]"}
_CONTROLS = {"s": 2, "w": 1}


@dataclass(frozen=True)
class SwitchCard(LawCard):
    """A switch: its law asks for ``$threshold``, ``$on`` and others, which its model gives."""

    model: str
    starts_on: bool


def read_switch(text: str, origin: int) -> SwitchCard:
    """Return an S or W card.

    Raises
    ------
    CardError
        Nodes, control or model are missing.
    """
    name, *words = [word for word in split_words(text) if word not in ("(", ")")]
    letter = name[0]
    count = 2 + _CONTROLS[letter]
    form = f"write '{name} {_FORMS[letter]}'"
    if len(words) <= count:
        raise CardError(f"{name} has {len(words)} words: {form}")
    *ends, model = words[: count + 1]
    start = words[count + 1 :]
    if start not in ([], ["on"], ["off"]):
        raise CardError(f"'{clipped(start[0])}' is unexpected behind {name}'s model: {form}")
    check_names([name, *ends, model])
    control = f"{'v' if letter == 's' else 'i'}({','.join(ends[2:])})"
    step = f"({control}>$threshold)+$meets*({control}==$threshold)?$on:$off"
    part = f"max(-0.5,min(0.5,({control}-$middle)/$span))"
    smooth = f"sqrt($on*$off)*exp(ln($on/$off)*({part})*(1.5-2*({part})**2))"
    law = f"v({ends[0]},{ends[1]})*($smooth?{smooth}:({step}))"
    return SwitchCard(name, (ends[0], ends[1]), "i", law, {}, origin, model, start == ["on"])


def switch_values(card: LawCard, item: Work, context: Context) -> dict[str, Amount]:
    """Return the numbers of a switch's law, by their names; nothing for other laws.

    Raises
    ------
    CardError
        Its model is missing or wrong.
    """
    if not isinstance(card, SwitchCard):
        return {}
    model, home = model_of(card.name, card.model, item, context)
    values = {key: home.scope.amount(value) for key, value in model.values.items()}
    try:
        control = "v" if card.name[0] == "s" else "i"
        if model.kind in ("vswitch", "iswitch"):
            table = switch.smooth_columns(values, control)
        else:
            table = switch.columns(values, context.ambient, control, starts_on=card.starts_on)
    except UnphysicalError as error:
        raise CardError(f"{card.name} ({model.name}): {error}") from None
    width = table.pop("hysteresis")
    if np.any(np.greater(width, 0)):
        start = "on" if card.starts_on else "off"
        text = f"{card.name} is {start} within its hysteresis at every point; ngspice remembers the point before"
        context.notes.setdefault(text, card.origin)
    if np.any(np.less(width, 0)):
        text = f"{card.name} has a negative hysteresis: it is on from the lower threshold, as in ngspice's .op"
        context.notes.setdefault(f"{text}; in LTspice it goes smoothly from off to on", card.origin)
    return {f"${key}": value for key, value in table.items()}
