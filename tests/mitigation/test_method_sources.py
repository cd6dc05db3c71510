"""What the files of methods must not reach for: private parts of the bench, chips, data, generators of their own."""

import ast
import inspect
from pathlib import Path

import pytest

from xbarsim.mitigation import catalogue

INTERFACE = {
    "bench", "bench_images", "forward_pass", "method", "needs", "plan", "realisation", "known_chips", "ledger",
    "record", "harness", "chip_socket", "catalogue",
}  # fmt: skip
ALLOWED = {"bench", "bench_images", "forward_pass", "method", "needs", "plan", "realisation"}
"""Of the interface, what a method may import."""

FOREIGN = ("xbarsim.nn.datasets", "xbarsim.cli", "xbarsim.nn.model_sources", "numpy.random", "random", "os", "pathlib")
CHIPS = {"Chip", "ChipSocket", "KnownChips", "Ledger", "realise", "load", "make_maps"}
GLOBAL_DRAWS = {"manual_seed", "seed", "rand_like", "randn_like"}
HARMLESS = {"__name__", "__setattr__"}


def modules() -> dict[str, Path]:
    """Return the files of all methods, and those of their package that they are built on."""
    folder = Path(inspect.getsourcefile(catalogue)).parent
    pending = [Path(inspect.getsourcefile(kind)) for kind in catalogue._METHODS]
    files: dict[str, Path] = {}
    while pending:
        path = pending.pop()
        if path.stem in files or path.stem in INTERFACE or path.stem == "__init__":
            continue
        files[path.stem] = path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xbarsim.mitigation."):
                pending.append(folder / f"{node.module.rpartition('.')[2]}.py")
    return files


FILES = modules()
EACH = pytest.mark.parametrize("path", FILES.values(), ids=FILES.keys())


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", {item.name for item in node.names}
        elif isinstance(node, ast.Import):
            for item in node.names:
                yield item.name, set()


@EACH
def test_no_imports_of_chips_data_or_the_harness(path):
    tree = ast.parse(path.read_text())
    for module, names in imports(tree):
        assert not module.startswith(FOREIGN), module
        assert not names & CHIPS, names & CHIPS
        inside = module.partition("xbarsim.mitigation.")[2]
        assert inside not in INTERFACE - ALLOWED, module


@EACH
def test_no_private_parts_of_others(path):
    """Private names are a file's own: what is behind an underscore of bench, plan or network is not to be touched."""
    tree = ast.parse(path.read_text())
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bad = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr not in HARMLESS:
            inner = node.value
            itself = isinstance(inner, ast.Name) and inner.id in ("self", "cls")
            made_here = node.attr in own
            if not itself and not made_here:
                bad.append((node.lineno, ast.unparse(node)))
    assert bad == []


@EACH
def test_all_that_is_drawn_is_drawn_from_the_bench(path):
    bad = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        seeded = last == "default_rng" and node.args and not isinstance(node.args[0], ast.Constant)
        numpys = name.startswith(("np.random", "numpy.random")) and not seeded
        drawn = name.startswith("torch.") and last in ("rand", "randn", "randint", "randperm", "normal", "bernoulli")
        if numpys or last in GLOBAL_DRAWS or (drawn and not any(word.arg == "generator" for word in node.keywords)):
            bad.append((node.lineno, name))
    assert bad == []


@EACH
def test_no_gradient_without_an_optimiser(path):
    """Steps are counted where an optimiser makes them; one that is written by hand would be free."""
    text = path.read_text()
    names = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    differentiates = any(name.endswith((".backward", "autograd.grad")) for name in names)
    assert not differentiates or "optim" in text


def test_methods_have_files():
    assert len(FILES) >= len({inspect.getsourcefile(kind) for kind in catalogue._METHODS}) > 5
