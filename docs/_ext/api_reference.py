"""The directive ``{api} xbarsim.noise``: a package's own docstring, and all of its public names."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from types import ModuleType

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

ERRORS = "xbarsim.errors"


def is_guest(value: object, package: str) -> bool:
    """Whether a name is an error that only passes through this package: it has a page of its own."""
    return package != ERRORS and getattr(value, "__module__", None) == ERRORS


def unlink_words(tree: nodes.Node) -> None:
    """Take the links off plain words in types: "mapping of side to cells" names no method ``cells``."""
    for link in list(tree.findall(addnodes.pending_xref)):
        if link.get("refspecific") and link["reftarget"].islower() and "." not in link["reftarget"]:
            link.replace_self(link.children)


def directive_of(value: object) -> str:
    """Return autodoc's directive for a public name's value."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if callable(value) else "py:data"


def documentation_of(package: str, name: str) -> str:
    """Return the text below a name's assignment, in whichever file of the package that is."""
    for module in [name for name in sys.modules if name.startswith(package)]:
        try:
            documented = ModuleAnalyzer.for_module(module).find_attr_docs()
        except PycodeError:
            continue
        if ("", name) in documented:
            return " ".join(documented["", name]).strip()
    return ""


def public_names(module: ModuleType) -> list[str]:
    """Return a module's ``__all__``; without one, the classes and functions that it defines."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def members_of_bases(kind: type) -> list[str]:
    """Return the option by which a class shows what it has from bases of ours that are on no page; nothing without any.

    Parameters
    ----------
    kind : type
        The class; bases that are public, and those of other libraries, have pages of their own.
    """
    bases = kind.__mro__[1:]
    hidden = [base for base in bases if base.__module__.startswith("xbarsim.") and not is_public(base)]
    listed = [base.__name__ for base in bases if base not in hidden]
    return [f"   :inherited-members: {', '.join(listed)}"] if hidden else []


def is_public(kind: type) -> bool:
    """Return whether a class's package names it."""
    package = import_module(kind.__module__.rpartition(".")[0])
    return kind.__name__ in getattr(package, "__all__", [])


class Api(SphinxDirective):
    """A package's docstring and its names: all of ``__all__``, or those that the content lists, one a line."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of each name."""
        package = import_module(self.arguments[0])
        names = [line.strip() for line in self.content if line.strip()] or public_names(package)
        lines = [f".. automodule:: {package.__name__}", "   :no-members:", ""]
        for name in sorted(set(names), key=str.casefold):
            value = getattr(package, name)
            if name.startswith("__") or is_guest(value, package.__name__):
                continue
            kind = directive_of(value)
            lines += [f".. {kind}:: {package.__name__}.{name}"]
            if kind == "py:data":
                lines += ["", f"   {documentation_of(package.__name__, name) or f'``{value!r}``'}"]
            elif inspect.isclass(value):
                lines += ["   :members:", *members_of_bases(value)]
            lines += ["", f".. minigallery:: {package.__name__}.{name}", ""]
        tree = self.parse_text_to_nodes("\n".join(lines))
        for node in tree:
            unlink_words(node)
        return tree


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("api", Api)
    return {"parallel_read_safe": True}
