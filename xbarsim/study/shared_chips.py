"""Chips that several trials have in common: their arrays are reduced once, and what comes out is kept.

Trials share one where they differ in what comes before or behind the arrays alone: converters, encoding, how many
images are run. A trial's answer and key are the same with its chip at hand as without.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from xbarsim.study.trial import Artifact, Trial, canonical

_BEYOND_ARRAYS = ("encoding", "dac", "adc")
_CHIP = 1_000_000_000
"""Bytes that the maps of a chip may take."""

_CHIPS = 8_000_000_000
"""Bytes that those of all chips of a study may."""


def with_shared_chips(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials, with a chip among the artifacts of those that share theirs with another.

    Parameters
    ----------
    trials : sequence of Trial
        All of a study, of any kind.
    """
    chips = [_chip(trial) for trial in trials]
    names = [None if chip is None else canonical(chip) for chip in chips]
    # The same trial twice is run once.
    users = Counter({trial.key: name for trial, name in zip(trials, names, strict=True) if name}.values())
    shared = {name for name, count in users.items() if count > 1}
    room = _room(len(shared))
    artifacts: dict[str, Artifact] = {}
    equipped = []
    for trial, chip, name in zip(trials, chips, names, strict=True):
        if chip is None or name is None or name not in shared:
            equipped.append(trial)
            continue
        if name not in artifacts:
            artifacts[name] = Artifact("chip", chip | {"room": room}, "maps of chips", trial.artifacts, trial.places)
        equipped.append(replace(trial, artifacts=(*trial.artifacts, artifacts[name])))
    return equipped


def _room(chips: int) -> int:
    """Return the bytes that each chip's maps may take: a power of ten, so that a study with a few more has the same."""
    room = _CHIP
    while room * chips > _CHIPS:
        room //= 10
    return room


def _chip(trial: Trial) -> dict[str, Any] | None:
    """Return what decides a chip's maps; None where they are made anew each time, or cost no more than to keep."""
    if trial.kind != "inference":
        return None
    settings = trial.settings
    inference = settings["inference"]
    storage = inference.get("map_storage", "weights")
    arrays = _arrays(canonical(settings["hardware"]))
    if arrays is None or storage == "recompute":
        return None
    data = {name: value for name, value in settings["data"].items() if name != "test"}
    return dict(arrays) | {
        "model": settings["model"], "data": data, "seed": settings["seed"], "map_storage": storage,
        "digital": inference.get("digital", []),
    }  # fmt: skip


@cache
def _arrays(hardware: str) -> Mapping[str, Any] | None:
    """Return what of a hardware decides maps, and their forms; None if no circuit is reduced, or anew at each read."""
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.map_archive import map_forms

    whole = Hardware.from_dict(json.loads(hardware))
    wired = whole.fidelity == "accurate" and (whole.wires.word > 0.0 or whole.wires.bit > 0.0)
    if not wired or not whole.law.linear or whole.cells.read_noise is not None or whole.cells.drift is not None:
        return None
    if whole.energy is not None:  # what the sources see comes of the same reductions, and is not kept
        return None
    parts = {name: value for name, value in whole.to_dict().items() if name not in _BEYOND_ARRAYS}
    return {"hardware": parts, "forms": list(map_forms(whole))}
