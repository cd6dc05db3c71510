"""kill -9 of the runner and of its workers, at random moments: no answer is lost, none is computed twice."""

from __future__ import annotations

import sys

import pytest
import study_crashes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


def test_fifty_kills_lose_nothing(tmp_path):
    siege = study_crashes.Siege(tmp_path, seed=14, trials=1200)
    siege.run(kills=50)
    assert sum(siege.kills.values()) == 50
    assert min(siege.kills.values()) > 0


def test_a_few_kills_lose_nothing(tmp_path):
    siege = study_crashes.Siege(tmp_path, seed=3, trials=200)
    siege.run(kills=4)
    assert len(siege.answers) == 200
