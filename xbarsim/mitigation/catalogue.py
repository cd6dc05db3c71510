"""All methods by name, and how they are asked for: ``name:option=value,...+name``.

A package adds a method by an entry point of the group ``xbarsim.methods``, a program by ``register``.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import fields
from typing import Any

from xbarsim.errors import InputError
from xbarsim.mitigation.bias import BiasTraining
from xbarsim.mitigation.bn import BatchNormTraining
from xbarsim.mitigation.distill import Distillation
from xbarsim.mitigation.fpt import FreeParameterTuning
from xbarsim.mitigation.greedy_rows import GreedyRows
from xbarsim.mitigation.headroom import Headroom
from xbarsim.mitigation.itt_rna import IttRna
from xbarsim.mitigation.layer_gain import LayerGain
from xbarsim.mitigation.match_rows import MatchRows
from xbarsim.mitigation.method import Chain, Method
from xbarsim.mitigation.neuron_permutation import NeuronPermutation
from xbarsim.mitigation.noise import NoiseInjection
from xbarsim.mitigation.output_correction import OutputCorrection
from xbarsim.mitigation.packaged_methods import method_fault, packaged_methods
from xbarsim.mitigation.precompensate import Precompensate
from xbarsim.mitigation.prescale import Prescale
from xbarsim.mitigation.reduce_fix import ReduceFix
from xbarsim.mitigation.retrain import Retraining
from xbarsim.mitigation.row_flip import RowFlip
from xbarsim.mitigation.row_flip_match import RowFlipMatch
from xbarsim.mitigation.rsa import SparseAdaptation
from xbarsim.mitigation.technology_approximate import TechnologyApproximate
from xbarsim.mitigation.technology_closed import TechnologyClosed
from xbarsim.mitigation.technology_exact import TechnologyExact
from xbarsim.mitigation.unmitigated import Unmitigated
from xbarsim.mitigation.vat import Vat
from xbarsim.mitigation.write_verify import VerifiedWrites
from xbarsim.quantities import parse

_METHODS: tuple[type[Method], ...] = (
    Unmitigated,
    Headroom,
    LayerGain,
    OutputCorrection,
    Prescale,
    Precompensate,
    VerifiedWrites,
    GreedyRows,
    MatchRows,
    RowFlip,
    RowFlipMatch,
    NeuronPermutation,
    FreeParameterTuning,
    ReduceFix,
    IttRna,
    Vat,
    BiasTraining,
    BatchNormTraining,
    Retraining,
    NoiseInjection,
    Distillation,
    SparseAdaptation,
    TechnologyClosed,
    TechnologyApproximate,
    TechnologyExact,
)

_SHORTHANDS: dict[str, str] = {
    "bi-retrain": "match-rows+reduce-fix",
    "row-permutation": "match-rows:scope=tile",
    "vortex": "vat+greedy-rows",
}
"""Chains and options that have names of their own."""

_JOINT = ("row-flip", "row-permutation"), "row-flip-match"
"""Steps that are chosen together where one follows the other: by itself the first would choose for other rows."""

_PLUS = re.compile(r"(?<![\d.][eE])\+")
"""Between steps; not that of a number, 1e+3."""

_registered: dict[str, type[Method]] = {}


def methods() -> dict[str, type[Method]]:
    """Return all methods by name; what is wrong with a package's is told by a warning, once, and left out."""
    return {kind.name: kind for kind in _METHODS} | _packaged()[0] | _registered


def _packaged() -> tuple[dict[str, type[Method]], dict[str, str]]:
    return packaged_methods(frozenset([*(kind.name for kind in _METHODS), *_SHORTHANDS]))


def register(kind: type[Method]) -> type[Method]:
    """Add a method to this process's table, under its ``name``, and return it; one that was added before is replaced.

    Parameters
    ----------
    kind : subclass of Method
        The method; its ``name`` is what command lines and files call it.

    Raises
    ------
    InputError
        It is no frozen dataclass of ``Method`` with name, paper and about, or the name is another method's.
    """
    fault = method_fault(kind, getattr(kind, "name", ""))
    if fault is None and (
        kind.name in {method.name for method in _METHODS} | _packaged()[0].keys() | _SHORTHANDS.keys()
    ):
        fault = f"has the name of another method, {kind.name!r}"
    if fault is not None:
        raise InputError(f"{getattr(kind, '__name__', kind)!r} {fault}")
    _registered[kind.name] = kind
    return kind


def shorthands() -> dict[str, str]:
    """Return the chains that have a name of their own, as ``chain`` takes them."""
    return dict(_SHORTHANDS)


