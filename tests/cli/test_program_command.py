"""``xbarsim program``: what it prints, keeps and refuses."""

import json

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim.programming import WrittenArray


@pytest.fixture
def target(tmp_path):
    """Six targets in a file."""
    path = tmp_path / "target.csv"
    np.savetxt(path, 10 ** np.random.default_rng(1).uniform(-5, -4, (2, 3)), delimiter=",")
    return str(path)


OPTIONS = (
    "--device",
    "vteam",
    "--word-wire",
    "2",
    "--bit-wire",
    "2",
    "--increment",
    "50m",
    "--most-amplitude",
    "1.3",
    "--pulse",
    "0.9,10n,1n,1n",
)


def test_answers_files_and_pictures(capsys, target, tmp_path):
    """JSON says all; what is stored is what is printed, and going on with it changes nothing."""
    pytest.importorskip("matplotlib")
    store, plot = str(tmp_path / "out.npz"), str(tmp_path / "out.png")
    answer = call(capsys, "program", target, *OPTIONS, "--format", "json", "--store", store, "--plot", plot)
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)
    assert record["reached"] == 6
    assert record["complete"]
    assert WrittenArray.from_npz(store).conductance.tolist() == record["conductance"]
    again = call(capsys, "program", target, *OPTIONS, "--resume", store)
    assert again.code == 0
    assert "6 of 6 cells" in again.out
    blind = call(capsys, "program", target, *OPTIONS, "--open-loop", "--format", "csv")
    assert len(blind.out.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((*OPTIONS, "--scheme", "V/4"), "did you mean"),
        (("--pulse", "1,10n"), "linear have no state that moves"),
        ((*OPTIONS[:-1], "0,10n"), "amplitude is 0"),
        ((*OPTIONS[:-1], "1,-10n"), "width is -1e-08"),
        ((*OPTIONS[:-1], "1"), "must be VOLTS,WIDTH"),
        ((*OPTIONS[:-1], "a,10n"), "Invalid value for --pulse: 'a' is not a number"),
        ((*OPTIONS, "--resume", "a", "--store", "b"), "leave out --store"),
        ((*OPTIONS, "--r-on", "200k"), "target[0, 0]"),
    ],
)
def test_what_is_refused(capsys, target, arguments, word):
    """One line each, exit code 2."""
    assert_refused(call(capsys, "program", target, *arguments), 2, word)
