"""Studies of networks: the file's tables to trials, all of it checked before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.axes import Changes, Point, points
from xbarsim.study.study_file import StudyFile, hardware_names
from xbarsim.study.tables import FileTable, unknown_name
from xbarsim.study.trial import Artifact, Trial, canonical

_MODEL = ("source", "label", "weights", "width", "epochs", "batch", "rate", "decay", "seed", "augment")
_TRAINED = ("width", "epochs", "batch", "rate", "decay", "seed", "augment")
_DATA = ("name", "folder", "validation", "train", "test", "images", "mean", "std")
_SWEPT_DATA = ("train", "images")
_METHOD = ("method", "label", "chips")
_INFERENCE = ("batch", "calibration", "digital", "map_storage", "times", "compensate")
_VALIDATION = 5000
_MOST_CHIPS = 100_000


def trials(study: StudyFile) -> Iterator[Trial]:
    """Give the trials of a study of networks, in the order of the file.

    Raises
    ------
    InputError
        A key or a value is wrong; the message names it.
    """
    return _Networks(study).trials()


@dataclass(frozen=True)
class _Model:
    """A network of the study, with what is swept of its training applied."""

    settings: Mapping[str, Any]
    places: Mapping[str, str]
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True)
class _Row:
    """A chain of methods as the file has it; ``{NAME}`` in it stands for the value on that axis."""

    text: str
    label: str
    chips: int | None = None

    def chain(self, point: Point) -> str:
        """Return the chain at a point of the sweep."""
        text = self.text
        for name, value in point.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text


class _Networks:
    def __init__(self, study: StudyFile) -> None:
        if find_spec("torch") is None:
            raise InputError("studies of networks need torch: pip install 'xbarsim[nn]'")
        self._study, self._table = study, study.table
        self._rows = list(self._method_rows())
        self._seeds = self._chip_seeds()
        self._models = list(self._table.tables("model"))
        if not self._models:
            raise self._table.whole_error('it has no network: give [[model]] with source = "mlp", or a checkpoint')
        self._data = self._table.table("data")
        self._data.check_names(_DATA)
        self._inference = self._table.table("inference")
        self._check_inference()
        self._labels = self._model_labels()
        self._method_seed = self._table.count("method_seed", 0, least=0)
        # Axes that are no settings, but stand in methods.
        texts = "".join(row.text for row in self._rows)
        self._words = {axis.name for axis in study.axes if f"{{{axis.name}}}" in texts}
        self._check_axes()

    def trials(self) -> Iterator[Trial]:
        for table, label in zip(self._models, self._labels, strict=True):
            for point, changes in points(self._study.axes):
                model, data, hardware = self._setting(table, changes)
                where = ({"model": label} if len(self._models) > 1 else {}) | point
                if not self._rows:
                    yield from self._plain_chips(model, data, hardware, where)
                for row in self._rows:
                    yield from self._chips(model, data, hardware, row, where)

    def _plain_chips(
        self, model: _Model, data: Mapping[str, Any], hardware: Mapping[str, Any], point: Point
    ) -> Iterator[Trial]:
        settings = {"model": model.settings, "data": data, "hardware": hardware} | {
            "inference": dict(self._inference.record)
        }
        for seed in self._different(hardware):
            yield Trial("inference", settings | {"seed": seed}, point | {"chip": seed}, model.artifacts, model.places)

    def _chips(
        self, model: _Model, data: Mapping[str, Any], hardware: Mapping[str, Any], row: _Row, point: Point
    ) -> Iterator[Trial]:
        label = self._label_of(row.chain(point))
        settings = {"model": model.settings, "data": data, "hardware": hardware} | {
            "method": label, "method_seed": self._method_seed,
        }  # fmt: skip
        artifacts = (*model.artifacts, *self._blind(settings, model, label))
        where = point | {"method": row.label}
        for seed in self._different(hardware)[: row.chips]:
            yield Trial("mitigation", settings | {"seed": seed}, where | {"chip": seed}, artifacts, model.places)

    def _different(self, hardware: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the seeds of chips of a hardware; where none differs from another one stands for all."""
        return self._seeds if _differ(canonical(hardware)) else self._seeds[:1]

    def _blind(self, settings: dict[str, Any], model: _Model, text: str) -> tuple[Artifact, ...]:
        """Return what the first steps of a chain that know no chip come to, once for all chips."""
        blind = _blind_steps(text)
        if blind == 0:
            return ()
        return (Artifact("blind", settings | {"steps": blind}, text, model.artifacts, model.places),)

    def _method_rows(self) -> Iterator[_Row]:
        """Give the rows of ``methods``: texts, or tables of a text, what it is called, and on how many chips it is."""
        value = self._table.record.get("methods", [])
        if not isinstance(value, list):
            raise self._table.error("methods", 'it must be an array of texts, as ["none", "gain"]')
        if not value and "methods" in self._table.record:
            raise self._table.error("methods", "there are none: give at least one, or leave it out")
        chains: dict[str, str] = {}
        for entry in value:
            row = self._row(entry)
            # What stands for a value of an axis is looked at where the value is there.
            label = row.text if "{" in row.text else self._label_of(row.text)
            if row.label in chains.values():
                raise self._table.error("methods", f"{row.label!r} is there twice: give each once")
            if label in chains:
                raise self._table.error("methods", f"{row.text!r} is {chains[label]!r}: give each once")
            chains[label] = row.label
            yield row

    def _row(self, entry: Any) -> _Row:
        table = FileTable(entry if isinstance(entry, Mapping) else {"method": entry}, self._table.where("methods"))
        table.check_names(_METHOD)
        text = table.word("method")
        if text is None:
            raise table.whole_error("an entry has no method: give a text, or { method = TEXT, label = NAME }")
        return _Row(text, table.word("label") or text, table.count("chips"))

    def _label_of(self, text: str) -> str:
        try:
            return _chain_label(text)
        except InputError as error:
            raise self._table.error("methods", f"{text!r}: {error}") from None

    def _chip_seeds(self) -> tuple[int, ...]:
        value = self._table.record.get("seeds", 5)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            if value > _MOST_CHIPS:
                raise self._table.error("seeds", f"{value} chips are more than {_MOST_CHIPS:,}: give fewer")
            return tuple(range(value))
        seeds = value if isinstance(value, list) else []
        if seeds and all(type(seed) is int and seed >= 0 for seed in seeds) and len(set(seeds)) == len(seeds):
            return tuple(seeds)
        raise self._table.error(
            "seeds", f"it is {value!r}, and must be a number of chips, or a list of seeds, each once"
        )

    def _model_labels(self) -> list[str]:
        labels = []
        for table in self._models:
            table.check_names(_MODEL)
            source = table.word("source")
            if source is None:
                raise table.whole_error('it has no source: give source = "mlp", a checkpoint, or "file.py:function"')
            labels.append(table.word("label") or Path(source).stem)
        for label in labels:
            if labels.count(label) > 1:
                raise self._table.error("model", f"two are called {label!r}: give each a label of its own")
        return labels

    def _check_inference(self) -> None:
        self._inference.check_names(_INFERENCE)
        for key in ("batch", "calibration"):
            self._inference.count(key)
        self._inference.words("digital")
        for key in ("inference", "method_seed"):
            if key in self._table.record and bool(self._rows) == (key == "inference"):
                less = "with" if self._rows else "without"
                raise self._table.error(key, f"it changes nothing in a study {less} methods: leave it out")

    def _check_axes(self) -> None:
        sweep = self._table.table("sweep")
        names = [
            *hardware_names(),
            *(f"model.{name}" for name in _TRAINED),
            *(f"data.{name}" for name in _SWEPT_DATA),
        ]
        swept: dict[str, str] = {}
        for axis in self._study.axes:
            for name in axis.settings:
                if name in self._words:
                    continue
                whole = name if name in names else f"cells.{name}"
                if whole not in names:
                    raise sweep.error(axis.name, f"there is no setting {name!r}: {unknown_name(name, names)}")
                if swept.setdefault(whole, name) != name:
                    raise sweep.error(axis.name, f"it is {swept[whole]} by another name: sweep it once")

    def _setting(self, table: FileTable, changes: Changes) -> tuple[_Model, Mapping[str, Any], Mapping[str, Any]]:
        recipe = {name.removeprefix("model."): value for name, value in changes.items() if name.startswith("model.")}
        images = {name.removeprefix("data."): value for name, value in changes.items() if name.startswith("data.")}
        changed = {
            name: value
            for name, value in changes.items()
            if not name.startswith(("model.", "data.")) and name not in self._words
        }
        try:
            data, folder = self._images(FileTable(dict(self._data.record) | images, self._data.place))
            return self._model(table, recipe, data, folder), data, _hardware(self._study, canonical(changed))
        except InputError as error:
            if str(error).startswith(self._table.place):
                raise
            if not changes:
                raise self._table.whole_error(str(error)) from None
            at = ", ".join(f"{name} = {value}" for name, value in changes.items())
            raise InputError(f"{self._table.place}: sweep, at {at}: {error}") from None

    def _images(self, table: FileTable) -> tuple[dict[str, Any], str | None]:
        name = table.word("name", "digits") or "digits"
        data: dict[str, Any] = {"name": name}
        path = self._study.folder / name
        if path.is_dir():
            data["name"] = str(path)
            data["content"] = _folder_content(str(path))
        for key in ("train", "test"):
            if (count := table.count(key)) is not None:
                data[key] = count
        if self._rows:
            data["validation"] = table.count("validation", _VALIDATION)
        for key in ("validation", "images"):
            if key in table.record and not self._rows:
                raise table.error(key, "it changes nothing in a study without methods: leave it out")
        if (images := table.word("images", "train")) not in ("train", "test"):
            raise table.error("images", f"it is {images!r}, and must be train or test: where methods' images are from")
        if images == "test":
            data["images"] = images
        for key in ("mean", "std"):
            if key in table.record:
                data[key] = list(table.numbers(key))
        folder = table.word("folder")
        return data, None if folder is None else str((self._study.folder / folder).resolve())

    def _model(self, table: FileTable, changes: dict[str, Any], data: Mapping[str, Any], folder: str | None) -> _Model:
        from xbarsim.nn import zoo
        from xbarsim.nn.training import TrainSettings

        source, weights = table.word("source") or "", table.word("weights")
        places = {} if folder is None else {"data": folder}
        recipe = {name: table.record[name] for name in _TRAINED if name in table.record} | changes
        if source in zoo.MODELS and weights is None:
            width = FileTable(recipe, table.place).number("width", 1.0, above=0.0)
            recipe.pop("width", None)
            TrainSettings.from_dict(recipe)
            images = {key: value for key, value in data.items() if key not in ("test", "images")}
            training = {"model": source, "width": width, "settings": recipe, "data": images}
            artifact = Artifact("training", training, f"training {source}", (), places)
            return _Model({"zoo": source, "width": width, "training": artifact.key}, places, (artifact,))
        idle = [name for name in recipe if not (name == "width" and source in zoo.MODELS)]
        if idle:
            raise table.error(idle[0], "it changes nothing: the network has weights already")
        settings: dict[str, Any] = {}
        if source in zoo.MODELS:
            settings |= {"zoo": source, "width": recipe.get("width", 1.0)}
        else:
            name, function = source, ""
            if ":" in source:
                name, _, function = source.rpartition(":")
                function = f":{function}"
            inside = self._study.folder / name
            if inside.is_file():
                settings |= {"content": _file_content(str(inside)), "source": function}
                places["source"] = f"{inside}{function}"
            else:
                settings["source"] = places["source"] = source
        if weights is not None:
            path = self._study.folder / weights
            settings["weights"], places["weights"] = _file_content(str(path)), str(path)
        return _Model(settings, places, ())


