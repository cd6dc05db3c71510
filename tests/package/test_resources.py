"""What is free is the least of what the machine, a container's limits and ulimit leave."""

import subprocess
import sys
import threading

import pytest
from cli_tools import environment

from xbarsim import Crossbar, effective_conductance, resources
from xbarsim.errors import TooLargeError
from xbarsim.study import runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are read from Linux's tables")


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Control groups made by hand, of which this process is in the innermost."""

    def make(*limits):
        folder = tmp_path / "groups"
        for name, limit, present, inactive in zip(("", "a", "b"), *zip(*limits, strict=True), strict=False):
            folder = folder / name
            folder.mkdir(exist_ok=True)
            if limit is not None:
                (folder / "memory.max").write_text(f"{limit}\n")
                (folder / "memory.current").write_text(f"{present}\n")
                (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\nactive_file 7\n")
        (tmp_path / "membership").write_text("1:cpu:/x\n0::/a/b\n")
        monkeypatch.setattr(resources, "_GROUPS", tmp_path / "groups")
        monkeypatch.setattr(resources, "_MEMBERSHIP", tmp_path / "membership")

    return make


def test_the_tightest_container_counts(groups):
    groups((None, 0, 0), (5_000_000, 3_000_000, 400_000), ("max", 1_000_000, 0))
    assert resources.available_memory() == 2_400_000
    groups((None, 0, 0), (5_000_000, 3_000_000, 400_000), (1_200_000, 1_000_000, 50_000))
    assert resources.available_memory() == 250_000
    groups((None, 0, 0), (5_000_000, 6_000_000, 0), ("max", 1_000_000, 0))
    assert resources.available_memory() == 0


def test_without_limits_it_is_the_machines(groups):
    groups((None, 0, 0), ("max", 3_000_000, 0), (None, 0, 0))
    assert resources.available_memory() > 50_000_000
    (resources._MEMBERSHIP).unlink()
    assert resources.available_memory() > 50_000_000


def test_ulimit_counts():
    code = """
import resource
from xbarsim import resources
size = resources._kilobytes(resources.Path("/proc/self/status"), "VmSize:")
resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000, resource.RLIM_INFINITY))
print(resources.available_memory(), resources.resident_memory())
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    free, resident = map(int, done.stdout.split())
    assert 250_000_000 < free + resources._THREAD_SPACE <= 300_000_000
    assert 5_000_000 < resident < 1_000_000_000


@pytest.mark.parametrize(("left", "seats"), [(None, 8), (60, 1), (190, 1), (490, 3), (9000, 8)])
def test_so_many_threads_as_the_address_space_has_room_for(monkeypatch, left, seats):
    """OpenBLAS without room for a thread's buffer asks for it for ever."""
    monkeypatch.setattr(resources, "_address_space", lambda: left and left * 1_000_000)
    names = set()
    meeting = threading.Barrier(seats)

    def work(_):
        meeting.wait(timeout=30)
        names.add(threading.current_thread().name)

    resources.run_tasks(work, range(8 // seats * seats), 8)
    assert len(names) == seats


def test_without_room_for_blas_nothing_is_reduced(monkeypatch):
    monkeypatch.setattr(resources, "_address_space", lambda: 60_000_000)
    with pytest.raises(TooLargeError, match=r"0\.1 GB of address space, 0\.06 GB are left of ulimit"):
        effective_conductance(Crossbar([[1e-3, 1e-4]], word_wire=1.0))
    monkeypatch.undo()
    assert effective_conductance(Crossbar([[1e-3, 1e-4]], word_wire=1.0)).shape == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "line", "left"), [("RLIMIT_AS", "VmSize:", 80), ("RLIMIT_DATA", "VmData:", 130)])
def test_a_map_within_a_limit_ends(name, line, left):
    code = f"""
import resource
import numpy as np
from xbarsim import Crossbar, effective_conductance, resources
from xbarsim.errors import TooLargeError
from xbarsim.study import runner
effective_conductance(Crossbar(np.full((9, 7), 1e-4), word_wire=1.0))
size = resources._kilobytes(resources.Path("/proc/self/status"), {line!r})
resource.setrlimit(resource.{name}, (size + {left}_000_000, resource.RLIM_INFINITY))
try:
    effective_conductance(Crossbar(np.full((512, 512), 1e-4), word_wire=1.0, bit_wire=1.0), threads=4)
except (TooLargeError, MemoryError) as error:
    print(error)
"""
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, timeout=120)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("processor\t: 0\nmodel name\t: Fast: 3 GHz\nprocessor\t: 1\nmodel name\t: Slow\n", "Fast: 3 GHz"),
        ("Hardware\t: board\n", "arm7"), (None, "arm7"),
    ],
)  # fmt: skip
def test_the_processor_has_its_makers_name_where_the_system_says_so(tmp_path, monkeypatch, table, name):
    if table is not None:
        (tmp_path / "cpuinfo").write_text(table)
    monkeypatch.setattr(resources, "Path", lambda path: tmp_path / path.rpartition("/")[2])
    monkeypatch.setattr(resources.platform, "processor", lambda: "")
    monkeypatch.setattr(resources.platform, "machine", lambda: "arm7")
    assert resources.processor() == name
    runner.versions.cache_clear()
    assert runner.versions().endswith(f", {name}")
    runner.versions.cache_clear()
