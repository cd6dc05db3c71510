"""Studies: sweeps over networks, hardware, methods and chips, or over circuits, that survive and end in pictures.

A ``study_file`` is TOML; its ``tables`` are checked key by key, its ``axes`` say what is swept. ``network_study``,
``margin_study`` or ``netlist_study`` makes ``trial``s of it, each named by its content and by the ``code_version`` that
answers it; ``study_hardware`` and ``image_settings`` are of networks, whose ``image_sets`` are known by their pixels;
``shared_chips`` are those that several trials run on. A ``runner`` gives what is missing to an executor
(``executors``; ``local_processes``, ``dask_cluster``), whose workers do ``task_work`` (``network_training``,
``network_work``, ``circuit_work``), and keeps each answer in the ``store``, an SQLite file
(``store_connection``, ``migrations``), and what trials need beside it (``artifact_files``). ``open_study`` joins a
file, its trials and its store.

What is read of a study begins with its ``listing``: ``study_status``, ``study_plan`` (with ``durations``), and
``trial_export`` and ``frames`` for other programs. A report puts trials together over chips (``study_table``), follows
``report_settings`` and what is known of others (``references``) in a ``report_view``, whose ``charts`` and
``result_tables`` are numbers and texts: ``report_contents`` is all of it, ``chart_drawing`` draws, ``html_page`` and
``markdown_page`` write, and ``study_report_files`` puts it on the disk.

>>> from xbarsim import study
>>> study.run("wires.toml")                                    # doctest: +SKIP
>>> study.frame("wires.toml").groupby("method").accuracy.mean()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbarsim.study.frames import frame as frame
    from xbarsim.study.store import Store as Store
    from xbarsim.study.study_call import run as run
    from xbarsim.study.study_file import read as read
    from xbarsim.study.study_table import StudyTable as StudyTable

_HOME = {"Store": "store", "StudyTable": "study_table", "frame": "frames", "read": "study_file", "run": "study_call"}

__all__ = ["Store", "StudyTable", "frame", "read", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'xbarsim.study' has no attribute {name!r}")
    value = getattr(import_module(f"xbarsim.study.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
