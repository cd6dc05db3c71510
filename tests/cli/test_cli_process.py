"""The command line as a process: pipes, Ctrl-C, full disks, locales, and installations that cannot be written to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_tools import EXAMPLE, PROGRAM, ROOT, arrays, assert_refused, call, environment, run

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX pipes, signals and devices")


@pytest.mark.slow
def test_an_answer_and_an_error_as_processes(tmp_path):
    answer = run("solve", *arrays(tmp_path), "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    json.loads(answer.out)
    (tmp_path / "a.sp").write_text("title\nv1 w 0 1\nrc w b 1k\nvs b 0 0\nrl lone lonely 1k\n")
    assert_refused(run("solve", "--netlist", tmp_path / "missing.sp"), 2, "missing.sp")
    assert_refused(run("solve", "--netlist", tmp_path / "a.sp"), 3, "lone, lonely")


@posix
def test_the_installed_program_is_this_one():
    program = Path(sys.executable).with_name("xbarsim")
    if not program.exists():
        pytest.skip("no entry point beside this Python")
    process = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert process.stdout == run("--version").out


@pytest.mark.slow
def test_a_crossbar_is_solved_without_a_compiler():
    """Half a second of imports for a fifth of a millisecond: kernels were compiled before, and no matrix is sparse."""
    code = (
        "import sys, xbarsim.cli\n"
        "try: xbarsim.cli.main(['solve', '--quiet', '--netlist', sys.argv[1]])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code, str(EXAMPLE)]
    for _ in range(2):  # the first run may compile
        process = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    loaded = set(process.stdout.splitlines()[-1].split())
    assert {"numpy", "llvmlite"} <= loaded
    assert not loaded & {"numba", "scipy", "threadpoolctl", "torch", "matplotlib", "email", "logging"}
    assert process.stderr == ""


def test_help_is_quick():
    """Seconds of waiting for a list of options: numpy and numba must wait until there is something to solve."""
    code = (
        "import sys, xbarsim.cli\n"
        "try: xbarsim.cli.main(['--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(process.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {"numpy", "scipy", "numba", "llvmlite", "torch", "threadpoolctl", "matplotlib"}


@pytest.mark.slow
def test_a_netlist_on_standard_input(tmp_path, capsys):
    text = EXAMPLE.read_bytes()
    piped = run("solve", "--netlist", "-", "--quiet", input=text)
    assert (piped.code, piped.err) == (0, "")
    assert piped.out == call(capsys, "solve", "--netlist", EXAMPLE, "--quiet").out
    assert_refused(run("solve", "--netlist", "-", input=b""), 2, "<stdin>", "empty")
    assert_refused(run("solve", "--netlist", "-", input=b"title\n\0\xff"), 2, "<stdin>", "binary")
    assert_refused(run("solve", "--netlist", "-", input=b"title\nv1 w 0 1\nrc w b 1q\x81\n"), 2, "<stdin>:3", "UTF-8")


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_beyond_ascii_in_any_locale(tmp_path, locale):
    """The text is UTF-8, whatever the terminal is: a container has LC_ALL=C."""
    text = "Speicher für 1 Bit\nv1 wört 0 1\nrc wört bµ 1k\nrs bµ 0 1\n.op\n".encode()
    env = environment(
        LC_ALL=locale, PYTHONIOENCODING="ascii:strict" if locale == "C" else "utf-8:strict", PYTHONUTF8="0"
    )
    for source, piped in (("-", text), (tmp_path / "a.sp", b"")):
        (tmp_path / "a.sp").write_bytes(text)
        answer = run("solve", "--netlist", source, "--format", "json", env=env, input=piped)
        assert (answer.code, answer.err) == (0, "")
        assert set(json.loads(answer.out)["analyses"][0]["node_voltages"]) == {"wört", "bu"}


@pytest.mark.slow
@posix
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_has_enough(form):
    """``| head -1``: no traceback, no complaint."""
    with subprocess.Popen(
        [*PROGRAM, "solve", "--netlist", str(EXAMPLE), "--format", form],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        process.stdout.close()
        err = process.stderr.read().decode()
        assert process.wait(timeout=60) == 0
    assert [line for line in err.splitlines() if not line.startswith("xbarsim: compil")] == []


@pytest.mark.slow
@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["solve", "--netlist", EXAMPLE], ["info"], ["--help"], ["--version"]])
def test_a_full_disk_is_an_error(arguments):
    """An answer cut short must not look like one."""
    with Path("/dev/full").open("wb") as full:
        assert_refused(run(*arguments, stdout=full), 2, "No space left on device")


@pytest.mark.slow
@posix
def test_streams_that_are_closed(tmp_path):
    def shell(redirection: str, *arguments: object):
        script = f'"$@" {redirection}'
        command = ["sh", "-c", script, "sh", *PROGRAM, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)

    circuit = arrays(tmp_path)
    out = shell(">&-", "solve", *circuit, "-q")
    assert (out.returncode, out.stderr) == (2, "xbarsim: standard output is closed\n")
    file = shell(">&-", "solve", *circuit, "-q", "-o", tmp_path / "answer.txt")
    assert (file.returncode, file.stderr) == (0, "")
    assert len((tmp_path / "answer.txt").read_text().splitlines()) == 4
    stdin = shell("<&-", "solve", "--netlist", "-")
    assert (stdin.returncode, stdin.stderr) == (2, "xbarsim: --netlist -: standard input is closed\n")
    err = shell("2>&-", "solve", *circuit, "-q")
    assert (err.returncode, len(err.stdout.splitlines())) == (0, 4)
    assert shell("2>&-", "solve", "--netlist", tmp_path / "none.sp").returncode == 2


@pytest.mark.slow
@posix
def test_ctrl_c_ends_a_long_solve_at_once(tmp_path):
    """Inside a compiled kernel Python does not see the signal, and a waiting thread of a library may be handed it."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "g.npy", 10 ** rng.uniform(-9, -1, (1000, 1000)))
    np.save(tmp_path / "v.npy", rng.uniform(-1, 1, 1000))
    # Wires that dominate: conjugate gradients take half a minute.
    circuit = ["--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy"]
    command = [*PROGRAM, "solve", *circuit, "--word-wire", "1e4", "--bit-wire", "1e4", "--method", "schur", "--quiet"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        time.sleep(2.0)
        assert process.poll() is None, "ended before it could be interrupted"
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        waited = time.monotonic() - start
    assert (process.returncode, out, err) == (130, b"", b"xbarsim: interrupted\n")
    assert waited < 2.0


@pytest.mark.slow
@posix
def test_a_background_job_ignores_ctrl_c(tmp_path):
    """A shell starts ``xbarsim ... &`` with SIGINT ignored: the foreground's Ctrl-C is not for it."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *PROGRAM, "solve", *arrays(tmp_path), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        time.sleep(0.1)  # the shell's trap
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        assert (process.returncode, len(process.stdout.read().splitlines())) == (0, 4)


FEW_KERNELS = ("--method", "reference")
"""What compiles least of all that is not there yet."""


@pytest.mark.slow
def test_compilation_is_announced_once(tmp_path):
    """Fifteen silent seconds after installation look like a hang."""
    env = environment(NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    circuit = [*arrays(tmp_path), *FEW_KERNELS]
    first = run("solve", *circuit, "--format", "json", env=env)
    assert first.code == 0, first.all_err
    assert [line.split("pil")[0] for line in first.all_err.splitlines()] == ["xbarsim: com"] * 2
    json.loads(first.out)
    again = run("solve", *circuit, env=env)
    assert (again.code, again.all_err) == (0, "")


@posix
@pytest.mark.slow
@pytest.mark.parametrize("cache", [None, "/proc/none"])
def test_it_runs_where_nothing_can_be_written(tmp_path, cache):
    """A package in a read-only image, with no home and no cache folder; files stand where folders should."""
    shutil.copytree(ROOT / "xbarsim", tmp_path / "xbarsim", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "xbarsim" / "kernels" / "__pycache__").touch()
    (tmp_path / "home").touch()
    (tmp_path / "scratch").mkdir()
    env = environment(
        PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1", HOME=str(tmp_path / "home"), XDG_CACHE_HOME=None,
        NUMBA_CACHE_DIR=cache, TMPDIR=str(tmp_path / "scratch"),
    )  # fmt: skip
    answer = run("solve", *arrays(tmp_path), *FEW_KERNELS, "--quiet", env=env, cwd=tmp_path)
    assert answer.code == 0
    assert answer.err.startswith("xbarsim: compiled kernels cannot be kept in ")
    assert answer.err.count("\n") == 1
    assert len(answer.out.splitlines()) == 4
    assert run("info", env=env, cwd=tmp_path).code == 0
