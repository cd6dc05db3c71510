"""Files that a netlist names: includes and the sections of libraries."""

from __future__ import annotations

import re
from pathlib import Path

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.source import SourceText, read_source
from xbarsim.netlist.refusals import CardError

_SECTION_END = re.compile(r"^[ \t]*\.endl\b[^\n]*\n", re.MULTILINE)
_MOST_OPEN = 200
_WINDOWS = re.compile(r"[a-zA-Z]:[\\/]|\\\\")


def written_words(source: SourceText, position: int) -> list[str]:
    """Return the words after a card's first one as they were written: file names keep their case."""
    line = source.original[position : source.original.index("\n", position)].strip()
    tail = line.split(None, 1)[1] if len(line.split(None, 1)) > 1 else ""
    words = []
    while tail := tail.strip():
        if tail[0] in "'\"" and tail.find(tail[0], 1) > 0:
            end = tail.index(tail[0], 1)
            words.append(tail[1:end])
            tail = tail[end + 1 :]
        elif tail[0] in ";$":
            break
        else:
            cut = re.split(r"[\s;]", tail, maxsplit=1)
            words.append(cut[0])
            tail = cut[1] if len(cut) > 1 else ""
    return [word for word in words if word]


def library_and_section(words: list[str], source: SourceText) -> tuple[str, str | None]:
    """Return the file that a ``.lib`` card names and the section of it, if any.

    Paths may hold blanks without quotes, as LTspice writes them: what is there decides, else whether the last word
    looks like a part of a path.
    """
    if len(words) == 1:
        return words[0], None
    whole, most, last = " ".join(words), " ".join(words[:-1]), words[-1].lower()
    if _looked_up(most, source) is not None:
        return most, last
    if _looked_up(whole, source) is not None or re.search(r"[./\\]", words[-1]):
        return whole, None
    return most, last


def open_file(
    card: str, name: str, source: SourceText, open_files: list[SourceText], places: Places, origin: int
) -> SourceText:
    """Open a file that stands beside the one that names it, or in the working folder.

    Parameters
    ----------
    card : str
        ``.include`` or ``.lib``, for messages.
    name : str
        As it stands on the card.
    source : SourceText
        The file with the card.
    open_files : list of SourceText
        Those that are being read.
    places : Places
        Where the file gets its number.
    origin : int
        File and line of the card.

    Raises
    ------
    CardError
        Too many files include each other, or there is no such file.
    NetlistError
        It cannot be read.
    """
    if len(open_files) > _MOST_OPEN:
        raise CardError(f"{name} is included {_MOST_OPEN} files deep: break the loop")
    return read_source(found_file(card, name, source), places, origin, f"{card} {name}")


def found_file(card: str, name: str, source: SourceText) -> Path:
    """Return the path of a file that a card names.

    Raises
    ------
    CardError
        It is neither beside the file with the card nor in the working folder.
    """
    path = _looked_up(name, source)
    if path is None:
        where = "" if Path(name).is_absolute() else ", neither beside this file nor in the working folder"
        if _WINDOWS.match(name) and not Path(name).is_absolute():
            last = re.split(r"[/\\]", name)[-1]
            hint = f"this path is one of another machine; put the file beside this one and write {card} {last}"
            raise CardError(f"{card} {name}: there is no such file: {hint}")
        raise CardError(f"{card} {name}: there is no such file{where}: check the path")
    return path


def _looked_up(name: str, source: SourceText) -> Path | None:
    """Return the first of the places where a file may be that has it."""
    beside = source.path.parent if source.path is not None else Path()
    names = [name, name.replace("\\", "/")] if "\\" in name else [name]
    for folder in (beside, Path()):
        for spelling in names:
            path = _expanded(folder, spelling)
            try:
                if path.exists():
                    return path
            except (OSError, ValueError):
                continue
    return None


def check_loop(file: SourceText, section: str | None, open_files: list[SourceText], name: str) -> None:
    """Refuse a file that is being read already, unless another section of it is meant.

    Parameters
    ----------
    file : SourceText
        Which is about to be read.
    section : str or None
        Of a library.
    open_files : list of SourceText
        Those that are being read.
    name : str
        As it stands on the card, for the message.
    """
    for outer in open_files:
        if outer.path is None or file.path is None or outer.path.resolve() != file.path.resolve():
            continue
        if section is None or outer.section == section:
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
