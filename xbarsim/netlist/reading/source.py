"""Files as text with places: what a line of the circuit says and where it stands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.foreign import check_foreign
from xbarsim.netlist.refusals import NetlistError
from xbarsim.unread import unread_reason

_BLANKS = " \t\r\f\v\n"
_HALF = 0.45
"""Share of bytes that are 0 from which on text is taken for UTF-16 without its mark: LTspice writes some."""

_GREEK = re.compile("[0-9.]\u03bc")
_SEPARATORS = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")
_EXOTIC = re.compile(r"[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_COMMENT = re.compile(r"(?:^|(?<=\s))\$|;|//")
_VARIABLE = re.compile(r"\$(?=\S)")
_HIDDEN = "\1"
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_CONTINUED = re.compile(r"(?:[ \t\r\f\v]*(?:[*;][^\n]*|\$[^\n]*|//[^\n]*)?\n)*[ \t]*\+")


class SourceText:
    """One file's text, read from the top; lower case, with the original at hand.

    Attributes
    ----------
    text : str
        In lower case (ASCII letters only, so that places agree with ``original``), micro signs as ``u``, ending in a
        newline.
    original : str
        As it was written: file names keep their case.
    position, line : int
        Where reading stands; ``line`` counts from 1.
    section : str or None
        The section of a library that is read; its ``.endl`` ends the file.
    foreign : bool
        Whether it is no UTF-8, was read as Windows-1252, and that makes a difference.
    """

    def __init__(self, data: bytes, file: str, path: Path | None, origin: int) -> None:
        self.file, self.path, self.origin = file, path, origin
        self.section: str | None = None
        self.position, self.line = 0, 1
        data = _in_bytes(data, file)
        codec, self.foreign = "utf-8", False
        try:
            self.original = data.decode(codec)
        except UnicodeDecodeError:
            # What LTspice and old editors write.
            codec, self.foreign = "cp1252", _is_spoken(data, file)
            self.original = data.decode(codec, "replace")
        # A micro sign is u to ngspice, in names too: a\u00b5 and au are one node.
        self.text = data.lower().decode(codec, "replace").replace("\u00b5", "u")
        if any(mark in data for mark in _SEPARATORS) or not (data.isascii() or _EXOTIC.search(self.text) is None):
            _check_blanks(self.text, file)

    def place(self, line: int) -> int:
        """Return the origin of a line."""
        return self.origin + line

    @property
    def finished(self) -> bool:
        """Whether every line was read."""
        return self.position >= len(self.text)

    def greek_micro(self) -> int:
        """Return the first line that has a Greek mu behind a digit, 0 if there is none."""
        if "\u03bc" not in self.text:
            return 0
        lines = enumerate(self.text.split("\n"), 1)
        return next((n for n, line in lines if n > 1 and _GREEK.search(_without_comment(line.strip(_BLANKS)))), 0)

    def continues(self, position: int) -> bool:
        """Whether the line that ends just before ``position`` goes on in a ``+`` line."""
        return _CONTINUED.match(self.text, position) is not None

    def next_line(self, commands: bool = False) -> tuple[str, int, int]:
        """Return the next logical line, the line that it starts in, and the position that it starts at.

        Comments are cut off and continuation lines joined; an empty string is a blank or comment line. Among the
        ``commands`` of a ``.control`` block ``$name`` is a variable.
        """
        start, first = self.position, self.line
        clean = _without_comment if not commands else _without_comment_in_commands
        parts = [clean(self._physical())]
        if parts[0]:
            while (match := _CONTINUED.match(self.text, self.position)) is not None:
                self.skip(match.end() - 1, self.text.count("\n", self.position, match.end()))
                parts.append(clean(self._physical()).removeprefix("+").strip())
        return " ".join(parts), first, start

    def lines_ahead(self, start: re.Pattern[str]) -> Iterator[str]:
        """Yield the logical lines further down that begin with a pattern; reading stays where it is."""
        place = self.position, self.line
        try:
            for match in start.finditer(self.text, place[0]):
                self.position = match.start()
                yield self.next_line()[0]
        finally:
            self.position, self.line = place

    def skip(self, position: int, lines: int) -> None:
        """Go on at ``position``, which is ``lines`` further down."""
        self.position, self.line = position, self.line + lines

    def _physical(self) -> str:
        start = self.position
        end = self.text.find("\n", start)
        self.position, self.line = end + 1, self.line + 1
        return self.text[start:end].strip(_BLANKS)


def _in_bytes(data: bytes, file: str) -> bytes:
    """Return a file's bytes without marks and carriage returns, in UTF-8 if they were UTF-16; they end in a newline."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode("utf-8")
    elif len(data) > 1 and data[1::2].count(0) > _HALF * len(data):
        data = data.decode("utf-16-le", "replace").encode("utf-8")
    check_foreign(data, file)
    if b"\0" in data:
        raise NetlistError("it holds binary data: give a netlist as plain text", file)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        # A lone one is a blank to ngspice; files of nothing else are old Macintosh ones.
        data = data.replace(b"\r", b" " if b"\n" in data else b"\n")
    return data if data.endswith(b"\n") else data + b"\n"


