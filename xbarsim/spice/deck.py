"""A netlist on its way to ngspice: its text, and the folder that its includes are relative to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.unread import unread


@dataclass(frozen=True)
class Deck:
    """A netlist; ``path`` is None where only the text was given."""

    text: str
    path: Path | None

    @classmethod
    def of(cls, netlist: str | Path) -> Deck:
        """Return the deck of a text (more than one line) or of a file.

        Raises
        ------
        InputError
            The file cannot be read.
        """
        if isinstance(netlist, str) and "\n" in netlist:
            return cls(netlist, None)
        if not str(netlist).strip():
            raise InputError("netlist is empty: give a netlist's text, or the path of one")
        path = Path(netlist)
        try:
            return cls(path.read_text("utf-8", "surrogateescape"), path.resolve())
        except OSError as error:
            raise unread(path, error, give="a netlist") from None

    def file_in(self, folder: Path) -> Path:
        """Return a file that holds it: its own, or a new one in ``folder``."""
        if self.path is not None:
            return self.path
        path = folder / "circuit.cir"
        path.write_bytes(self.text.encode("utf-8", "surrogateescape"))
        return path

    @property
    def title(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0].strip()

    @property
    def body(self) -> str:
        """All but the first line."""
        return self.text.partition("\n")[2]
