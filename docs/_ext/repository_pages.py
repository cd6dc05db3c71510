"""Pages as they lie in the repository: what a forge shows by itself, folders and contents, is added for the site.

A link to a folder goes to the page that tells of it; a page that lists others has them below it in the contents.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)\)")

PLACES = {
    "examples": "docs/gallery/index.rst",
    "examples/README.md": "docs/gallery/index.rst",
    "spice_models": "docs/devices.md",
    "validation/papers": "docs/results/README.md",
    "validation/results": "validation/README.md",
    "validation/results/papers": "validation/README.md",
}
"""The page that tells of a folder, or of a file that is no page of the site."""

CHILDREN = {
    "docs/howto": [
        "howto/my_netlist", "howto/my_measurements", "howto/my_fault_map", "howto/my_network",
        "howto/my_aihwkit_model", "howto/my_crosssim_core", "netlists", "devices", "reading", "noise", "settling",
        "transient", "programming", "updates", "nonideal", "networks", "inference", "mitigation", "studies",
        "validation", "coming_from",
    ],
    "docs/mitigation": ["methods/*"],
    "docs/explanation": ["design", "explanation/*", "closed_form"],
    "docs/reference": [
        "reference/cli", "reference/dialect", "reference/hardware", "reference/glossary", "reference/api/index",
    ],
    "docs/reference/api/index": ["*"],
    "docs/results": ["../validation/README", "results/README"],
    "docs/results/README": ["*"],
    "validation/README": ["results/**"],
    "docs/about": ["../README", "../CHANGELOG", "../CONTRIBUTING"],
}  # fmt: skip
"""What stands below a page in the contents. Pages of docs/ that no list names come at the end of the how-tos."""

TOP = ("index", "tour", "howto", "explanation", "reference", "results", "about")
"""Pages that the first page's contents name."""

CONTENTS = "\n\n```{{toctree}}\n:hidden:\n:glob:\n\n{}\n```\n"


def listed(app: Sphinx, page: str) -> list[str]:
    """Return what stands below a page."""
    if page != "docs/howto":
        return CHILDREN[page]
    named = {name for names in CHILDREN.values() for name in names} | set(TOP)
    new = (Path(other).name for other in sorted(app.env.found_docs) if Path(other).parent.as_posix() == "docs")
    return [*CHILDREN[page], *(name for name in new if name not in named)]


def for_the_site(app: Sphinx, page: str, content: list[str]) -> None:
    """Change a page's text, in place, before it is parsed."""
    if app.env.doc2path(page).suffix != ".md":
        return
    root = Path(app.srcdir)
    folder = root.joinpath(page).parent

    def followed(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[1]))
        place = target.relative_to(root).as_posix() if target.is_relative_to(root) else ""
        if place not in PLACES and not target.is_dir():
            return link[0]
        if place not in PLACES:
            logging.getLogger(__name__).warning(
                "no page tells of the folder %s: name it in PLACES", place, location=page
            )
            return link[0]
        return f"]({os.path.relpath(root / PLACES[place], folder)})"

    content[0] = LINK.sub(followed, content[0])
    if page in CHILDREN:
        content[0] += CONTENTS.format("\n".join(listed(app, page)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx when to call this."""
    app.connect("source-read", for_the_site)
    return {"parallel_read_safe": True}
