"""Which pages of results are older than the code that they measure.

    python validation/stale.py            # all of them
    python validation/stale.py speed.md bank/validation.md

A page is stale where a file that it measures is another than at the page's commit: other statements, not only other
comments, docstrings, imports or another folder; what draws pictures is not measured. Exit code 1 where a page is stale,
2 where git cannot say.
"""

from __future__ import annotations

import argparse
import ast
import functools

import provenance

ARRAYS = ("kernels", "xbarsim/solvers")
NETLISTS = (*ARRAYS, "xbarsim/analysis", "xbarsim/mna", "xbarsim/netlist", "xbarsim/nonlinear")
NETWORKS = (*ARRAYS, "xbarsim/nn")
MITIGATION = ("xbarsim/mitigation", "xbarsim/nn", "xbarsim/nonideal")
SUBJECTS: dict[str, tuple[str, ...]] = {
    "access.md": NETLISTS,
    "accuracy.md": ARRAYS,
    "bank/validation.md": (*NETLISTS, "xbarsim/devices", "xbarsim/validate"),
    "bank-large/validation.md": (*NETLISTS, "xbarsim/devices", "xbarsim/validate"),
    "bank-time/validation.md": (*NETLISTS, "xbarsim/devices", "xbarsim/transient", "xbarsim/validate"),
    "bank-vacask/validation.md": (*NETLISTS, "xbarsim/devices", "xbarsim/validate"),
    "built.md": (*NETLISTS, "xbarsim/topologies"),
    "differential.md": NETLISTS,
    "elements.md": NETLISTS,
    "energy.md": (*NETWORKS, "xbarsim/energy"),
    "expressions.md": ("xbarsim/netlist",),
    "extremes.md": ("kernels", "xbarsim/mna"),
    "fuzz.md": (*NETLISTS, "xbarsim/cli"),
    "gains.md": NETWORKS,
    "large_maps.md": ARRAYS,
    "large_networks.md": (*NETWORKS, "xbarsim/nonideal"),
    "layers.md": (*NETWORKS, "xbarsim/nonideal"),
    "loop_poles.md": (*NETLISTS, "xbarsim/dynamics", "xbarsim/loop"),
    "loops.md": (*NETLISTS, "xbarsim/loop"),
    "maps.md": NETWORKS,
    "neighbours.md": NETLISTS,
    "netlists.md": NETLISTS,
    "networks.md": NETWORKS,
    "noise.md": (*ARRAYS, "xbarsim/noise"),
    "nonlinear.md": (*ARRAYS, "xbarsim/devices"),
    "nonlinear_gradients.md": (*ARRAYS, "xbarsim/devices"),
    "ordering.md": ("kernels", "xbarsim/mna"),
    "papers/a_cells.md": MITIGATION,
    "papers/a_clusters.md": MITIGATION,
    "papers/a_readings.md": MITIGATION,
    "papers/b_writes.md": MITIGATION,
    "papers/c_rsa.md": MITIGATION,
    "papers/c_writing.md": MITIGATION,
    "papers/e_cnn.md": (*ARRAYS, *MITIGATION),
    "papers/e_ends.md": (*ARRAYS, *MITIGATION),
    "papers/e_training.md": (*ARRAYS, *MITIGATION),
    "papers/e_wires.md": (*ARRAYS, *MITIGATION),
    "papers/precompensate.md": (*ARRAYS, *MITIGATION),
    "papers/side_by_side_bnn.md": (*ARRAYS, *MITIGATION),
    "papers/side_by_side_lenet.md": (*ARRAYS, *MITIGATION),
    "papers/side_by_side_mlp.md": (*ARRAYS, *MITIGATION),
    "peers.md": (*ARRAYS, "xbarsim/conventions", "xbarsim/interop"),
    "programming_speed.md": (*ARRAYS, "xbarsim/programming", "xbarsim/transient", "xbarsim/devices"),
    "settling.md": (*ARRAYS, "xbarsim/settling", "xbarsim/transient"),
    "speed.md": (*NETLISTS, "xbarsim/cli", "xbarsim/devices"),
    "startup.md": (*NETLISTS, "xbarsim/cli"),
    "states.md": NETLISTS,
    "sweeps.md": NETLISTS,
    "transient_speed.md": (*NETLISTS, "xbarsim/transient", "xbarsim/dynamics", "xbarsim/devices"),
    "transient_netlists.md": (*NETLISTS, "xbarsim/dynamics"),
    "updates.md": ARRAYS,
    "vectors.md": ARRAYS,
    "weak_ends.md": (*ARRAYS, "xbarsim/devices"),
    "writes.md": (*ARRAYS, "xbarsim/transient", "xbarsim/devices"),
}
"""What each page measures: folders of the package; the command's own file is not among them."""

