"""What a worker does, by kind of task; plain data in, plain data out, in whatever process."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from xbarsim.study import circuit_work, network_training, network_work
from xbarsim.study.trial import Task

_WORK: dict[str, Callable[[Task, Mapping[str, bytes]], Any]] = {
    "training": network_training.train,
    "blind": network_work.take_blind_steps,
    "chip": network_work.reduce_chip,
    "inference": network_work.infer,
    "mitigation": network_work.mitigate,
    "margin": circuit_work.margin,
    "netlist": circuit_work.netlist,
}


def perform(task: Task, artifacts: Mapping[str, bytes]) -> Any:
    """Return the numbers of a trial, by name, or the bytes of an artifact.

    A kind with a colon, ``module:function``, is work of somebody's own: the function takes what this one takes.

    Parameters
    ----------
    task : Task
        What to do.
    artifacts : mapping of str to bytes
        What it needs, by key.
    """
    work = _WORK.get(task.kind) or pkgutil.resolve_name(task.kind)
    answer = work(task, artifacts)
    if isinstance(answer, bytes):
        return answer
    return {name: _plain(value) for name, value in answer.items()}


def _plain(value: Any) -> Any:
    """Return a number that JSON has; one that is none is missing."""
    if isinstance(value, str | bool | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
