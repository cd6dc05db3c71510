"""Object code is kept under a digest of a kernel's own file alone: what it calls must live in that file.

After a helper in another file changed, a ``cache=True`` caller keeps returning the old numbers, over restarts
and upgrades. The same goes for constants, which are compiled in. So a cached kernel may refer to nothing that
is imported from another file of kernels/, neither itself nor through functions of its own file. The files of
``object_files.SHARED`` are the exception: they are part of every digest.
"""

import ast
from pathlib import Path

import pytest

from xbarsim.kernels import object_files

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
UNCOMPILED = {"dataclass", "property", "staticmethod", "classmethod", "cache", "lru_cache", "contextmanager"}


def kernel_imports(tree):
    """Names that a file takes from other files of kernels/, wherever it imports them."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            ours = node.level or module.split(".")[0] == "kernels" or module.startswith("xbarsim")
            if ours and module.split(".")[-1] not in object_files.SHARED:
                names |= {item.asname or item.name: f"{module}.{item.name}" for item in node.names}
        elif isinstance(node, ast.Import):
            for item in node.names:
                if item.name.split(".")[0] in ("kernels", "xbarsim"):
                    names[item.asname or item.name.split(".")[0]] = item.name
    return names


def decorator_name(node):
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_cached(function):
    """Compiled and cached on disk, as far as a reader can tell: an unknown decorator may well do both."""
    for decorator in function.decorator_list:
        if decorator_name(decorator) in UNCOMPILED:
            continue
        options = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}
        plain_numba = decorator_name(decorator) in ("jit", "njit", "vectorize", "guvectorize")
        switch = options.get("cache")
        if switch is None and plain_numba and None not in options:  # a ** may well hold it
            continue
        if isinstance(switch, ast.Constant) and switch.value is False:
            continue
        return True
    return False


def assigned_wrappers(tree):
    """``fast = njit(cache=True)(slow)`` and the like: the functions that are wrapped without a decorator."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
            options = {k.arg for k in node.func.keywords}
            if "jit" in decorator_name(node.func) and "cache" in options:
                yield from (arg.id for arg in node.args if isinstance(arg, ast.Name))


def violations(source):
    """Yield (cached function, function of the file, foreign name) for each foreign name that it reaches."""
    tree = ast.parse(source)
    foreign = kernel_imports(tree)
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    # A module-level name may hold a foreign one: helper = other.helper, LIMIT = 2 * other.LIMIT.
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    cached = {name for name, node in functions.items() if is_cached(node)} | set(assigned_wrappers(tree))
    for start in sorted(cached & functions.keys()):
        seen, todo = set(), [start]
        while todo:
            at = todo.pop()
            seen.add(at)
            body = functions[at].body if at in functions else [values[at]]
            for used in {n.id for part in body for n in ast.walk(part) if isinstance(n, ast.Name)}:
                if used in foreign:
                    yield start, at, foreign[used]
                elif used not in seen and (used in functions or used in values):
                    todo.append(used)


@pytest.mark.parametrize("path", sorted(KERNELS.glob("*.py")), ids=lambda p: p.name)
def test_cached_kernels_are_whole_in_their_file(path):
    """Stale numbers after an edit or an upgrade."""
    found = [f"{caller}: {through} uses {name}" for caller, through, name in violations(path.read_text("utf-8"))]
    assert found == [], f"{path.name}: move these into the file, or drop cache=True"


@pytest.mark.parametrize("name", object_files.SHARED)
def test_the_shared_file_is_part_of_all_digests(name, monkeypatch):
    """Stale numbers after an edit of the intrinsics alone."""
    before = object_files.surroundings.__wrapped__()
    assert before == object_files.surroundings.__wrapped__()
    monkeypatch.setitem(object_files.SHARED, name, object_files.SHARED[name] + b"#")
    assert before != object_files.surroundings.__wrapped__()


def test_some_kernel_is_cached():
    """If nothing were cached, or the check saw nothing, the test above would pass for no reason."""
    trees = [ast.parse(path.read_text("utf-8")) for path in KERNELS.glob("*.py")]
    functions = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    assert any(is_cached(function) for function in functions)


HEADER = """
import functools
import numba
from numba import njit
from xbarsim.kernels.lines import sweep as line_sweep, LIMIT
from . import blocks
import xbarsim.kernels.schur as schur
compiled = functools.partial(njit, cache=True)
alias = line_sweep
"""


@pytest.mark.parametrize(
    "body",
    [
        "@njit(cache=True)\ndef solve(a):\n    return line_sweep(a)",
        "@numba.njit(cache=True, parallel=True)\ndef solve(a):\n    return blocks.fold(a)",
        "@numba.jit(nopython=True, cache=True)\ndef solve(a):\n    return schur.step(a)",
        "@njit\ndef step(a):\n    return line_sweep(a)\n@njit(cache=True)\ndef solve(a):\n    return step(a)",
        "OPTIONS = {'cache': True}\n@njit(**OPTIONS)\ndef solve(a):\n    return line_sweep(a)",
        "@compiled\ndef solve(a):\n    return a < LIMIT",
        "@compiled()\ndef solve(a):\n    return alias(a)",
        "def solve(a):\n    return alias(a)\nfast = njit(cache=True)(solve)",
    ],
)
def test_the_check_sees_each_way_in(body):
    assert {caller for caller, _, _ in violations(HEADER + body)} == {"solve"}


@pytest.mark.parametrize(
    "body",
    [
        "@njit\ndef solve(a):\n    return line_sweep(a)",
        "@njit(cache=False)\ndef solve(a):\n    return line_sweep(a)",
        "def solve(a):\n    return line_sweep(a)",
        "@njit\ndef step(a):\n    return a\n@njit(cache=True)\ndef solve(a):\n    return step(a)",
    ],
)
def test_the_check_passes_what_is_sound(body):
    assert list(violations(HEADER + body)) == []
