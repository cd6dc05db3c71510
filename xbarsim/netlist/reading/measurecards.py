"""``.measure`` cards of ngspice, HSPICE and LTspice: words to what is measured."""

from __future__ import annotations

import re

from xbarsim.netlist.measures import Event, Measure
from xbarsim.netlist.reading.tokens import outside
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

_ANALYSES = ("dc", "tran", "op")
_UNSOLVED = ("ac", "sp", "noise", "tf", "four", "fft")
_ALIASES = {"integral": "integ", "derivative": "deriv", "average": "avg", "val": "value"}
_FUNCTIONS = (
    "find", "deriv", "derivative", "when", "max", "min", "avg", "average", "pp", "rms", "integ", "integral", "param",
    "min_at", "max_at", "trig",
)  # fmt: skip
_KEYS = ("at", "from", "to", "td", "val", "rise", "fall", "cross", "when", "targ")
_UNREAD = ("err", "err1", "err2", "err3", "error", "goal", "minval", "weight")
_KEYWORD = re.compile(
    rf"(?<![\w.@])({'|'.join(sorted({*_FUNCTIONS, *_KEYS, *_UNREAD}, key=len, reverse=True))})(?![\w(])"
)
_FORM = "write '.measure dc name max v(a)', find, when, avg, rms, pp, integ, deriv, param or trig ... targ"


def measure_card(text: str, origin: int) -> Measure:
    """Return what a ``.measure`` asks for; what is not understood is a measure with a ``problem``."""
    words = text.split(None, 3)
    analysis, name, request = "", "", ""
    if len(words) > 2 and words[1] in (*_ANALYSES, *_UNSOLVED):
        analysis, name, request = words[1], words[2], words[3] if len(words) > 3 else ""
    elif len(words) > 2:
        name, request = words[1], " ".join(words[2:])
    try:
        if not request:
            raise CardError(f"it asks for nothing: {_FORM}")
        if analysis in _UNSOLVED:
            raise CardError(f".{analysis} is not solved: measure op, dc or tran")
        return _read(analysis, name, request, origin)
    except CardError as error:
        return Measure(analysis if analysis in _ANALYSES else "", name or clipped(text), "", "", {}, origin,
                       problem=str(error))  # fmt: skip


def _read(analysis: str, name: str, request: str, origin: int) -> Measure:
    head, *segments = _segments(request)
    function, output = _ALIASES.get(head[0], head[0]), head[1]
    if function == "param":
        expression = " ".join([output, *(f"{word} {body}" for word, body in segments)]).strip()
        return Measure(analysis, name, function, _unquoted(expression), {}, origin)
    if function == "trig":
        at = next((k for k, (word, _) in enumerate(segments) if word == "targ"), None)
        if at is None:
            raise CardError("trig has no targ: write 'trig v(a) val=1 rise=1 targ v(b) val=1 rise=1'")
        ends = _event(output, segments[:at]), _event(segments[at][1], segments[at + 1 :])
        return Measure(analysis, name, function, "", {}, origin, *ends)
    keys = _keys(segments)
    if function == "when":
        output, keys["value"] = _sides(output)
    if "when" in keys:
        if function not in ("find", "deriv"):
            raise CardError(f"{function} takes no when: find and deriv do")
        keys["when"], keys["value"] = _sides(keys["when"])
    if not output:
        raise CardError(f"{function} of what? {_FORM}")
    if function in ("find", "deriv") and "when" not in keys and "at" not in keys and analysis != "op":
        raise CardError(f"{function} has neither at= nor when: write 'find v(a) at=1' or 'find v(a) when v(b)=1'")
    return Measure(analysis, name, function, output, keys, origin)


def _segments(text: str) -> list[tuple[str, str]]:
    """Cut a text at its keywords, outside of brackets and quotes: keywords and what follows each, without ``=``."""
    matches = (_KEYWORD.match(text, at) for at in outside(text, "({[", ")}]"))
    keywords = [(match.start(), match.end(), match[1]) for match in matches if match is not None]
    if not keywords or text[: keywords[0][0]].strip() or keywords[0][2] not in _FUNCTIONS:
        raise CardError(f"'{clipped(text.split()[0])}' is no measure: {_FORM}")
    unread = next((word for _, _, word in keywords if word in _UNREAD), None)
    if unread is not None:
        raise CardError(f"'{unread}' is not supported: {_FORM}")
    ends = [start for start, _, _ in keywords[1:]] + [len(text)]
    return [
        (word, text[start:end].strip().removeprefix("=").strip())
        for (_, start, word), end in zip(keywords, ends, strict=True)
    ]


def _keys(segments: list[tuple[str, str]]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for word, body in segments:
        word = _ALIASES.get(word, word)
        if word in keys or (word not in _KEYS and word != "value"):
            raise CardError(f"'{word}' is unexpected or comes twice: {_FORM}")
        if not body:
            raise CardError(f"'{word}=' has no value")
        keys[word] = body.rstrip(",").strip() if word == "when" else _unquoted(body.rstrip(",").strip())
    return keys


def _event(output: str, segments: list[tuple[str, str]]) -> Event:
    keys = _keys(segments)
    if not output and "at" in keys:
        return Event("", keys)
    if "value" not in keys:
        output, keys["value"] = _sides(output)
    if not output:
        raise CardError("trig or targ of what? Write 'trig v(a) val=1' or 'trig at=1'")
    return Event(output, keys)


def _sides(text: str) -> tuple[str, str]:
    """Return what stands left and right of the ``=`` outside of brackets."""
    depth = 0
    for at, c in enumerate(text):
        depth += (c in "({[") - (c in ")}]")
        if c == "=" and depth == 0 and text[at - 1 : at] not in ("<", ">", "!", "=") and text[at + 1 : at + 2] != "=":
            left, right = text[:at].strip(), text[at + 1 :].strip()
            if left and right:
                return left, _unquoted(right)
    raise CardError(f"'{clipped(text)}' is no crossing: write 'v(a)=1' or 'v(a)=v(b)'")


def _unquoted(text: str) -> str:
    text = text.strip()
    pair = text[:1] + text[-1:]
    return text[1:-1].strip() if len(text) > 1 and pair in ("''", '""', "{}") else text
