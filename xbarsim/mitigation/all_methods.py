"""Every method that the catalogue has for a network on its hardware, and why others are none for it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.catalogue import chain, methods, shorthands, step_names
from xbarsim.mitigation.comparison import BASELINES
from xbarsim.mitigation.harness import BASELINE, Harness
from xbarsim.mitigation.method import Chain
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.hardware import Hardware


@dataclass(frozen=True)
class Offer:
    """What can be tried.

    Attributes
    ----------
    chains : mapping of str to Chain
        By what they are called: baselines first, then methods, then chains that have names.
    left_out : mapping of str to str
        By name, why a method is not among them.
    """

    chains: Mapping[str, Chain] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def all_methods(
    model: nn.Module,
    dataset: Dataset,
    variants: Sequence[Hardware],
    requested: Mapping[str, Chain] | None = None,
    without: Collection[str] = (),
) -> Offer:
    """Return every method of the catalogue that goes with a network, its data and its hardware, with its defaults.

    Parameters
    ----------
    model, dataset : Module and Dataset
        The network, and what it is tried on, with a validation split.
    variants : sequence of Hardware
        All that it is to run on.
    requested : mapping of str to Chain, optional
        Rows that were asked for, by how: they take the place of the methods that they name, with other options, and
        are there beside the others. A chain of several steps takes nobody's place.
    without : collection of str
        Names of methods that are not to be tried.

    Raises
    ------
    InputError
        There is no method of a name in ``without``.
    """
    requested = requested or {}
    names = [name for name in (*methods(), *shorthands()) if name != BASELINE.label]
    for name in without:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the methods are {', '.join(names)}"
            raise InputError(f"there is no method {name!r} to leave out: {hint}")
    harnesses = [Harness(model, dataset, hardware) for hardware in variants]
    steps = map(step_names, requested)
    replaced = {name for name, *later in steps if not later}
    rows, left_out = dict(requested), {}
    labels = {row.label for row in requested.values()}
    for name in sorted(names, key=lambda name: BASELINES.index(name) if name in BASELINES else len(BASELINES)):
        if name in replaced:
            continue
        if name in without:
            left_out[name] = "left out by the command"
            continue
        reason = _reason(name, harnesses)
        if reason is not None:
            left_out[name] = reason
        elif chain(name).label not in labels:
            rows[name] = chain(name)
    first = {name: rows[name] for name in BASELINES if name in rows}
    return Offer(first | rows, left_out)


def _reason(name: str, harnesses: Sequence[Harness]) -> str | None:
    """Return why a method cannot be tried; None: it can."""
    try:
        row = chain(name)
    except TypeError as error:  # an option without a default
        return f"{error}: give --method {name}:OPTION=VALUE"
    except InputError as error:
        return str(error)
    for harness in harnesses:
        try:
            harness.check([row])
        except InputError as error:
            return str(error)
    return None
