"""V and I cards: the DC value and the waveform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xbarsim.netlist.reading.expressions import is_function
from xbarsim.netlist.reading.tokens import Value, parse_value, sort_words, split_words
from xbarsim.netlist.reading.wavecards import OTHER_NAMES, WAVES, WaveCard, check_count
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import way_out


@dataclass(frozen=True)
class SourceCard:
    """What follows a source's nodes.

    Attributes
    ----------
    value : float or Expression or None
        Its explicit DC value, if any.
    wave : WaveCard or None
        Its waveform, whose value at time 0 is the DC value if that is not given.
    multiplier : float or Expression
        ``m=``.
    """

    value: Value | None
    wave: WaveCard | None
    multiplier: Value


def read_source_card(name: str, words: list[str]) -> SourceCard:
    """Return a source's DC value, waveform and multiplier.

    Parameters
    ----------
    name : str
        The source, for messages.
    words : list of str
        The card's words after its nodes.
    """
    sorted_words = sort_words(words)
    keys = dict(sorted_words.keys)
    multiplier: Value = parse_value(keys.pop("m"), bare=True) if "m" in keys else 1.0
    explicit = parse_value(keys.pop("dc"), bare=True) if "dc" in keys else None
    keys.pop("ac", None)
    if unknown := keys.keys() - {"r", "td"}:
        raise CardError(f"{name} has '{min(unknown)}=', which is not supported: {way_out(min(unknown))}")
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    first: Value | None = None
    wave: WaveCard | None = None
    at = 0
    while at < len(plain):
        word = plain[at]
        shape = word.split("(", 1)[0]
        at += 1
        if word == "dc":
            if at == len(plain):
                raise CardError("'dc' has no value: give it, like 'dc 1'")
            explicit = parse_value(plain[at])
            at += 1
        elif word == "ac":
            at = _skip_numbers(plain, at, 2)
        elif (kind := OTHER_NAMES.get(shape, shape)) in WAVES:
            arguments = split_words(word[len(shape) + 1 : -1]) if "(" in word else []
            if not arguments:
                end = _skip_arguments(plain, at)
                arguments, at = plain[at:end], end
            wave = _wave(kind, arguments, keys)
        elif shape in ("trnoise", "trrandom", "external") or (
            shape.isalpha() and "(" in word and not is_function(shape)
        ):
            raise CardError(
                f"the waveform '{shape}' is not supported: use {', '.join(WAVES).upper()}, or give a DC value"
            )
        elif first is None and at == 1:
            first = parse_value(word)
        else:
            raise CardError(f"'{word}' is unexpected after the source's value: remove it")
    if keys and (wave is None or wave.kind != "pwl"):
        raise CardError(f"{name} has 'r=' or 'td=', which belong to PWL(): remove them")
    # ngspice keeps the bare value where ``V1 a 0 5 DC 2`` gives both.
    return SourceCard(first if first is not None else explicit, wave, multiplier)


def _wave(kind: str, arguments: list[str], keys: Mapping[str, str]) -> WaveCard:
    """Return a waveform; ``keys`` are what stands behind it."""
    sorted_words = sort_words([word for word in arguments if word not in ("(", ")")])
    words, inside = sorted_words.plain, sorted_words.keys
    if kind != "pwl":
        if inside:
            raise CardError(f"{kind.upper()}() has '{next(iter(inside))}=', which is not supported: remove it")
        keys = {}
    keys = {**keys, **inside}
    if words[:2] == ["repeat", "forever"]:
        # LTspice's spelling of r=, from its first point on.
        words = [word for word in words[2:] if word != "endrepeat"]
        keys = {"r": words[0] if words else "0", **keys}
    if words[-1:] == ["r"]:
        words, keys = words[:-1], {"r": "0", **keys}
    if unknown := keys.keys() - {"r", "td"}:
        raise CardError(f"PWL() has '{min(unknown)}=', which is not supported: remove it")
    steps = frozenset(k for k, word in enumerate(words) if word[0] == "+" and k % 2 == 0) if kind == "pwl" else ()
    repeat = parse_value(keys["r"], bare=True) if "r" in keys else None
    delay = parse_value(keys["td"], bare=True) if "td" in keys else 0.0
    card = WaveCard(kind, tuple(parse_value(word, bare=True) for word in words), repeat, delay, frozenset(steps))
    check_count(card)
    return card


def _skip_numbers(words: list[str], at: int, most: int) -> int:
    end = at
    while end < len(words) and end < at + most and (words[end][0] in "+-.{'\"" or words[end][0].isdigit()):
        end += 1
    return end


def _skip_arguments(words: list[str], at: int) -> int:
    """Return where a waveform's arguments without parentheses end."""
    while at < len(words) and words[at] not in ("dc", "ac"):
        at += 1
    return at
