"""What shells get to complete."""

import shutil

import pytest
from cli_tools import call


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["xbarsim", "so"], ["plain,solve"]),
        (["xbarsim", "margin", "--device", "tra"], ["plain,transistor"]),
        (["xbarsim", "infer", "--fid"], ["plain,--fidelity"]),
        (["xbarsim", "study", "r"], ["plain,report", "plain,run"]),
        (["xbarsim", "solve", "--netlist", "ex"], ["file,ex"]),
        (["xbarsim", "program", "goal"], ["file,goal"]),
        (["xbarsim", "validate", "--report", "out"], ["dir,out"]),
    ],
    ids=" ".join,
)
def test_commands_options_choices_and_files(capsys, monkeypatch, words, expected):
    """Would break if the command line, which runs click's parts itself, never answered the shell."""
    monkeypatch.setenv("_XBARSIM_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    answer = call(capsys)
    assert (answer.code, answer.out.split()) == (0, expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_of_shells(capsys, monkeypatch, shell):
    """Would break if a shell's script asked another variable."""
    if shell == "bash" and shutil.which("bash") is None:  # click asks it for its version
        pytest.skip("no bash")
    monkeypatch.setenv("_XBARSIM_COMPLETE", f"{shell}_source")
    answer = call(capsys)
    assert answer.code == 0
    assert f"_XBARSIM_COMPLETE={shell}_complete" in answer.out