@cache
def _hardware(study: StudyFile, changes: str) -> dict[str, Any]:
    """Return the study's hardware with changes, as a record with all of its settings."""
    import json

    from xbarsim.nn.hardware import PRESETS, Hardware, preset

    table = study.table.table("hardware")
    keys = ("base", *(name.partition(".")[0] for name in hardware_names()))
    table.check_names(keys)
    base = table.word("base", "rram-64") or "rram-64"
    hardware = preset(base) if base in PRESETS else Hardware.from_json(study.folder / base)
    record = hardware.to_dict()
    settings = {key: value for key, value in table.record.items() if key != "base"}
    for name, value in [*_settings_of(table, settings), *json.loads(changes).items()]:
        _put(record, name, value)
    return Hardware.from_dict(record).to_dict()


def _settings_of(table: FileTable, record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    names = list(hardware_names())
    for name, value in record.items():
        whole = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _settings_of(table, value, f"{whole}.")
        elif whole in names:
            yield whole, value
        else:
            raise table.error(whole, f"there is no such setting: {unknown_name(whole, names)}")


def _put(record: dict[str, Any], name: str, value: Any) -> None:
    """Put a setting into nested ones by its name, whole or without ``cells.``; an effect that is off is turned on."""
    if name not in set(hardware_names()):
        name = f"cells.{name}"
    *above, last = name.split(".")
    for part in above:
        if record.get(part) is None:
            record[part] = {}
        record = record[part]
    record[last] = value


@cache
def _differ(hardware: str) -> bool:
    """Tell whether chips of a hardware can differ."""
    import json

    from xbarsim.nn.chip_spread import varies
    from xbarsim.nn.hardware import Hardware

    return varies(Hardware.from_dict(json.loads(hardware)))


@cache
def _chain_label(text: str) -> str:
    from xbarsim.mitigation import chain

    return chain(text).label


@cache
def _blind_steps(text: str) -> int:
    """Return how many of the first steps of a chain neither know nor run a chip; 0 if they use no data either."""
    from itertools import takewhile

    from xbarsim.mitigation import chain

    steps = list(takewhile(lambda step: step.is_blind, chain(text).steps))
    return len(steps) if any(step.needs.data != "none" for step in steps) else 0


@cache
def _file_content(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


@cache
def _folder_content(path: str) -> str:
    """Return a digest of the names, sizes and times of a folder's files: of images, not of each pixel."""
    digest = hashlib.sha256()
    for file in sorted(Path(path).rglob("*")):
        if file.is_file():
            facts = file.stat()
            digest.update(f"{file.relative_to(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()
