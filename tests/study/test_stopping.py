"""Ctrl-C: the first lets what is under way end, the second drops it; what is done is kept, and the exit code is 130."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from study_tools import PROGRAM, children, study_environment, study_text, values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="POSIX signals"),
]


@pytest.fixture
def runner(tmp_path):
    """Start a study whose trials wait for a file, and give it when the first two are under way."""
    begun = []

    def start(count):
        file = tmp_path / "slow.toml"
        marks = {name: str(tmp_path / name) for name in ("started", "wait_for")}
        file.write_text(study_text(count, **marks))
        process = subprocess.Popen(
            [*PROGRAM, "study", "run", str(file), "--jobs", "2"],
            stderr=subprocess.PIPE, text=True, env=study_environment(),
            # A shell makes background jobs ignore Ctrl-C, and so would these.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        begun.append(process)
        while len(lines(tmp_path / "started")) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stderr.close()


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def read_until(process, words):
    text = ""
    while words not in text:
        line = process.stderr.readline()
        assert line, text
        text += line
    return text


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_lets_what_is_under_way_end(tmp_path, runner, kind, code):
    process = runner(10)
    process.send_signal(kind)
    read_until(process, "2 under way are finished; Ctrl-C again drops them")
    (tmp_path / "wait_for").touch()
    _, text = process.communicate(timeout=60)
    assert "2 trials done, 0 failed, 0 there before, 8 left" in text
    assert process.returncode == code
    assert len(values(tmp_path / "slow.sqlite")) == 2
    assert len(lines(tmp_path / "started")) == 2


def test_the_second_drops_it(tmp_path, runner):
    process = runner(10)
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    read_until(process, "under way")
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert text == "xbarsim: interrupted\n"
    assert process.returncode == 130
    assert values(tmp_path / "slow.sqlite") == {}
    assert len(workers) == 2
    assert not set(workers) & set(children(process.pid))


def test_one_that_comes_when_all_is_under_way_changes_nothing(tmp_path, runner):
    process = runner(2)
    process.send_signal(signal.SIGINT)
    read_until(process, "under way")
    (tmp_path / "wait_for").touch()
    _, text = process.communicate(timeout=60)
    assert "2 trials done" in text
    assert process.returncode == 0


def test_a_second_runner_on_the_store_is_refused(tmp_path, runner):
    process = runner(2)
    other = subprocess.run(
        [*PROGRAM, "study", "run", str(tmp_path / "slow.toml")], capture_output=True, text=True, check=False,
        env=study_environment(), timeout=60,
    )  # fmt: skip
    assert other.returncode == 2
    assert f"process {process.pid}" in other.stderr
    assert "runs on it already" in other.stderr
    assert other.stderr.count("\n") == 1
    (tmp_path / "wait_for").touch()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(values(tmp_path / "slow.sqlite")) == 2
