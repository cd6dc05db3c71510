"""How many public classes, functions and methods of a folder have a docstring, and how many list their arguments.

``python docs/_ext/count_docstrings.py FOLDER [SKIP ...]``
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

LISTED = re.compile(r"Args|Parameters|:param")


def count(nodes: Iterable[ast.AST], counts: Counter[str]) -> None:
    """Count public definitions, those inside classes too."""
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        counts["names"] += 1
        counts["with docstring"] += bool(text)
        if isinstance(node, ast.ClassDef):
            count(node.body, counts)
        elif any(argument.arg not in ("self", "cls") for argument in (*node.args.args, *node.args.kwonlyargs)):
            counts["with arguments"] += 1
            counts["that list them"] += bool(LISTED.search(text))


def main(folder: Path, skip: list[str]) -> None:
    """Print the counts of all files that are no tests."""
    counts = Counter[str]()
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder).as_posix()
        if "test" not in place and not any(part in place for part in skip):
            count(ast.parse(path.read_text("utf-8", "replace")).body, counts)
    sys.stdout.write("".join(f"{number:6} {name}\n" for name, number in counts.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
