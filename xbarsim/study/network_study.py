"""Studies of networks: the file's tables to trials, all of it checked before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError
from xbarsim.study.axes import Changes, Point, points
from xbarsim.study.code_version import package_content
from xbarsim.study.image_sets import image_content
from xbarsim.study.image_settings import image_settings
from xbarsim.study.study_file import StudyFile
from xbarsim.study.study_hardware import EffectCheck, chips_differ, hardware_names, hardware_record
from xbarsim.study.tables import FileTable, unknown_name
from xbarsim.study.trial import Artifact, Trial, canonical
from xbarsim.unread import unread

if TYPE_CHECKING:
    from xbarsim.nn.training import TrainSettings

_MODEL = ("source", "label", "weights", "width", "epochs", "batch", "rate", "decay", "seed", "augment")
_TRAINED = ("width", "epochs", "batch", "rate", "decay", "seed", "augment")
_DATA = ("name", "folder", "validation", "train", "test", "images", "mean", "std")
_BY_IMAGES = ("batch", "augment")
"""Settings of training whose defaults depend on the images."""

_SWEPT_DATA = ("train", "images")
_METHOD = ("method", "label", "chips")
_INFERENCE: dict[str, Any] = {
    "batch": 64, "calibration": 128, "digital": [], "map_storage": "weights", "times": [], "compensate": False,
}  # fmt: skip
"""Settings of a run without methods, with their defaults."""

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
        self._check_methods_alone()
        self._measured = self._inference_settings()
        self._labels = self._model_labels()
        self._method_seed = self._table.count("method_seed", 0, least=0)
        # Axes that are no settings, but stand in methods.
        texts = "".join(row.text for row in self._rows)
        names = set(self._settings())
        self._words = {
            axis.name
            for axis in study.axes
            if f"{{{axis.name}}}" in texts and not {axis.name, f"cells.{axis.name}"} & names
        }
        self._check_axes()
        self._check_chips()
        # Each is read once: it may be large.
        self._image_content = cache(image_content)
        base = study.folder / (study.table.table("hardware").word("base") or "")
        self._base = {"hardware": str(base)} if base.is_file() else {}
        self._file_content, self._package_content = cache(_file_content), cache(package_content)

    def trials(self) -> Iterator[Trial]:
        effects = EffectCheck(self._study, leave_out=self._words)
        for table, label in zip(self._models, self._labels, strict=True):
            for point, changes in points(self._study.axes):
                model, data, hardware = self._setting(table, changes)
                effects.add(canonical(hardware))
                where = ({"model": label} if len(self._models) > 1 else {}) | point
                if not self._rows:
                    yield from self._plain_chips(model, data, hardware, where)
                for row in self._rows:
                    yield from self._chips(model, data, hardware, row, where)
        effects.check()

    def _plain_chips(
        self, model: _Model, data: Mapping[str, Any], hardware: Mapping[str, Any], point: Point
    ) -> Iterator[Trial]:
        settings = {"model": model.settings, "data": data, "hardware": hardware} | {"inference": self._measured}
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
        return self._seeds if chips_differ(canonical(hardware)) else self._seeds[:1]

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

    def _inference_settings(self) -> dict[str, Any]:
        """Return what is not as usual: what is said or left to its default is one question."""
        from typing import get_args

        from xbarsim.nn.map_store import MapStorage

        table = self._inference
        table.check_names(_INFERENCE)
        for key in ("batch", "calibration"):
            table.count(key)
        storage, storages = table.word("map_storage"), get_args(MapStorage)
        if storage is not None and storage not in storages:
            raise table.error("map_storage", f"it is {storage!r}, and must be one of {', '.join(storages)}")
        values = dict(table.record)
        if "digital" in values:
            values["digital"] = list(table.words("digital"))
        if "times" in values:
            values["times"] = list(table.numbers("times")) if values["times"] != [] else []
        if not isinstance(values.get("compensate", False), bool):
            raise table.error("compensate", f"it is {values['compensate']!r}, and must be true or false")
        return {key: value for key, value in values.items() if value != _INFERENCE[key]}

    def _check_methods_alone(self) -> None:
        for key in ("inference", "method_seed"):
            if key in self._table.record and bool(self._rows) == (key == "inference"):
                less = "with" if self._rows else "without"
                raise self._table.error(key, f"it changes nothing in a study {less} methods: leave it out")

    def _check_chips(self) -> None:
        """Refuse a method on more chips than there are; a quick version may have fewer than the whole study."""
        count = len(self._seeds)
        for row in self._rows:
            if row.chips is not None and row.chips > count and not self._study.quick:
                place = FileTable({}, self._table.where("methods"))
                count_text = "there is 1 chip" if count == 1 else f"there are {count} chips"
                raise place.error("chips", f"it is {row.chips}, and {count_text}: give more seeds, or leave it out")

    def _settings(self) -> list[str]:
        """Return the names of all that can be swept."""
        return [
            *hardware_names(), *(f"model.{name}" for name in _TRAINED), *(f"data.{name}" for name in _SWEPT_DATA),
        ]  # fmt: skip

    def _check_axes(self) -> None:
        sweep = self._table.table("sweep")
        names = self._settings()
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
            table_of_data = FileTable(dict(self._data.record) | images, self._data.place)
            data, folder = image_settings(
                table_of_data, self._study.folder, self._image_content, has_methods=bool(self._rows)
            )
            return self._model(table, recipe, data, folder), data, hardware_record(self._study, canonical(changed))
        except InputError as error:
            if str(error).startswith(self._table.place):
                raise
            if not changes:
                raise self._table.whole_error(str(error)) from None
            at = ", ".join(f"{name} = {value}" for name, value in changes.items())
            raise InputError(f"{self._table.place}: sweep, at {at}: {error}") from None

    def _model(self, table: FileTable, changes: dict[str, Any], data: Mapping[str, Any], folder: str | None) -> _Model:
        from xbarsim.nn import zoo
        from xbarsim.nn.training import TrainSettings

        source, weights = table.word("source") or "", table.word("weights")
        width = FileTable(dict(table.record) | changes, table.place).number("width", 1.0, above=0.0)
        places = dict(self._base) if folder is None else self._base | {"data": folder}
        recipe = {name: table.record[name] for name in _TRAINED if name in table.record} | changes
        if source in zoo.MODELS and weights is None:
            recipe.pop("width", None)
            recipe = _unusual(TrainSettings.from_dict(recipe), recipe)
            images = {key: value for key, value in data.items() if key not in ("test", "images")}
            training = {"model": source, "width": width, "settings": recipe, "data": images}
            artifact = Artifact("training", training, f"training {source}", (), places)
            return _Model({"zoo": source, "width": width, "training": artifact.key}, places, (artifact,))
        idle = [name for name in recipe if not (name == "width" and source in zoo.MODELS)]
        if idle:
            raise table.error(idle[0], "it changes nothing: the network has weights already")
        settings: dict[str, Any] = {}
        if source in zoo.MODELS:
            settings |= {"zoo": source, "width": width}
        else:
            name, function = source, ""
            if ":" in source:
                name, _, function = source.rpartition(":")
                function = f":{function}"
            inside = self._study.folder / name
            if inside.is_file():
                settings |= {"content": self._file_content(str(inside)), "source": function}
                places["source"] = f"{inside}{function}"
            else:
                settings["source"] = places["source"] = source
                if function and not name.endswith(".py"):
                    settings["content"] = self._package_content(name.partition(".")[0], (str(Path.cwd()),))
        if weights is not None:
            path = self._study.folder / weights
            settings["weights"], places["weights"] = self._file_content(str(path)), str(path)
        return _Model(settings, places, ())


def _unusual(settings: TrainSettings, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a training that are not as usual: what is said or left to its default is one training."""
    usual = type(settings)()
    values = {name: getattr(settings, name) for name in recipe}
    return {name: value for name, value in values.items() if name in _BY_IMAGES or value != getattr(usual, name)}


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


def _file_content(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise unread(path, error) from None
