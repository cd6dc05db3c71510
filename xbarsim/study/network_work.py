"""What a worker does for studies of networks: takes the steps that know no chip, measures a chip."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xbarsim.study.image_sets import image_set
from xbarsim.study.trial import Task, canonical

if TYPE_CHECKING:
    from torch import nn

    from xbarsim.mitigation import Harness
    from xbarsim.nn.datasets import Dataset

Artifacts = Mapping[str, bytes]
"""What a task needs, by key."""


def take_blind_steps(task: Task, artifacts: Artifacts) -> bytes:
    """Return what the first steps of a chain that know no chip come to, as ``Harness.adopt`` takes it."""
    from xbarsim.mitigation import chain

    return pickle.dumps(_rig(task, artifacts).harness.blind_stage(chain(task.settings["method"])))


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

    rig, steps = _rig(task, artifacts), chain(task.settings["method"])
    for key in task.needs:
        if key not in (task.settings["model"].get("training"), rig.adopted):
            rig.harness.adopt(pickle.loads(artifacts[key]))  # what this study's own workers made
            rig.adopted = key
    record = rig.harness.record(steps, task.settings["seed"])
    if rig.ideal is None:
        rig.ideal = rig.harness.ideal()
    numbers = {"accuracy": record.after, "before": record.before, "ideal": rig.ideal}
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
        if layer.row.energy is not None:
            numbers[f"{layer.row.name}.joules"] = layer.row.energy.joules
    if result.energy is not None:
        numbers["joules"] = result.energy.joules
    return numbers


@dataclass(eq=False)
class _Rig:
    """A harness, with what it took last of steps that know no chip, and torch's accuracy once that is asked for."""

    harness: Harness
    adopted: str | None = None
    ideal: float | None = None


_MODELS: dict[str, tuple[nn.Module, Dataset]] = {}
_RIGS: dict[str, _Rig] = {}
_ROOM = 2
"""Networks, and harnesses, that a worker keeps: trials come one setting after the other."""


def _network(task: Task, artifacts: Artifacts) -> tuple[nn.Module, Dataset]:
    return _built(task, task.settings["model"], artifacts, "trained")


def untrained(task: Task) -> tuple[nn.Module, Dataset]:
    """Return a task's network and images, before its training: for looking whether they go together."""
    settings = {name: value for name, value in task.settings["model"].items() if name != "training"}
    return _built(task, settings, {}, "untrained")


def _built(
    task: Task, model: Mapping[str, Any], artifacts: Artifacts, kind: str
) -> tuple[nn.Module, Dataset]:  # fmt: skip
    name = canonical({kind: model, "data": task.settings["data"]})
    if name not in _MODELS:
        _keep(_MODELS, name, _source(model, task, artifacts))
    return _MODELS[name]


def _source(settings: Mapping[str, Any], task: Task, artifacts: Artifacts) -> tuple[nn.Module, Dataset]:
    import torch

    from xbarsim.nn import model_sources, zoo

    record, places = task.settings["data"], task.places
    data = image_set(canonical(record), places.get("data"))
    if "training" not in settings:
        source = model_sources.find(
            settings.get("zoo") or places["source"], data, weights=places.get("weights"),
            width=settings.get("width", 1.0), scaled="mean" in record or "std" in record,
        )  # fmt: skip
        return source.model, source.dataset
    model = zoo.build(settings["zoo"], data.shape, len(data.classes), width=settings["width"])
    model.load_state_dict(torch.load(io.BytesIO(artifacts[settings["training"]]), weights_only=True))
    return model.eval(), data


def _rig(task: Task, artifacts: Artifacts) -> _Rig:
    from xbarsim.mitigation import Harness
    from xbarsim.nn.hardware import Hardware

    parts = ("model", "data", "hardware", "method_seed")
    name = canonical({part: task.settings[part] for part in parts})
    if name not in _RIGS:
        model, data = _network(task, artifacts)
        hardware = Hardware.from_dict(task.settings["hardware"])
        _keep(_RIGS, name, _Rig(Harness(model, data, hardware, task.settings["method_seed"])))
    return _RIGS[name]


def _keep(cache: dict[str, Any], name: str, value: Any) -> None:
    while len(cache) >= _ROOM:
        cache.pop(next(iter(cache)))
    cache[name] = value
