"""What a run of a study would do now, and how long it would take, from what has run before."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xbarsim.study.artifact_files import is_whole
from xbarsim.study.durations import Durations, lasting
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.store import Store
from xbarsim.study.trial import CHIP, Artifact, Trial
from xbarsim.text_table import aligned


@dataclass
class PlannedGroup:
    """Trials of a model and a method, or artifacts of a kind and label.

    Attributes
    ----------
    name : mapping of str to str
        What they have in common.
    total, present, failed, missing : int
        How many there are, have an answer, failed before, and would be made.
    seconds : float
        Of those missing whose time is known, one process alone.
    unknown : int
        Missing ones of which no finished one tells the time.
    """

    name: Mapping[str, Any]
    total: int = 0
    present: int = 0
    failed: int = 0
    missing: int = 0
    seconds: float = 0.0
    unknown: int = 0

    def add_missing(self, seconds: float | None) -> None:
        """Count one that would be made."""
        self.missing += 1
        self.unknown += seconds is None
        self.seconds += seconds or 0.0


@dataclass(frozen=True)
class StudyPlan:
    """What a run would do.

    Attributes
    ----------
    study, store : str
        Its name, and the file of its answers.
    jobs : int
        Processes that it would have.
    trials, artifacts : list of PlannedGroup
        By model and method; by kind and label.
    axes : mapping of str to int
        How many values each axis has.
    """

    study: str
    store: str
    jobs: int
    trials: list[PlannedGroup] = field(default_factory=list)
    artifacts: list[PlannedGroup] = field(default_factory=list)
    axes: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Until all is done; None if any of it is not known."""
        groups = [*self.trials, *self.artifacts]
        return None if any(group.unknown for group in groups) else sum(group.seconds for group in groups) / self.jobs

    def as_json(self) -> str:
        """Return all of it as JSON."""
        record = asdict(self)
        missing = {name: sum(group["missing"] for group in record[name]) for name in ("trials", "artifacts")}
        return json.dumps(record | {"missing": missing, "seconds": self.seconds}, indent=2)

    def as_table(self) -> str:
        """Return text for people."""
        total, missing = (sum(getattr(group, name) for group in self.trials) for name in ("total", "missing"))
        axes = ", ".join(f"{count} of {name}" for name, count in self.axes.items())
        lines = [
            f"{self.study}: {total} trials ({axes}), {missing} to run",
            f"answers: {self.store}",
            "",
            *self._grouped("trials", self.trials),
        ]
        if self.artifacts:
            lines += ["", *self._grouped("made first", self.artifacts)]
        return "\n".join([*lines, "", self._time()])

    def _grouped(self, title: str, groups: Iterable[PlannedGroup]) -> list[str]:
        rows = [(title, "all", "to run", "failed before", "time of one process")]
        for group in groups:
            name = ", ".join(map(str, group.name.values())) or "all"
            rows.append((name, str(group.total), str(group.missing), str(group.failed or "-"), _time_of(group)))
        return aligned(rows, ("<", ">", ">", ">", ">"))

    def _time(self) -> str:
        processes = f"{self.jobs} process{'es' if self.jobs > 1 else ''}"
        groups = [*self.trials, *self.artifacts]
        if not any(group.missing for group in groups):
            return "nothing is to be done"
        seconds = sum(group.seconds for group in groups) / self.jobs
        if self.seconds is not None:
            return f"about {lasting(seconds)} in {processes}, from those that have ended"
        unknown = sum(group.unknown for group in groups)
        if not any(group.missing > group.unknown for group in groups):
            return "how long is not known: nothing like it has ended yet"
        return f"about {lasting(seconds)} in {processes}, and {unknown} of which none like them has ended"


def _time_of(group: PlannedGroup) -> str:
    if not group.missing:
        return "-"
    if group.unknown == group.missing:
        return "not known"
    return lasting(group.seconds) + (f" + {group.unknown} not known" if group.unknown else "")


def plan(study: OpenStudy, *, jobs: int, again: bool = False) -> StudyPlan:
    """Return what a run would do.

    Parameters
    ----------
    study : OpenStudy
        Its store need not be there.
    jobs : int
        Processes that it would have.
    again : bool
        Whether trials that failed are tried again.

    Raises
    ------
    InputError
        The file or the store is no good.
    """
    states: dict[str, str] = {}
    durations, artifact_seconds = Durations({}, {}), dict[tuple[str, str], float]()
    if study.store.exists():
        with Store(study.store, write=False) as store:
            states = store.states()
            durations = _durations(store, study)
            artifact_seconds = {
                (kind, label): seconds
                for kind, label, seconds in store.select(
                    "SELECT kind, label, avg(seconds) FROM artifacts GROUP BY 1, 2"
                )
            }
    trials: dict[tuple[Any, ...], PlannedGroup] = {}
    artifacts: dict[str, Artifact] = {}
    required: set[str] = set()
    for trial in {trial.key: trial for trial in study.trials}.values():
        name = {axis: trial.point[axis] for axis in ("model", "method") if axis in trial.point}
        group = trials.setdefault(tuple(name.values()), PlannedGroup(name))
        state = states.get(trial.key)
        group.total += 1
        group.present += state is not None
        group.failed += state == "failed"
        is_missing = state is None or (again and state == "failed")
        if is_missing:
            group.add_missing(durations.at(trial.point))
        for artifact in _all_artifacts(trial.artifacts):
            artifacts[artifact.key] = artifact
            if is_missing:
                required.add(artifact.key)
    return StudyPlan(
        study.name, str(study.store), jobs, list(trials.values()),
        _planned_artifacts(study, artifacts, required, artifact_seconds), _axes(study.trials),
    )  # fmt: skip


def _durations(store: Store, study: OpenStudy) -> Durations:
    """Return how long trials took: those asked for now, and those of the last run, of whatever code."""
    took = dict(store.select("SELECT key, seconds FROM trials INDEXED BY trial_states WHERE state = 'done'"))
    points = {trial.key: trial.point for trial in study.trials}
    for key, point in store.select("SELECT trial, point FROM points WHERE study = ?", study.name):
        if key not in points and key in took:
            points[key] = json.loads(point)
    return Durations.of((point, 1, took[key]) for key, point in points.items() if key in took)


def _all_artifacts(artifacts: Iterable[Artifact]) -> Iterable[Artifact]:
    for artifact in artifacts:
        yield from _all_artifacts(artifact.needs)
        yield artifact


def _planned_artifacts(
    study: OpenStudy, artifacts: Mapping[str, Artifact], required: set[str], took: Mapping[tuple[str, str], float]
) -> list[PlannedGroup]:
    groups: dict[tuple[str, str], PlannedGroup] = {}
    for key, artifact in artifacts.items():
        label = (artifact.kind, artifact.label)
        group = groups.setdefault(label, PlannedGroup({"label": artifact.label}))
        group.total += 1
        if is_whole(study.artifacts, key):
            group.present += 1
        elif key in required:
            group.add_missing(took.get(label))
    return list(groups.values())


def _axes(trials: Iterable[Trial]) -> dict[str, int]:
    """Return how many values each axis has, models and methods and chips too."""
    pairs = {(name, str(value)) for trial in trials for name, value in trial.point.items()}
    counts = Counter(name for name, _ in pairs)
    first = next(iter(trials), None)
    order = list(first.point) if first is not None else []
    return {("chips" if name == CHIP else name): counts[name] for name in order}