def method(name: str, **options: Any) -> Method:
    """Return a method with options.

    Parameters
    ----------
    name : str
        What it is called.
    **options
        Its own, by their names.

    Raises
    ------
    InputError
        There is no such method, it has no such option, or an option is out of its bounds.
    """
    _check_text("method", name)
    kind = methods().get(name)
    if kind is None:
        if name in _packaged()[1]:
            raise InputError(_packaged()[1][name])
        near = difflib.get_close_matches(name.lower(), [*methods(), *_SHORTHANDS], n=1)
        raise InputError(
            f"there is no method {name!r}: " + (f"did you mean {near[0]}?" if near else f"the methods are {_names()}")
        )
    names = [option.name for option in fields(kind)]  # type: ignore[arg-type]
    for option in options:
        if option not in names:
            near = difflib.get_close_matches(option, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names) or 'none'}"
            raise InputError(f"{name} has no option {option!r}: {hint}")
    try:
        return kind(**options)
    except InputError as error:
        raise InputError(str(error).replace(f"{kind.__name__}.", f"{name}:", 1)) from None


def chain(text: str) -> Chain:
    """Return the chain that a text asks for, as ``match-rows:weighting=input,spare=20+gain``.

    Values are JSON, numbers with a scale as ``1k``, or words; several are separated by ``/``. The chain
    ``row-flip+row-permutation`` is one step, ``row-flip-match``, which has the options of both.

    Parameters
    ----------
    text : str
        Methods joined by ``+``, options after a colon.

    Raises
    ------
    InputError
        As ``method`` and ``Chain``.
    """
    _check_text("chain", text)
    steps: list[Method] = []
    for name, colon, words in _parts(text):
        if not name:
            raise InputError(f"{text!r} has a step without a name: give NAME, or NAME+NAME")
        if colon and not words:
            raise InputError(f"{name}: has no options behind its colon: give NAME=VALUE, as headroom:h=2, or no colon")
        if name in _SHORTHANDS:
            steps += _shorthand(name, words if colon else "")
            continue
        steps.append(method(name, **_options(name, words) if colon else {}))
    return Chain(tuple(steps))


def step_names(text: str) -> list[str]:
    """Return the names of the steps that a text asks for, as it has them: chains with a name are one."""
    return [name for name, _, _ in _parts(text)]


def _parts(text: str) -> list[tuple[str, str, str]]:
    """Return name, colon and options of each step of a text."""
    parts = [part.strip().partition(":") for part in _PLUS.split(text)]
    return _joined([(name.strip(), colon, words) for name, colon, words in parts])


def _joined(parts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return the steps of a text, those that are chosen together as one."""
    pair, joint = _JOINT
    steps: list[tuple[str, str, str]] = []
    for name, colon, words in parts:
        if not steps or (steps[-1][0], name) != pair:
            steps.append((name, colon, words))
            continue
        *_, first_words = steps.pop()
        whole = [part for part in (first_words, words) if part]
        first, second = (
            {"scope": "tile"} | (_options(step, part) if part else {})
            for step, part in zip(pair, (first_words, words), strict=True)
        )
        for option in first.keys() & second.keys():
            if first[option] != second[option]:
                raise InputError(f"{'+'.join(pair)} is one step, {joint}: give both the same {option}")
        distinct = dict.fromkeys(word for part in whole for word in part.split(","))
        steps.append((joint, ":" if whole else "", ",".join(distinct)))
    return steps


def _shorthand(name: str, words: str) -> list[Method]:
    """Return the steps of a chain that has a name; options are those of the last step that has such."""
    steps = list(chain(_SHORTHANDS[name]).steps)
    for option, value in (_options(name, words) if words else {}).items():
        places = [k for k, step in enumerate(steps) if option in step.options()]
        k = places[-1] if places else len(steps) - 1
        steps[k] = method(steps[k].name, **{**steps[k].options(), option: value})
    return steps


def _options(name: str, words: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for word in words.split(","):
        option, equals, value = word.partition("=")
        if not equals or not option.strip():
            raise InputError(f"{name}:{word} is no option: give NAME=VALUE, as headroom:h=2")
        if option.strip() in options:
            raise InputError(f"{name}:{word} gives {option.strip()} a second time: give it once")
        options[option.strip()] = _value(value.strip())
    return options


def _value(text: str) -> Any:
    if "/" in text:
        return tuple(_value(part) for part in text.split("/"))
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        try:
            value = parse(text) if text[:1].isdigit() or text[:1] in "+-." or text == "inf" else text
        except InputError as error:
            if "ambiguous" in str(error):
                raise
            return text
    # 1k and 1e3 are counts too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_text(label: str, text: object) -> None:
    if not isinstance(text, str):
        raise InputError(f"{label} is {text!r}: give a name, as 'headroom'")


def _names() -> str:
    return ", ".join([*methods(), *_SHORTHANDS])
