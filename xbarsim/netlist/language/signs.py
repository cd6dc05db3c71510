"""Where ngspice 39 reads a parameter expression otherwise than it is written."""

from __future__ import annotations

from xbarsim.netlist.language.lexer import is_name


def misread(shape: tuple[str, ...]) -> bool:
    """Whether ngspice 39 gives an expression's words another value, and does not refuse.

    It lets the next number have the signs that follow operators, whatever lies between: ``2*-x+3`` is 2 x - 3 there,
    and ``4---2`` 6, as one sign is all that a number gets. A sign that meets no number is an error there. Each pair of
    parentheses and each argument has signs of its own. Of a ``?`` between another one and its ``:`` it loses the end.
    """
    owed, missed, marks = [False], [False], [""]
    signs, refused, differs, before = 0, False, False, "("
    for word, after in zip(shape, (*shape[1:], ""), strict=True):
        if word.isdigit():
            differs |= missed[-1] or owed[-1] != (signs % 2 == 1)
            owed[-1] = missed[-1] = False
            signs = 0
        elif word in ("(", "{") or (is_name(word) and after != "("):
            missed[-1] |= signs % 2 == 1
            signs = 0
            if not is_name(word):
                owed.append(False)
                missed.append(False)
                marks.append("")
        elif word == "-" and not (is_name(before) or before.isdigit() or before in ("(", "{", ",", ")", "}")):
            signs += 1
            owed[-1] = True
        elif word in ("?", ":"):
            differs |= word == marks[-1] == "?"
            marks[-1] = word
        elif word == ",":
            refused |= owed[-1]
            owed[-1] = missed[-1] = False
            marks[-1] = ""
        elif word in (")", "}"):
            refused |= owed.pop()
            missed.pop()
            marks.pop()
        before = word
    return differs and not refused and not owed[0]
