"""A transient that Ctrl-C ends: the first one leaves the answer until then, and code 130."""

import json
import os
import subprocess
import sys

import pytest
from cli_tools import environment

from xbarsim.analysis.runs import from_netlist
from xbarsim.analysis.stop_wish import StopWish

LONG = "endless\nV1 a 0 sin(0 1 1k)\nR1 a b 1k\nC1 b 0 1u\nD1 b 0 dm\n.model dm d\n.tran 10u 5\n.save v(b)\n.end\n"
OTHER = "never begun\nV1 a 0 1\nR1 a 0 1k\n.op\n.end\n"

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")


def stopped(tmp_path, *texts):
    """Run netlists as a process that gets a Ctrl-C at its 300th point; return it with what it printed."""
    paths = [tmp_path / f"{k}.cir" for k in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    code = (
        "import os, signal\n"
        "from xbarsim.dynamics.timed_solution import PointRecorder\n"
        "add, count = PointRecorder.add, 0\n"
        "def counted(self, *point):\n"
        "    global count\n"
        "    count += 1\n"
        "    if count == 300:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    add(self, *point)\n"
        "PointRecorder.add = counted\n"
        "from xbarsim.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "solve", *(f"--netlist={path}" for path in paths), "--format", "json"]
    # The recorder is imported before the command begins: threads of a BLAS that start then would take the signal.
    alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.run(command, capture_output=True, text=True, env=environment() | alone, timeout=60, check=False)


@posix
@pytest.mark.slow
def test_ctrl_c_leaves_what_was_computed(tmp_path):
    run = stopped(tmp_path, LONG)
    assert run.returncode == 130, run.stderr
    (analysis,) = json.loads(run.stdout)["analyses"]
    assert not analysis["complete"]
    assert analysis["problem"].startswith("stopped at ")
    assert "stopped at" in run.stderr
    assert "Traceback" not in run.stderr
    assert len(analysis["node_voltages"]["b"]) > 3


@posix
@pytest.mark.slow
def test_ctrl_c_begins_no_further_netlist(tmp_path):
    run = stopped(tmp_path, LONG, OTHER)
    assert run.returncode == 130, run.stderr
    assert "stopped before" in run.stderr
    assert "never begun" not in run.stdout


def test_what_heeds_no_wish_is_not_asked():
    stop = StopWish()
    assert not stop.heeded
    with stop.heeding():
        assert stop.heeded
    assert not stop.heeded


def test_how_far_it_is_is_said_only_after_a_while(tmp_path, monkeypatch):
    path = tmp_path / "short.cir"
    path.write_text(LONG.replace(".tran 10u 5", ".tran 10u 1m"))
    from_netlist(path, "auto", lambda stage: None)  # compiles, which may take a while
    said = []
    from_netlist(path, "auto", said.append)
    assert not [line for line in said if "left" in line]
    monkeypatch.setattr("xbarsim.analysis.transients._PATIENCE", 0.0)
    monkeypatch.setattr("xbarsim.analysis.transients._PAUSE", 0.0)
    from_netlist(path, "auto", said.append)
    assert [line for line in said if "of 0.001 s (50%), 0 s left" in line or "(50%)" in line]
