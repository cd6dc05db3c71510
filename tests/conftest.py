"""What is collected: with ``--quick`` a sample, for every change while it is being made; no networks without torch.

Whatever a test calls, kernels that only numba could load fail it.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator

import pytest

CASES = 2
"""Of each test, the first of as many as it has."""

# Amperes, seconds and joules lie below pytest.approx's own absolute tolerance of 1e-12, which would pass any of them.
# What is compared is compared relatively, or by an absolute tolerance that the test gives.
type(pytest.approx(1.0)).DEFAULT_ABSOLUTE_TOLERANCE = 0.0

HAS_TORCH = importlib.util.find_spec("torch") is not None
NETWORKS = [
    "nn/test_*.py",
    "mitigation/test_*.py",
    "study/test_network_*.py",
    "study/test_shared_chips.py",
    *(f"cli/test_{name}.py" for name in ("infer_cli", "infer_energy", "mitigate_*", "plan_cli")),
]
collect_ignore_glob = [] if HAS_TORCH else NETWORKS


def pytest_report_header() -> str | None:
    return None if HAS_TORCH else "torch is not installed: the tests of networks are left out"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=f"no slow tests, and of each other one at most {CASES} cases")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("quick"):
        return
    sample: list[pytest.Item] = []
    remainder: list[pytest.Item] = []
    cases = Counter[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        cases[test] += 1
        slow = item.get_closest_marker("slow") is not None
        (remainder if slow or cases[test] > CASES else sample).append(item)
    config.hook.pytest_deselected(items=remainder)
    items[:] = sample


@pytest.fixture(scope="session", autouse=True)
def _kernels_load_without_numba() -> Iterator[None]:
    import kernel_needs

    with kernel_needs.watched():
        yield
