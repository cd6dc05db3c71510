"""Studies of a netlist: its parameters, temperature and seed to trials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.study.axes import Changes, points
from xbarsim.study.study_file import StudyFile
from xbarsim.study.tables import FileTable, unknown_name
from xbarsim.study.trial import Trial
from xbarsim.unread import unread

if TYPE_CHECKING:
    from xbarsim.netlist.reading.contents import Contents

_KEYS = ("file", "outputs", "param", "temp", "seed", "steady", "method")
_PARAM = "param."
_METHODS = ("auto", "schur", "kron", "reference")


def trials(study: StudyFile) -> Iterator[Trial]:
    """Give the trials of a study of a netlist, in the order of the file.

    Raises
    ------
    InputError
        A key or a value is wrong, or the netlist cannot be read; the message names it.
    """
    return _Netlist(study).trials()


def content_of(files: tuple[Path, ...]) -> str:
    """Return a digest of what files hold, in their order, wherever they lie."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise unread(file, error) from None
    return digest.hexdigest()


class _Netlist:
    def __init__(self, study: StudyFile) -> None:
        self._study = study
        self._table = study.table.table("netlist")
        self._table.check_names(_KEYS)
        file = self._table.word("file")
        if file is None:
            raise self._table.whole_error('it names no netlist: give file = "xbar.sp"')
        self._path = study.folder / file
        self._outputs = list(self._table.words("outputs"))
        if not self._outputs and "outputs" in self._table.record:
            raise self._table.error("outputs", "there are none: name at least one, or leave it out for all")
        self._steady = self._table.record.get("steady", False)
        if not isinstance(self._steady, bool):
            raise self._table.error("steady", f"it is {self._steady!r}, and must be true or false")
        method = self._table.word("method", "auto")
        if method not in _METHODS:
            raise self._table.error("method", f"it is {method!r}, and must be one of {', '.join(_METHODS)}")
        self._method = method
        parameters = self._table.table("param")
        _check_case(parameters, {name: name for name in parameters.record})
        self._base = {f"{_PARAM}{name.lower()}": value for name, value in parameters.record.items()}
        self._base |= {key: self._table.record[key] for key in ("temp", "seed") if key in self._table.record}
        self._read: dict[tuple[tuple[str, float], ...], tuple[Contents, str]] = {}
        self._deciding: frozenset[str] = frozenset()

    def trials(self) -> Iterator[Trial]:
        self._check_axes()
        for point, changes in points(self._study.axes):
            settings, files = self._settings(changes)
            yield Trial("netlist", settings, point, places=files)

    def _check_axes(self) -> None:
        contents, _ = self._contents(self._parameters(self._base, {}))
        if contents.stepped:
            raise InputError(
                f"{contents.stepped}: .step: its points are no trials: remove the card, and sweep the same in "
                f'{self._table.place.partition(": ")[0]} as [sweep] "param.NAME" = [...]'
            )
        sweep = self._study.table.table("sweep")
        _check_case(sweep, {name: axis.name for axis in self._study.axes for name in axis.settings})
        names = [*(f"{_PARAM}{name}" for name in contents.parameters), "temp", "seed"]
        for axis in self._study.axes:
            for name in axis.settings:
                if not name.lower().startswith(_PARAM) and name not in names:
                    whole = f"{_PARAM}{name.lower()}"
                    hint = f"did you mean {whole}?" if whole in names else unknown_name(name, names)
                    raise sweep.error(axis.name, f"there is no setting {name!r}: {hint}")

    def _settings(self, changes: Changes) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what decides the numbers at a point, and all files that the netlist is made of there."""
        whole = self._base | {_lower(name): value for name, value in changes.items()}
        parameters = self._parameters(whole, changes)
        contents, content = self._contents(parameters)
        for name in parameters:
            if name not in contents.parameters:
                table, key = self._source(f"{_PARAM}{name}", changes)
                hint = unknown_name(name, contents.parameters) if contents.parameters else "there is none"
                raise table.error(key, f"no .param of {self._path.name} sets {name!r}: {hint}")
        settings: dict[str, Any] = {"content": content, "parameters": parameters, "method": self._method}
        if "temp" in whole:
            settings["temp"] = self._number("temp", whole["temp"], changes)
        if "seed" in whole:
            settings["seed"] = self._seed(whole["seed"], contents, changes)
        if self._steady:
            settings["steady"] = True
        if self._outputs:
            settings["outputs"] = self._outputs
        places = {f"netlist.{number}": str(file) for number, file in enumerate(contents.files)}
        return settings, {"netlist": str(self._path)} | places

    def _contents(self, parameters: Mapping[str, float]) -> tuple[Contents, str]:
        """Return what the netlist is made of; it is read again where conditions may be decided otherwise."""
        from xbarsim.netlist.reading.contents import contents

        decisive = self._decisive(parameters)
        if decisive not in self._read:
            netlist = contents(self._path, parameters)
            self._deciding |= netlist.deciding
            decisive = self._decisive(parameters)
            self._read[decisive] = netlist, content_of(netlist.files)
        return self._read[decisive]

    def _decisive(self, parameters: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        return tuple(sorted(item for item in parameters.items() if item[0] in self._deciding))

    def _parameters(self, whole: Mapping[str, Any], changes: Changes) -> dict[str, float]:
        return {
            name.removeprefix(_PARAM): self._number(name, value, changes)
            for name, value in whole.items()
            if name.startswith(_PARAM)
        }

    def _number(self, name: str, value: Any, changes: Changes) -> float:
        table, key = self._source(name, changes)
        return table.scaled(key, value)

    def _seed(self, value: Any, contents: Contents, changes: Changes) -> int:
        table, key = self._source("seed", changes)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise table.error(key, f"it is {value!r}, and must be a whole number, at least 0")
        if not contents.random:
            raise table.error(key, f"it changes nothing: no parameter of {self._path.name} is drawn at random")
        return value

    def _source(self, name: str, changes: Changes) -> tuple[FileTable, str]:
        """Return the table and the key in it that a setting comes from."""
        if any(_lower(changed) == name for changed in changes):
            return self._study.table.table("sweep"), next(
                axis.name for axis in self._study.axes if name in map(_lower, axis.settings)
            )
        if name.startswith(_PARAM):
            return self._table.table("param"), name.removeprefix(_PARAM)
        return self._table, name


def _lower(name: str) -> str:
    """Return a setting's name with its parameter as netlists have it."""
    return name.lower() if name.lower().startswith(_PARAM) else name


def _check_case(table: FileTable, keys: Mapping[str, str]) -> None:
    """Refuse a parameter, by its key, that another one is but for its case: netlists know no case."""
    names: dict[str, str] = {}
    for name, key in keys.items():
        if names.setdefault(name.lower(), name) != name:
            raise table.error(key, f"it is {names[name.lower()]} by another name: give each parameter once")
