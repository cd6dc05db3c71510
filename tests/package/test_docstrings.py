"""Every public name says what it takes, in which shape and unit, what it gives, and what it raises."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from enum import Enum
from typing import NamedTuple

import pytest
from cli_tools import ROOT
from numpy.typing import ArrayLike

from xbarsim.devices import models
from xbarsim.errors import InputError

pytest.importorskip("torch")

from xbarsim.mitigation import methods

DIRECTIVE = re.compile(r"^\.\. api:: ([\w.]+)\n((?:\n|   .*\n)*)", re.M)
PAGES = sorted((ROOT / "docs" / "reference" / "api").glob("*.md"))
PUBLIC = (
    "xbarsim", "xbarsim.devices", "xbarsim.energy", "xbarsim.interop", "xbarsim.loop", "xbarsim.margin",
    "xbarsim.measured", "xbarsim.mitigation",
    "xbarsim.netlist", "xbarsim.nn", "xbarsim.noise", "xbarsim.nonideal", "xbarsim.plot",
    "xbarsim.programming", "xbarsim.schemes",
    "xbarsim.settling", "xbarsim.spice", "xbarsim.study", "xbarsim.topologies", "xbarsim.transient", "xbarsim.validate",
)  # fmt: skip
"""Packages whose every name users may rely on."""

ARRAYS = re.compile(r"\b(ArrayLike|Array|ndarray)\b")
LIKE = r"|\bAs (of|for|those) "
"""Told elsewhere."""
UNITS = re.compile(
    r"\b(volts?|V|amperes?|A|ohms?|siemens|S|seconds?|s|farads?|watts?|joules?|kelvin|hertz|states?|metres"
    r"|bits?|counts?|numbers?|indices|index|shares?|weights?|images?|pixels|masks?|cells?|lines?|factor|Fault|bool)\b"
    r"|1/V|1/K|\beV\b|\bexponent|\bsteep" + LIKE,
    re.I,
)
SHAPES = re.compile(
    r"\(.*\b(rows|cols|batch|lines|count|outputs|inputs|points|tiles)\b.*\)|scalar|shape|one for each|_like"
    r"|\(.*,.*\)" + LIKE
)
SECTION = re.compile(r"^(\w+(?: \w+)?)\n-{3,}\n", re.M)
ENTRY = re.compile(r"^(\**\w[\w.*]*(?:, \**\w+)*)(?: : (.*))?\n((?:    .*\n|\n)*)", re.M)


class Entry(NamedTuple):
    """What a docstring says of a parameter or an attribute."""

    kind: str
    text: str


class Subject(NamedTuple):
    """A public function, class or method; ``overridden`` are the methods, or base classes, that it goes back to."""

    name: str
    value: object
    overridden: tuple[object, ...] = ()


def sections(text: str) -> list[tuple[str, str]]:
    """Return the sections of numpy-style docstrings; what stands before them is under no name."""
    parts = SECTION.split(text + "\n")
    return [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def entries(text: str) -> dict[str, Entry]:
    """Return what docstrings list under Parameters and Attributes, that of a base class where no other does."""
    listed: dict[str, Entry] = {}
    for title, body in sections(text):
        if title in ("Parameters", "Attributes", "Other Parameters"):
            for names, kind, about in ENTRY.findall(body + "\n"):
                for name in names.split(","):
                    listed.setdefault(name.strip("* "), Entry(kind, about))
    return listed


def documented() -> dict[str, object]:
    """Return all names on the pages of the reference."""
    names = {}
    for page in PAGES:
        for package, listed in DIRECTIVE.findall(page.read_text("utf-8")):
            module = importlib.import_module(package)
            chosen = listed.split() or getattr(module, "__all__", None) or own_names(module)
            names |= {f"{package}.{name}": getattr(module, name) for name in chosen if not name.startswith("__")}
    return names


def own_names(module) -> list[str]:
    """Return the classes and functions that a module without ``__all__`` defines."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def is_ours(value: object) -> bool:
    """Whether a class or function is defined in this package."""
    return (getattr(value, "__module__", None) or "").startswith("xbarsim")


def subjects() -> list[Subject]:
    """Return all public functions and classes, and the public methods that they define or have from bases of ours."""
    listed: dict[str, Subject] = {}
    for name, value in documented().items():
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        bases = [base for base in getattr(value, "__mro__", ()) if is_ours(base)]
        listed[name] = Subject(name, value, tuple(bases[1:]))
        for at, base in enumerate(bases):
            for key, member in vars(base).items():
                if not key.startswith("_") and isinstance(member, FUNCTIONS) and not base.__name__.startswith("_"):
                    over = tuple(vars(other)[key] for other in bases[at + 1 :] if key in vars(other))
                    name = f"{base.__module__}.{base.__qualname__}.{key}"
                    listed.setdefault(name, Subject(name, member, over))
    return sorted(listed.values(), key=lambda subject: subject.name)


FUNCTIONS = (type(lambda: 0), property, classmethod, staticmethod)


def function_of(value: object) -> object:
    """Return the function below a property, a class method or a class."""
    if isinstance(value, property):
        return value.fget
    if isinstance(value, classmethod | staticmethod):
        return value.__func__
    return value


def doc_of(subject: Subject) -> str:
    """Return a subject's docstring, and those of what it goes back to."""
    values = (subject.value, *subject.overridden)
    return "\n\n".join(filter(None, (inspect.cleandoc(function_of(value).__doc__ or "") for value in values)))


