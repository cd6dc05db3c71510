"""What is looked at before trials of networks run: data, weights, and whether each network goes onto its hardware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.network_work import untrained
from xbarsim.study.study_file import Limits, StudyFile
from xbarsim.study.trial import Trial, canonical


def check(study: StudyFile, trials: Sequence[Trial]) -> None:
    """Check each network on each hardware, with each chain of methods, before any of it is trained.

    Parameters
    ----------
    study : StudyFile
        Whose trials they are.
    trials : sequence of Trial
        Those that are to be run.

    Raises
    ------
    InputError
        One cannot be done; the message says where in the study, and why.
    """
    checked: set[str] = set()
    for trial in trials:
        parts = {name: part for name, part in trial.settings.items() if name != "seed"}
        name = canonical(parts)
        if name in checked:
            continue
        checked.add(name)
        try:
            _check(trial, study.limits)
        except InputError as error:
            where = ", ".join(f"{axis} {value}" for axis, value in trial.point.items() if axis != "chip")
            place = study.table.place
            raise InputError(f"{place}: at {where}: {error}" if where else f"{place}: {error}") from None


def _check(trial: Trial, limits: Limits) -> None:
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.inference import checked_times, on_hardware
    from xbarsim.nn.planning import footprint_of

    settings: dict[str, Any] = dict(trial.settings)
    model, data = untrained(trial.task)
    hardware = Hardware.from_dict(settings["hardware"])
    if trial.kind == "mitigation":
        if hardware.energy is not None:
            raise InputError("energy changes nothing where methods are tried: leave it, or the methods, out")
        from xbarsim.mitigation import Harness, chain

        Harness(model, data, hardware, settings["method_seed"]).check([chain(settings["method"])])
        return
    options = settings["inference"]
    digital = options.get("digital", ())
    on_hardware(model, hardware, digital=digital)
    checked_times(hardware, options.get("times", ()), options.get("compensate", False))
    batch, storage = options.get("batch", 64), options.get("map_storage", "weights")
    footprint_of(model, data, hardware, digital=digital, batch=batch, map_storage=storage, memory=limits.memory).check()
