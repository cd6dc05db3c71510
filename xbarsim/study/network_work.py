"""What a worker does for studies of networks: trains, takes the steps that know no chip, measures a chip."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from xbarsim.study.trial import Task, canonical

if TYPE_CHECKING:
    from torch import nn

    from xbarsim.mitigation import Harness
    from xbarsim.nn.datasets import Dataset

Artifacts = Mapping[str, bytes]
"""What a task needs, by key."""


def train(task: Task, artifacts: Artifacts) -> bytes:
    """Return the weights of a network of the zoo, trained as settings say: a file of ``torch.save``."""
    import torch

    from xbarsim.nn import zoo
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    settings = task.settings
    data = _data(canonical(settings["data"]), task.places.get("data"))
    usual = {"batch": usual_batch(data), "augment": data.name == "cifar10"}
    recipe = TrainSettings.from_dict(usual | dict(settings["settings"]))
    model = zoo.build(
        settings["model"], data.shape, len(data.classes), width=settings["width"], seed=recipe.seed
    )  # fmt: skip
    Training(model, data, recipe).run()
    buffer = io.BytesIO()
    torch.save(model.eval().state_dict(), buffer)
    return buffer.getvalue()


def take_blind_steps(task: Task, artifacts: Artifacts) -> bytes:
    """Return what the first steps of a chain that know no chip come to, as ``Harness.adopt`` takes it."""
    from xbarsim.mitigation import chain

    harness = _harness(task, artifacts)
    return pickle.dumps(harness.blind_stage(chain(task.settings["method"])))


def reduce_chip(task: Task, artifacts: Artifacts) -> bytes:
    """Return the maps of a network on a chip, as ``save_maps`` does; none where they take more room than there is.

    Converters and encoding decide no map: they are the default's.
    """
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference import on_hardware
    from xbarsim.nn.map_archive import map_bytes, save_maps

    settings = task.settings
    model, _ = _network(task, artifacts)
    network = on_hardware(model, Hardware.from_dict(settings["hardware"]), digital=settings["digital"])
    network.keep_maps(settings["map_storage"]).program(settings["seed"])
    forms = settings["forms"]
    return save_maps(network.layers, forms) if map_bytes(network.layers, forms) <= settings["room"] else b""


def mitigate(task: Task, artifacts: Artifacts) -> dict[str, Any]:
    """Return what a chain of methods brings on a chip, and what it costs."""
    from dataclasses import asdict

    from xbarsim.mitigation import chain

    harness, steps = _harness(task, artifacts), chain(task.settings["method"])
    for key in task.needs:
        if key != task.settings["model"].get("training") and _ADOPTED.get("") != key:
            harness.adopt(pickle.loads(artifacts[key]))  # what this study's own workers made
            _ADOPTED[""] = key
    record = harness.record(steps, task.settings["seed"])
    numbers = {"accuracy": record.after, "before": record.before, "ideal": _ideal(harness)}
    return numbers | asdict(record.cost) | {"method_seconds": record.seconds}


def infer(task: Task, artifacts: Artifacts) -> dict[str, Any]:
    """Return the accuracy of a network on a chip, and the error of each layer."""
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference import infer as run

    settings = task.settings
    model, data = _network(task, artifacts)
    hardware = Hardware.from_dict(settings["hardware"])
    seed, training = settings["seed"], settings["model"].get("training")
    content = b"".join(artifacts[key] for key in task.needs if key != training)  # of one chip, or of none
    maps = {seed: content} if content else None
    result = run(model, data, hardware, seeds=[seed], maps=maps, **settings["inference"])
    chip = result.chips[0]
    numbers = {"accuracy": chip.accuracy, "agreement": chip.agreement, "ideal": result.ideal}
    if len(chip.moments) > 1:
        numbers |= {f"accuracy.{moment.time:g}s": moment.accuracy for moment in chip.moments}
    for layer in result.layers:
        numbers |= {f"{layer.row.name}.own_error": layer.own_arrays, f"{layer.row.name}.total_error": layer.total}
    return numbers


@lru_cache(maxsize=2)
def _data(settings: str, folder: str | None) -> Dataset:
    from dataclasses import replace

    from xbarsim.nn.datasets import load

    record = json.loads(settings)
    data = load(record["name"], folder)
    data = replace(data, mean=tuple(record.get("mean", data.mean)), std=tuple(record.get("std", data.std)))
    if "validation" in record:
        data = data.split(min(record["validation"], len(data.train) // 5))
    data = data.limited(train=record.get("train"), test=record.get("test"))
    return replace(data, train=data.test) if record.get("images") == "test" else data


_MODELS: dict[str, tuple[nn.Module, Dataset]] = {}
_HARNESSES: dict[str, Harness] = {}
_ROOM = 2
"""Networks, and harnesses, that a worker keeps: trials come one setting after the other."""


def _network(task: Task, artifacts: Artifacts) -> tuple[nn.Module, Dataset]:
    settings, places = task.settings["model"], task.places
    name = canonical({"model": settings, "data": task.settings["data"]})
    if name not in _MODELS:
        data = _data(canonical(task.settings["data"]), places.get("data"))
        _keep(_MODELS, name, _source(settings, places, data, artifacts))
    return _MODELS[name]


def untrained(task: Task) -> tuple[nn.Module, Dataset]:
    """Return a task's network and images, before its training: for looking whether they go together."""
    settings = {name: value for name, value in task.settings["model"].items() if name != "training"}
    name = canonical({"untrained": settings, "data": task.settings["data"]})
    if name not in _MODELS:
        _keep(
            _MODELS,
            name,
            _source(settings, task.places, _data(canonical(task.settings["data"]), task.places.get("data")), {}),
        )
    return _MODELS[name]


def _source(
    settings: Mapping[str, Any], places: Mapping[str, str], data: Dataset, artifacts: Artifacts
) -> tuple[nn.Module, Dataset]:
    import torch

    from xbarsim.nn import model_sources, zoo

    if "training" not in settings:
        source = model_sources.find(
            settings.get("zoo") or places["source"], data, weights=places.get("weights"),
            width=settings.get("width", 1.0),
        )  # fmt: skip
        return source.model, source.dataset
    model = zoo.build(settings["zoo"], data.shape, len(data.classes), width=settings["width"])
    model.load_state_dict(torch.load(io.BytesIO(artifacts[settings["training"]]), weights_only=True))
    return model.eval(), data


def _harness(task: Task, artifacts: Artifacts) -> Harness:
    from xbarsim.mitigation import Harness
    from xbarsim.nn.hardware import Hardware

    parts = ("model", "data", "hardware", "method_seed")
    name = canonical({part: task.settings[part] for part in parts})
    if name not in _HARNESSES:
        model, data = _network(task, artifacts)
        hardware = Hardware.from_dict(task.settings["hardware"])
        _keep(_HARNESSES, name, Harness(model, data, hardware, task.settings["method_seed"]))
    return _HARNESSES[name]


_ADOPTED: dict[str, str] = {}
_IDEALS: dict[int, float] = {}


def _ideal(harness: Harness) -> float:
    if id(harness) not in _IDEALS:
        _IDEALS.clear()
        _IDEALS[id(harness)] = harness.ideal()
    return _IDEALS[id(harness)]


def _keep(cache: dict[str, Any], name: str, value: Any) -> None:
    while len(cache) >= _ROOM:
        cache.pop(next(iter(cache)))
    cache[name] = value
