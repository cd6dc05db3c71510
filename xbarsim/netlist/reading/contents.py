"""What a netlist is made of, without its circuit: files, parameters, and what its cards sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.reading.presets import presets_of
from xbarsim.netlist.reading.reader import NetlistReader


@dataclass(frozen=True)
class Contents:
    """What a netlist is made of.

    Attributes
    ----------
    files : tuple of Path
        All that were read: the netlist, its includes and libraries, points of waveforms.
    parameters : tuple of str
        Those that ``.param`` sets at the top level.
    deciding : frozenset of str
        Those of them that decide an ``.if``, and so perhaps which files there are.
    stepped : str
        Where the first ``.step`` stands; empty where there is none.
    random : bool
        Whether random functions may be called.
    """

    files: tuple[Path, ...]
    parameters: tuple[str, ...]
    deciding: frozenset[str]
    stepped: str
    random: bool


def contents(path: str | Path, parameters: Mapping[str, float] | None = None) -> Contents:
    """Read a netlist's text, and make no circuit of it.

    Parameters
    ----------
    path : str or Path
        The file.
    parameters : mapping of str to float, optional
        As ``read`` takes them; here a name may be one that nothing sets.

    Raises
    ------
    NetlistError
        The file cannot be read or is not understood.
    """
    with collector_paused():
        reader = NetlistReader(path, presets_of(parameters, None).parameters)
        reader.run()
    places = reader.places
    return Contents(
        tuple(Path(file) for file in dict.fromkeys((*places.files, *places.tables))),
        tuple(dict.fromkeys(parameter.name for parameter in reader.top.parameters)),
        frozenset(reader.conditions.decided),
        places.where(reader.steps[0].origin) if reader.steps else "",
        reader.random,
    )
