"""What ``xbarsim mitigate --list`` prints: all methods, what they need, and their options."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from textwrap import wrap
from typing import Any

from xbarsim.errors import InputError
from xbarsim.mitigation.catalogue import chain, methods, shorthands
from xbarsim.mitigation.method import Method, option_word
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.study_report import json_options
from xbarsim.text_table import aligned, comma_separated

SCHEMA = 1

_LINE = 92  # letters of a text beside the names
_COLUMNS = ("<18", "<")


@dataclass(frozen=True)
class ListedMethod:
    """A method, or a chain that has a name of its own.

    Attributes
    ----------
    name, about, paper : str
        As the method says.
    chain : str
        What the name stands for; the name itself of a method.
    needs : sequence of Needs
        Of each step, with default options.
    options : mapping
        Defaults by name; of a chain, those of the last step that has such.
    """

    name: str
    about: str
    paper: str
    chain: str
    needs: tuple[Needs, ...]
    options: Mapping[str, Any]

    def level(self, need: str) -> str:
        """Return the highest level of a need among the steps."""
        levels = [getattr(needs, need) for needs in self.needs]
        return str(max(levels, key=_ORDER[need].index, default="?"))

    @property
    def conditions(self) -> list[str]:
        """What networks and hardware it takes, in words."""
        words = {
            "batchnorm": "a network with BatchNorm",
            "binary": "weights of +1 and -1",
            "gradient": "no converters that round",
            "whole": "no recurrent layers and no attention",
        }
        layers = [text for level, text in _LAYERS.items() if any(needs.layers == level for needs in self.needs)]
        return layers[-1:] + [text for need, text in words.items() if any(getattr(needs, need) for needs in self.needs)]


_LAYERS = {"dense": "fully connected layers", "single": "one fully connected layer"}
_ORDER = {
    "data": ("none", "images", "labels"),
    "knows": ("hardware", "faults", "maps"),
    "chip": ("none", "forward", "write"),
}


@dataclass(frozen=True)
class MethodList:
    """All of them."""

    methods: tuple[ListedMethod, ...]

    @staticmethod
    def of_catalogue() -> MethodList:
        """Return what there is: methods, then chains with names."""
        listed = [_of_method(kind) for kind in methods().values()]
        return MethodList((*listed, *(_of_shorthand(name, text) for name, text in shorthands().items())))

    def as_table(self) -> str:
        """Return a block for each."""
        lines: list[str] = []
        for method in self.methods:
            needs = ", ".join(f"{need} {method.level(need)}" for need in _ORDER)
            rows = [(method.name, method.about), ("", f"needs: {', '.join([needs, *method.conditions])}")]
            if method.chain != method.name:
                rows.append(("", f"is: {method.chain}"))
            if method.options:
                words = (f"{name}={option_word(value)}" for name, value in method.options.items())
                rows.append(("", f"options: {', '.join(words)}"))
            rows.append(("", f"source: {method.paper}"))
            pieces = [(name, wrap(text, _LINE, subsequent_indent="  ")) for name, text in rows]
            lines += aligned(
                [("" if k else name, part) for name, parts in pieces for k, part in enumerate(parts)], _COLUMNS
            )
        return "\n".join([*lines, "", "chains: --method A+B:option=value,option=value; several values a/b/c"])

    def as_json(self) -> str:
        """Return all of it."""
        listed = [
            {
                "name": method.name,
                "about": method.about,
                "paper": method.paper,
                "chain": method.chain,
                "needs": {need: method.level(need) for need in _ORDER},
                "steps": [asdict(needs) for needs in method.needs],
                "options": json_options(method.options),
            }
            for method in self.methods
        ]
        return json.dumps({"schema": SCHEMA, "methods": listed}, indent=2, allow_nan=False)

    def as_csv(self) -> str:
        """Return a row for each."""
        rows = [
            (method.name, method.chain, *map(method.level, _ORDER), method.about, method.paper)
            for method in self.methods
        ]
        return comma_separated([("name", "chain", *_ORDER, "about", "paper"), *rows])

    def as_numbers(self) -> str:
        """Return the names."""
        return "\n".join(method.name for method in self.methods)


def _of_method(kind: type[Method]) -> ListedMethod:
    try:
        needs: tuple[Needs, ...] = (kind().needs,)
    except (InputError, TypeError):  # an option without a default
        needs = ()
    return ListedMethod(kind.name, kind.about, kind.paper, kind.name, needs, dict(_defaults(kind)))


def _of_shorthand(name: str, text: str) -> ListedMethod:
    steps = chain(text).steps
    about = "; then ".join(step.about for step in steps)
    papers = "; ".join(dict.fromkeys(step.paper for step in steps))
    options = {option: value for step in steps for option, value in step.options().items()}
    return ListedMethod(name, about, papers, text, tuple(step.needs for step in steps), options)


def _defaults(kind: type[Method]) -> Iterator[tuple[str, Any]]:
    for option in fields(kind):  # type: ignore[arg-type]
        if option.default_factory is not MISSING:
            yield option.name, option.default_factory()
        else:
            yield option.name, "required" if option.default is MISSING else option.default