def parameters_of(subject: Subject) -> dict[str, inspect.Parameter]:
    """Return what a call takes; nothing of what others call: enumerations, protocols, torch's ``forward``."""
    value = subject.value
    if isinstance(value, property) or subject.name.endswith(".forward"):
        return {}
    if inspect.isclass(value) and (issubclass(value, Enum) or getattr(value, "_is_protocol", False)):
        return {}
    if inspect.isclass(value) and issubclass(value, BaseException) and "__init__" not in vars(value):
        return {}
    passed = inspect.signature(function_of(value)).parameters
    return {
        name: parameter
        for name, parameter in passed.items()
        if name not in ("self", "cls")
        and not name.startswith("_")
        and parameter.kind is not parameter.VAR_POSITIONAL
        and not (inspect.isclass(value) and issubclass(value, BaseException) and name == "message")
    }


def raised_by(subject: Subject) -> set[str]:
    """Return the exceptions that a function's own lines raise; of a class those of its construction."""
    value = subject.value
    if getattr(value, "_is_protocol", False):
        return set()
    functions = (
        [vars(value)[name] for name in ("__init__", "__post_init__") if name in vars(value)]
        if inspect.isclass(value)
        else [function_of(value)]
    )
    names = set()
    for function in functions:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                names.add(ast.unparse(node.exc.func).rpartition(".")[2])
    return {name for name in names if name.endswith("Error") and name not in ("NotImplementedError", "AttributeError")}


def problems(subject: Subject) -> list[str]:
    """Return what a subject's docstring lacks."""
    text = doc_of(subject)
    if not text:
        return ["no docstring"]
    is_method = "." in getattr(function_of(subject.value), "__qualname__", "")
    lacking = []
    listed, below = entries(text), [title for title, _ in sections(text)]
    if inspect.isclass(subject.value) and dataclasses.is_dataclass(subject.value):
        fields = {f.name for f in dataclasses.fields(subject.value) if not f.name.startswith("_")}
    else:
        fields = set()
    for name, parameter in parameters_of(subject).items():
        if name in listed:
            entry = listed[name]
            if ARRAYS.search(str(parameter.annotation)):
                about = f"{entry.kind} {entry.text}"
                lacking += [] if UNITS.search(about) else [f"{name}: no unit"]
                lacking += [] if SHAPES.search(about) else [f"{name}: no shape"]
        elif is_method and (re.search(rf"\b{name}\b", text) or not ARRAYS.search(str(parameter.annotation))):
            pass  # of methods what is an array must be told; the rest mostly has the class's words
        elif len(parameters_of(subject)) == 1:
            pass
        elif not (fields and name not in fields):
            lacking.append(f"{name} is not listed")
    if not inspect.isclass(subject.value) and not isinstance(subject.value, property):
        annotation = inspect.signature(function_of(subject.value)).return_annotation
        gives = annotation not in (None, "None", "Self", "NoReturn", inspect.Signature.empty)
        if (
            gives
            and "Returns" not in below
            and "Yields" not in below
            and not re.search(r"\b([Rr]eturn|Yield|Whether|Read)", text)
        ):
            lacking.append("says not what it returns")
    lacking += [f"raises {name}" for name in sorted(raised_by(subject)) if name not in text and "aises as" not in text]
    return lacking


def test_every_public_name_is_on_a_page():
    """Devices have a page of their own, and errors; a name that two packages have is on one of them."""
    values = list(documented().values())
    for package in PUBLIC:
        module = importlib.import_module(package)
        missing = [
            name
            for name in module.__all__
            if not name.startswith("__") and not any(getattr(module, name) is value for value in values)
        ]
        assert missing == [], f"{package}: name them in docs/reference/api"


@pytest.mark.slow
def test_most_functions_and_methods_list_their_arguments():
    """What docs/explanation/documentation.md says of them: those that take something, with docstrings of bases."""
    listing = [
        bool({title for title, _ in sections(doc_of(subject))} & {"Parameters", "Attributes"})
        for subject in subjects()
        if not inspect.isclass(subject.value) and not isinstance(subject.value, property)
        if set(inspect.signature(function_of(subject.value)).parameters) - {"self", "cls"}
    ]
    assert len(listing) > 380
    assert sum(listing) / len(listing) > 0.82


@pytest.mark.slow
def test_docstrings_are_whole():
    lacking = {subject.name: problems(subject) for subject in subjects()}
    assert {name: what for name, what in lacking.items() if what} == {}
    assert len(lacking) > 600


YEAR = re.compile(r"\b(?:19|20)\d\d\b")
OHMS_LAW = ("linear",)
SERIES = ("selector",)
"""Nothing but two laws in series."""
YOUR_OWN = ("law", "verilog_a", "dynamic_law", "dynamic_verilog_a")


def test_a_model_has_its_equation_and_its_source():
    for name, model in models().items():
        text = inspect.cleandoc(model.__doc__ or "")
        assert "=" in text or name in YOUR_OWN, name
        assert YEAR.search(text) or name in (*OHMS_LAW, *SERIES, *YOUR_OWN), name


def test_a_method_has_its_source_or_says_that_there_is_none():
    """Its equations are on its page, which :file:`tests/mitigation` asks for."""
    for name, kind in methods().items():
        assert kind.paper.strip(), name


def sample(volts: ArrayLike, ohms: float, name: str) -> float:
    """Return something.

    Parameters
    ----------
    volts : thing
        What is there.
    name : str
        A name.

    Raises
    ------
    InputError
        ``volts`` is wrong.
    """
    if name:
        raise LookupError("no")
    raise InputError("no")


def test_the_check_sees_what_is_missing():
    expected = ["volts: no unit", "volts: no shape", "ohms is not listed", "raises LookupError"]
    assert problems(Subject("sample", sample)) == expected