DRAWS = ("_picture.py", "_panel.py", "analysis/pictures.py", "analysis/drawings.py")

NAMES_PRINTED = 4


class UnknownCommitError(Exception):
    """A page's commit is not in this repository."""


def changes(commit: str, folders: tuple[str, ...]) -> list[str]:
    """Return the files in some folders whose statements are others now than at a commit.

    Raises
    ------
    UnknownCommitError
        The commit is not here.
    """
    # Moved files are found among all of the package's: the folders may be younger than the commit.
    table = provenance.git("diff", "--raw", "--no-abbrev", "--find-renames=30%", commit, "--", "kernels", "xbarsim")
    if table is None:
        raise UnknownCommitError(commit)
    paths = []
    for line in table.splitlines():
        facts, *names = line.split("\t")
        if names[-1].startswith(tuple(f"{folder}/" for folder in folders)) and not names[-1].endswith(DRAWS):
            _, _, before, _, status = facts.split()
            if status[0] == "D" or _code(_blob(before), names[-1]) != _code(_file(names[-1]), names[-1]):
                paths.append(names[-1])
    return paths


@functools.cache
def _blob(name: str) -> str:
    """Return a file as git keeps it; nothing for the name of 0s, where a file is new."""
    return (provenance.git("cat-file", "blob", name) or "") if name.strip("0") else ""


@functools.cache
def _file(path: str) -> str:
    return (provenance.ROOT / path).read_text("utf-8")


@functools.cache
def _code(text: str, path: str) -> str:
    """Return the statements of a Python file without docstrings and imports; any other file as it is."""
    if not path.endswith(".py"):
        return text.strip()
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_idle(statement)]
    return ast.dump(tree)


def _is_idle(statement: ast.stmt) -> bool:
    """Tell whether a statement is an import or a docstring."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def verdict(page: str, text: str) -> tuple[str, int]:
    """Return what is to be said of a page, and the exit code that this is worth."""
    commit = provenance.commit_of(provenance.origin_of(text))
    try:
        paths = changes(commit, SUBJECTS[page])
    except UnknownCommitError:
        return f"cannot say: commit {commit} is not here (no clone, a shallow one, or the commit was rewritten)", 2
    if not paths:
        return f"up to date, measured at {commit}", 0
    count = provenance.git("rev-list", "--count", f"{commit}..HEAD", "--", *paths)
    kernels = sum(path.startswith("kernels/") for path in paths)
    more = f" and {len(paths) - NAMES_PRINTED} more" if len(paths) > NAMES_PRINTED else ""
    return (
        f"stale, measured at {commit}: files changed since: {len(paths)}, {kernels} of them kernels, commits: {count}; "
        f"{', '.join(paths[:NAMES_PRINTED])}{more}",
        1,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", default=sorted(SUBJECTS), metavar="PAGE")
    codes = [0]
    for page in parser.parse_args().pages:
        sentence, code = verdict(page, (provenance.RESULTS / page).read_text("utf-8"))
        print(f"{page}: {sentence}")
        codes.append(code)
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
