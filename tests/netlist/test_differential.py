"""A small sample of validation/differential.py and validation/fuzz.py, with fixed seeds."""

import differential
import fuzz
import pytest
from netlist_tools import needs_ngspice

AGAINST_NGSPICE = range(100_000, 100_030)
DAMAGED = range(1_000_000, 1_000_200)


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize("seed", AGAINST_NGSPICE)
def test_random_netlists_against_ngspice(tmp_path, seed):
    """Any element, analysis or spelling that is read otherwise, and any number that is off."""
    compared = differential.compare(seed, tmp_path)
    assert not compared.trouble
    assert compared.difference <= differential.AGREE, compared.where


def test_every_kind_of_circuit_and_analysis_is_in_the_sample():
    drawn = [differential.netlist(seed) for seed in AGAINST_NGSPICE]
    assert {one.kind for one, _, _ in drawn} == {"crossbar", "embedded", "network"}
    for card in (".op", ".dc", ".tran", ".subckt", ".param", ".func", ".global"):
        assert any(card in text.lower() for _, text, _ in drawn), card


def test_netlists_are_those_of_their_seed():
    assert differential.netlist(5)[1:] == differential.netlist(5)[1:]
    assert fuzz.case(5, 0) == fuzz.case(5, 0)
    assert fuzz.case(5, 0) != fuzz.case(6, 0)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(4))
def test_damaged_netlists_are_solved_or_refused(tmp_path, monkeypatch, batch):
    """A traceback, a hang, a warning, two lines of message, an answer with a hole in it."""
    monkeypatch.chdir(tmp_path)
    for number in DAMAGED[batch::4]:
        outcome = fuzz.one_case(number, 0, tmp_path, 0, 0)
        assert not outcome.fault, (number, outcome.fault)
        for left in tmp_path.iterdir():
            left.unlink()


@pytest.mark.slow
def test_every_exit_code_is_in_the_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = {fuzz.one_case(number, 0, tmp_path, 0, 0).code for number in [*DAMAGED[:30], 30, 47, 83]}
    assert codes == {0, 2, 3}
