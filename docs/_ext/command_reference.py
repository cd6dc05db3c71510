"""The directive ``commands``: every command of ``xbarsim`` with its help and its options, out of the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xbarsim.cli.command_line import cli


def commands(group: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, each with its whole name."""
    yield name, group
    for below in sorted(getattr(group, "commands", {})):
        yield from commands(group.commands[below], f"{name} {below}")


def parts_of(text: str) -> Iterator[tuple[bool, str]]:
    """Yield a help's paragraphs, and whether each keeps its lines."""
    for part in re.split(r"\n\s*\n", text.strip()):
        kept = part.startswith("\b")
        yield kept, part.lstrip("\b\n") if kept else " ".join(part.split())


def options_of(command: click.Command, name: str) -> list[tuple[str, str]]:
    """Return each option as its help has it: how it is written, and what it does."""
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    return [record for record in records if record]


class Commands(SphinxDirective):
    """A section for each command."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [self.section(name, command) for name, command in commands(cli, "xbarsim")]

    def section(self, name: str, command: click.Command) -> nodes.section:
        """Return a command's help, then its options as a table."""
        section = nodes.section("", nodes.title(name, name), ids=[name.replace(" ", "-")], names=[name])
        usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name)))
        section += nodes.literal_block("", f"{name} {usage}", language="text")
        for kept, part in parts_of(command.help or ""):
            section += nodes.literal_block("", part, language="text") if kept else nodes.paragraph("", part)
        section += table(("option", ""), options_of(command, name))
        self.state.document.note_implicit_target(section, section)
        return section


def table(heading: tuple[str, str], rows: list[tuple[str, str]]) -> nodes.table:
    """Return a table of two columns, the first in type as it is typed."""
    group = nodes.tgroup("", nodes.colspec(colwidth=35), nodes.colspec(colwidth=65), cols=2)
    group += nodes.thead("", row(*(nodes.paragraph("", text) for text in heading)))
    body = nodes.tbody()
    for option, text in rows:
        body += row(nodes.paragraph("", "", nodes.literal(option, option)), nodes.paragraph("", text))
    group += body
    return nodes.table("", group)


def row(*cells: nodes.Node) -> nodes.row:
    """Return a table's row."""
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
