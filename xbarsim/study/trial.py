"""One trial: everything that decides its answer, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xbarsim.study.code_version import code_version, packaged_versions

CHIP = "chip"
"""The axis over which numbers are put together."""


class _KnownByContent:
    """What trials and artifacts have in common: a name that follows from what decides them, and work to be done."""

    kind: str
    settings: Mapping[str, Any]
    places: Mapping[str, str]

    @cached_property
    def key(self) -> str:
        """The SHA-256 of settings and of the code that answers: the same question has the same key everywhere."""
        return content_key(self.kind, self.settings)

    @cached_property
    def task(self) -> Task:
        """What a worker has to do for it."""
        needs = tuple(artifact.key for artifact in self._required())
        return Task(self.kind, self.settings, needs, self.key, self.places)

    def _required(self) -> tuple[Artifact, ...]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Trial(_KnownByContent):
    """A question with one answer.

    Attributes
    ----------
    kind : str
        ``inference``, ``mitigation``, ``margin`` or ``netlist``.
    settings : mapping
        All that decides the answer, as JSON has it.
    point : mapping of str to value
        Where it stands in its study: the value on each axis, for tables and pictures; no part of the question.
    artifacts : tuple of Artifact
        What must be made first, each after those before it.
    places : mapping of str to str
        Where on this machine files are whose content is in the settings.
    """

    kind: str
    settings: Mapping[str, Any]
    point: Mapping[str, Any]
    artifacts: tuple[Artifact, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    def _required(self) -> tuple[Artifact, ...]:
        return self.artifacts


@dataclass(frozen=True, eq=False)
class Artifact(_KnownByContent):
    """Bytes that several trials need: a trained network, what a method that knows no chip makes of one, a chip's maps.

    Attributes
    ----------
    kind : str
        ``training``, ``blind`` or ``chip``.
    settings : mapping
        All that decides the bytes, as JSON has it.
    label : str
        What it is, for progress.
    needs : tuple of Artifact
        What must be made before.
    places : mapping of str to str
        As a trial's.
    """

    kind: str
    settings: Mapping[str, Any]
    label: str
    needs: tuple[Artifact, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    def _required(self) -> tuple[Artifact, ...]:
        return self.needs


@dataclass(frozen=True, eq=False)
class Task:
    """Work for a process: plain data, so that it travels to any.

    Attributes
    ----------
    kind : str
        A trial's or an artifact's.
    settings : mapping
        All that decides what comes out.
    needs : tuple of str
        Keys of artifacts that must be at hand.
    key : str
        Its own.
    places : mapping of str to str
        As a trial's.
    """

    kind: str
    settings: Mapping[str, Any]
    needs: tuple[str, ...]
    key: str
    places: Mapping[str, str] = field(default_factory=dict)


def content_key(kind: str, settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings in their canonical form, and of the code that goes with their kind and names."""
    question = {"kind": kind, "code": code_version(kind), "settings": settings}
    packaged = packaged_versions(settings)
    text = canonical(question | {"packages": packaged} if packaged else question)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return JSON in one form: names in order, no spaces, ``1.0`` as ``1``, infinity as a word."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0.0 else "-inf"
        # TOML and Python tell 1 and 1.0 apart, an array of 1 ohm does not.
        return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    return [_plain(part) for part in value]
