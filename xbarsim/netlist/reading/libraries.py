"""Files that a netlist names: includes and the sections of libraries."""

from __future__ import annotations

import re
from pathlib import Path

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.reading.source import Places, SourceText, read_source

_SECTION_END = re.compile(r"^[ \t]*\.endl\b[^\n]*\n", re.MULTILINE)
_MOST_OPEN = 200


def written_words(source: SourceText, position: int) -> list[str]:
    """Return the words after a card's first one as they were written: file names keep their case."""
    line = source.original[position : source.original.index("\n", position)].strip()
    rest = line.split(None, 1)[1] if len(line.split(None, 1)) > 1 else ""
    words = []
    while rest := rest.strip():
        if rest[0] in "'\"" and rest.find(rest[0], 1) > 0:
            end = rest.index(rest[0], 1)
            words.append(rest[1:end])
            rest = rest[end + 1 :]
        elif rest[0] in ";$":
            break
        else:
            cut = re.split(r"[\s;]", rest, maxsplit=1)
            words.append(cut[0])
            rest = cut[1] if len(cut) > 1 else ""
    return [word for word in words if word]


def open_file(name: str, source: SourceText, open_files: list[SourceText], places: Places, origin: int) -> SourceText:
    """Open a file that stands beside the one that names it.

    Raises
    ------
    CardError
        Too many files include each other.
    NetlistError
        It cannot be read.
    """
    folder = source.path.parent if source.path is not None else Path()
    if len(open_files) > _MOST_OPEN:
        raise CardError(f"{name} is included {_MOST_OPEN} files deep: break the loop")
    return read_source(_expanded(folder, name), places, origin)


def check_loop(file: SourceText, section: str | None, open_files: list[SourceText], name: str) -> None:
    """Refuse a file that is being read already, unless another section of it is meant."""
    for other in open_files:
        if other.path is None or file.path is None or other.path.resolve() != file.path.resolve():
            continue
        if section is None or other.section == section:
            raise CardError(f".include {name} includes itself: break the loop")


def enter_section(file: SourceText, section: str, name: str) -> None:
    """Go to the line after ``.lib section`` of a library.

    Raises
    ------
    CardError
        It has no such section.
    """
    start = re.compile(rf"^[ \t]*\.lib[ \t]+(['\"]?){re.escape(section)}\1[ \t]*(?:[;$*][^\n]*)?\n", re.MULTILINE)
    match = start.search(file.text)
    if match is None:
        raise CardError(f".lib {name} has no section '{section}': name one of its sections")
    if _SECTION_END.search(file.text, match.end()) is None:
        raise CardError(f".lib {name}: the section '{section}' has no .endl: close it")
    file.section = section
    file.skip(match.end(), file.text.count("\n", 0, match.end()))


def skip_section(file: SourceText) -> bool:
    """Go past a section that stands in a file that is read as a whole; False if it has no end."""
    match = _SECTION_END.search(file.text, file.position)
    if match is None:
        return False
    file.skip(match.end(), file.text.count("\n", file.position, match.end()))
    return True


def _expanded(folder: Path, name: str) -> Path:
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:
        return folder / name
