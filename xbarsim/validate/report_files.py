"""Reports as files: all of them, or none."""

from __future__ import annotations

import os
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.validate.difference_picture import picture
from xbarsim.validate.outcome import Outcome
from xbarsim.validate.page import page
from xbarsim.validate.report import markdown


def ready_folder(folder: str | Path) -> Path:
    """Make the folder that reports are to go to; before anything is computed for them.

    Raises
    ------
    InputError
        It cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}): give a folder that can be written to") from None
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written to: give a folder that can")
    return folder


def write_reports(outcome: Outcome, folder: str | Path) -> tuple[list[Path], str]:
    """Write ``validation.md``, ``.html`` (which holds its picture) and ``.png`` to a folder.

    Parameters
    ----------
    outcome : Outcome
        What was compared.
    folder : str or Path
        Made where it is not there.

    Returns
    -------
    paths : list of Path
        What was written.
    note : str
        Why there is no picture; empty if there is one.

    Raises
    ------
    InputError
        The folder cannot be made or written to.
    """
    folder = ready_folder(folder)
    try:
        image, note = picture(outcome), ""
    except InputError as error:
        image, note = None, str(error)
    name = "validation.png" if image else ""
    parts = {"validation.md": markdown(outcome, name).encode(), "validation.html": page(outcome, image).encode()}
    if image:
        parts[name] = image
    for file, data in parts.items():
        with written_whole(folder / file) as stream:
            stream.write(data)
    return [folder / file for file in parts], note
