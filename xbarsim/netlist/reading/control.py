"""``.control`` blocks: their lines as a tree, and what they ask for once they are run."""

from __future__ import annotations

from dataclasses import dataclass, field

from xbarsim.netlist.origins import Places
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

_OPENS = ("foreach", "repeat", "while", "dowhile", "if")
_DEEPEST = 50


@dataclass
class Line:
    """A command, and the lines that belong to it.

    Attributes
    ----------
    text : str
        As it was written, in lower case.
    origin : int
        Where it stands.
    inside, otherwise : list of Line
        What a loop or an ``if`` holds, and what stands behind its ``else``.
    """

    text: str
    origin: int
    inside: list[Line] = field(default_factory=list)
    otherwise: list[Line] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The command itself."""
        return self.text.split(None, 1)[0]

    @property
    def tail(self) -> str:
        """What follows it."""
        return "".join(self.text.split(None, 1)[1:]).strip()


def tree_of(lines: list[Line], places: Places) -> list[Line]:
    """Return the lines with loops and conditions as branches.

    Parameters
    ----------
    lines : list of Line
        One after the other.
    places : Places
        For messages.

    Raises
    ------
    NetlistError
        A loop is not closed, or an ``end`` or ``else`` has none.
    """
    top: list[Line] = []
    open_lines: list[tuple[Line, list[Line]]] = []
    block = top
    for line in lines:
        word = line.word
        if word == "end":
            if not open_lines:
                raise places.error("'end' in .control closes no loop: remove it", line.origin)
            block = open_lines.pop()[1]
        elif word == "else":
            if not open_lines or open_lines[-1][0].word != "if":
                raise places.error("'else' in .control has no 'if': remove it", line.origin)
            block = open_lines[-1][0].otherwise
        else:
            block.append(line)
            if word in _OPENS:
                open_lines.append((line, block))
                block = line.inside
                if len(open_lines) > _DEEPEST:
                    raise places.error(f"loops in .control stand {_DEEPEST} deep: take some out", line.origin)
    if open_lines:
        line = open_lines[-1][0]
        raise places.error(f"'{clipped(line.text)}' in .control has no 'end': close it", line.origin)
    return top


def assignment(command: str, text: str) -> tuple[str, str]:
    """Return both sides of a command's ``name = value``.

    Parameters
    ----------
    command : str
        ``let`` and the like, for the message.
    text : str
        What stands behind it.

    Raises
    ------
    CardError
        One of them is missing.
    """
    left, equals, right = text.partition("=")
    if not equals or not left.strip() or not right.strip():
        raise CardError(f"the command '{command}' sets nothing in '{clipped(text)}': write '{command} name = value'")
    return left.strip(), right.strip()