def _is_spoken(data: bytes, file: str) -> bool:
    """Whether bytes that are not UTF-8 stand anywhere but in comments, where they say nothing.

    Raises
    ------
    NetlistError
        Windows-1252 does not know them either.
    """
    spoken = False
    for number, raw in enumerate(data.split(b"\n"), 1):
        if raw.isascii():
            continue
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            line = _without_comment(raw.decode("cp1252", "replace").strip())
            if number > 1 and "\ufffd" in line:
                raise NetlistError("this line is not UTF-8 text: save the file as UTF-8", file, number) from None
            spoken |= not line.isascii()
    return spoken


def _check_blanks(text: str, file: str) -> None:
    """Refuse characters that look like blanks and are letters to ngspice, but in comments and the title."""
    for number, line in enumerate(text.split("\n"), 1):
        match = _EXOTIC.search(_without_comment(line.strip(_BLANKS))) if number > 1 else None
        if match is not None:
            sign = unicodedata.name(match.group(), "control character").lower()
            raise NetlistError(
                f"this line holds a {sign} (U+{ord(match.group()):04X}), which is no blank to SPICE: replace it by one",
                file,
                number,
            )


def _without_comment(line: str) -> str:
    """Cut off an inline comment, but not inside quotes; a ``*`` line is empty."""
    if line.startswith("*"):
        return ""
    match = _COMMENT.search(line)
    if match is None:
        return line
    if "'" in line or '"' in line:
        blanked = _QUOTED.sub(lambda quoted: "q" * len(quoted.group()), line)
        match = _COMMENT.search(blanked)
        if match is None:
            return line
    return line[: match.start()].rstrip()


def _without_comment_in_commands(line: str) -> str:
    return _without_comment(_VARIABLE.sub(_HIDDEN, line)).replace(_HIDDEN, "$")


def read_source(
    source: str | Path | IO[str], places: Places, included_from: int | None = None, card: str = ".include"
) -> SourceText:
    """Open a netlist.

    Parameters
    ----------
    source : path or text stream
        What to read.
    places : Places
        Takes the file's name.
    included_from : int, optional
        The origin of the ``.include`` that asks for it; errors in opening it name that line.
    card : str
        What that card says, for such errors.
    """
    if not isinstance(source, (str, Path)):
        name = getattr(source, "name", None)
        file = name if isinstance(name, str) else "<text>"
        return SourceText(source.read().encode("utf-8", "surrogateescape"), file, None, places.add(file))
    path = Path(source)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = unread_reason(error, give="a netlist")
        if included_from is None:
            raise NetlistError(reason, str(source)) from None
        raise places.error(f"{card}: {reason}", included_from) from None
    return SourceText(data, str(source), path, places.add(str(source)))
