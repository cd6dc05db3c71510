"""The directive ``settings``: all settings of a network's hardware, with defaults and texts of the dataclasses."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import get_args, get_type_hints

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xbarsim.nn import Hardware
from xbarsim.nonideal.effect_settings import Settings

ENTRY = re.compile(r"^(\w[\w, ]*?)(?: : (.*))?\n((?:    .*\n|\n)*)", re.M)


def attributes(kind: type) -> dict[str, tuple[str, str]]:
    """Return what a class says of its attributes: their form, and a text."""
    _, _, listed = (inspect.cleandoc(kind.__doc__ or "") + "\n").partition("Attributes\n----------\n")
    listed = re.split(r"^\w+\n-+\n", listed, flags=re.M)[0]
    return {
        name.strip(): (form, " ".join(text.split()))
        for names, form, text in ENTRY.findall(listed)
        for name in names.split(",")
    }


def part_of(hint: object) -> type[Settings] | None:
    """Return the class of settings that an annotation names, alone or beside None."""
    for kind in (hint, *get_args(hint)):
        if inspect.isclass(kind) and issubclass(kind, Settings):
            return kind
    return None


def default_of(field: Field) -> str:
    """Return a setting's default as it is written."""
    return "" if field.default is MISSING else f"``{field.default!r}``"


def parts(kind: type[Settings], name: str) -> Iterator[tuple[str, type[Settings]]]:
    """Yield a class of settings, and all below it, with their names."""
    yield name, kind
    hints = get_type_hints(kind)
    for field in fields(kind):
        below = part_of(hints[field.name])
        if below is not None:
            yield from parts(below, f"{name}.{field.name}" if name else field.name)


def rows(kind: type[Settings], name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the settings of one class: name, default, text."""
    hints, told = get_type_hints(kind), attributes(kind)
    for field in fields(kind):
        if part_of(hints[field.name]) is None:
            form, text = told.get(field.name, ("", ""))
            yield f"{name}.{field.name}" if name else field.name, default_of(field), f"{form}. {text}" if form else text


class SettingTables(SphinxDirective):
    """A table for each part of the hardware."""

    def run(self) -> list[nodes.Node]:
        """Return the tables."""
        lines: list[str] = []
        for name, kind in parts(Hardware, ""):
            listed = list(rows(kind, name))
            if listed:
                lines += [
                    f".. rubric:: {kind.__name__}",
                    "",
                    ".. list-table::",
                    "   :header-rows: 1",
                    "   :widths: 25 15 60",
                    "",
                ]
                lines += ["   * - setting", "     - default", "     -"]
            for setting, default, text in listed:
                lines += [f"   * - ``{setting}``", f"     - {default}", f"     - {text}"]
            lines += [""]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("settings", SettingTables)
    return {"parallel_read_safe": True}
