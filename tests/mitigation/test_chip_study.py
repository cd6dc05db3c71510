"""Rows of methods on chips: none first, failures beside the rest, the same numbers whatever the processes."""

import copy
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from network_tools import trained
from torch import nn

from xbarsim.errors import InputError, SolveError
from xbarsim.mitigation import Chain, Method, Plan, chain, method, run
from xbarsim.nn import preset
from xbarsim.nn.datasets import load
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.training import accuracy
from xbarsim.nonideal import Faults, Nonidealities


@dataclass(frozen=True)
class Failing(Method):
    """Come to no end."""

    name: ClassVar[str] = "failing"
    paper: ClassVar[str] = "none"
    about: ClassVar[str] = "fail on some chips"
    kind: str = "solve"

    def apply(self, plan, bench):
        drawn = bench.rng.random()
        if self.kind == "solve":
            raise SolveError(f"the circuit is not solved, residual {drawn > 2}")
        raise ZeroDivisionError("by hand")


@pytest.fixture(scope="module")
def data():
    return load("digits").split(validation=200).limited(test=120)


@pytest.fixture(scope="module")
def model(data):
    return trained("linear", data, epochs=3)


@pytest.fixture(scope="module")
def hardware():
    return replace(preset("rram-64"), fidelity="ideal", cells=Nonidealities(faults=Faults(rate=0.2)))


def facts(study):
    return [
        (row.chain.label, [(record.seed, record.before, record.after, record.cost) for record in row.records])
        for row in study.results
    ]


def test_none_is_the_first_row_and_every_row_has_every_chip(model, data, hardware):
    study = run(model, data, hardware, [chain("headroom:h=3"), chain("none")], seeds=[4, 7])
    assert [row.chain.label for row in study.results] == ["none", "headroom:h=3.0"]
    assert [[record.seed for record in row.records] for row in study.results] == [[4, 7], [4, 7]]
    assert study.ideal == accuracy(model, data, data.test)
    none, headroom = study.results
    assert [record.before for record in none.records] == [record.after for record in none.records]
    assert [record.before for record in headroom.records] == [record.before for record in none.records]
    assert len({record.before for record in none.records}) == 2
    assert headroom.mean == pytest.approx(sum(record.after for record in headroom.records) / 2)
    assert headroom.deviation == pytest.approx(
        abs(headroom.records[0].after - headroom.records[1].after) / 2**0.5, abs=1e-12
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs forks")
def test_processes_change_no_number(model, data, hardware):
    chains = [chain("headroom"), chain("headroom:h=4"), Chain((Failing(),)), Chain((Failing("python"),))]
    studies = [run(model, data, hardware, chains, seeds=range(3), jobs=jobs) for jobs in (1, 2, 4)]
    assert facts(studies[0]) == facts(studies[1]) == facts(studies[2])
    assert studies[0].failures == studies[1].failures == studies[2].failures


def test_what_fails_is_told_and_the_rest_goes_on(model, data, hardware):
    chains = [Chain((Failing(),)), Chain((Failing("python"),)), chain("headroom")]
    reported = []

    def report(row, record):
        reported.append((row.label, record.seed))

    study = run(model, data, hardware, chains, seeds=[1, 2], report=report)
    assert [len(row.records) for row in study.results] == [2, 0, 0, 2]
    assert study.results[1].mean is None
    assert [(failure.label, failure.seed) for failure in study.failures] == [
        ("failing", 1), ("failing", 2), ("failing:kind=python", 1), ("failing:kind=python", 2),
    ]  # fmt: skip
    assert study.failures[0].message == "the circuit is not solved, residual False"
    assert study.failures[2].message == "ZeroDivisionError: by hand"
    assert reported == [("none", 1), ("none", 2), ("headroom", 1), ("headroom", 2)]


def test_what_is_finished_is_not_measured_again(model, data, hardware):
    whole = run(model, data, hardware, [chain("headroom")], seeds=[0, 1])
    records = {(row.chain.label, record.seed): record for row in whole.results for record in row.records}
    records["none", 9] = records["none", 0]
    moved = replace(records["headroom", 1], after=0.125)
    reported = []
    study = run(
        model, data, hardware, [chain("headroom")], seeds=[0, 1],
        finished={**records, ("headroom", 1): moved} | {("elsewhere", 0): moved},
        report=lambda row, record: reported.append(record),
    )  # fmt: skip
    assert reported == []
    assert study.results[1].records == (records["headroom", 0], moved)
    del records["headroom", 0]
    del records["none", 1]
    again = run(model, data, hardware, [chain("headroom")], seeds=[0, 1], finished=records)
    assert facts(again) == facts(whole)


def test_chips_that_cannot_differ_are_run_once(model, data):
    study = run(model, data, Hardware(fidelity="ideal"), [chain("headroom")], seeds=range(5))
    assert study.alike
    assert study.seeds == (0,)
    assert [len(row.records) for row in study.results] == [1, 1]
    assert study.results[0].deviation == 0.0


@pytest.mark.parametrize(
    ("chains", "seeds", "words"),
    [
        (["headroom"], [], "seeds is empty"),
        (["headroom", "headroom:h=2"], [0], "method headroom is there twice"),
    ],
)
def test_studies_that_are_refused(model, data, hardware, chains, seeds, words):
    with pytest.raises(InputError, match=words):
        run(model, data, hardware, [chain(text) for text in chains], seeds=seeds)


def test_a_number_of_processes_that_is_refused(model, data, hardware):
    with pytest.raises(InputError, match="jobs is 0"):
        run(model, data, hardware, [chain("headroom")], jobs=0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs forks")
def test_processes_change_no_training(model, data, hardware):
    """What draws and trains: each pair has its own seeds, counters and threads, wherever it runs."""
    data = data.limited(train=200)
    chains = [chain("retrain:epochs=1"), chain("gain+bias:epochs=1"), chain("vat:epochs=1,batch=64,gammas=0/0.2")]
    studies = [run(model, data, hardware, chains, seeds=[0, 5], method_seed=3, jobs=jobs) for jobs in (1, 2)]
    assert facts(studies[0]) == facts(studies[1])
    assert studies[0].failures == studies[1].failures == ()
    traces = [[dict(record.trace) for row in study.results for record in row.records] for study in studies]
    assert traces[0] == traces[1]
    assert {record.cost.gradient_steps for row in studies[0].results[1:] for record in row.records} != {0}


def test_a_network_in_training_stays_so_and_is_measured_as_none(model, data, hardware):
    study = run(model, data, hardware, [], seeds=[1])
    busy = copy.deepcopy(model).train()
    assert facts(run(busy, data, hardware, [], seeds=[1])) == facts(study)
    assert all(module.training for module in busy.modules())


@pytest.mark.parametrize(("noise", "chips"), [(0, 1), (0.5, 2)])
def test_chips_that_noise_of_pulses_alone_makes_different_are_all_run(model, data, hardware, noise, chips):
    exact = replace(hardware, cells=Nonidealities())
    study = run(model, data, exact, [chain(f"write-verify:noise={noise}")], seeds=[1, 2])
    pulses = [record.cost.pulses for record in study.results[1].records]
    assert len(pulses) == len(set(pulses)) == chips
    assert study.alike == (chips == 1)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([], "seeds is empty"),
        ([3, 1, 3], r"seeds\[2\] is 3, which is there before: give each chip once"),
        ([0, -1], r"seeds\[1\] is -1"),
        ([1.5], r"seeds\[0\] is 1.5"),
        (3, r"seeds is 3: give the chips' numbers"),
        (None, "seeds is None: give the chips' numbers"),
        (range(2**31 - 1), "seeds has 2147483647 chips: give at most 100000"),
    ],
)
def test_seeds_that_are_no_chips_are_refused_before_any_work(model, data, hardware, seeds, message):
    with pytest.raises(InputError, match=message):
        run(model, data, hardware, [], seeds=seeds)


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        (["gain"], r"chains\[0\] is 'gain': give chain\('gain'\)"),
        ([method("gain")], r"chains\[0\] is LayerGain\(.*: give chain\('gain'\)"),
        (chain("gain"), r"chains is Chain.*: give a list of chains"),
        (None, "chains is None: give a list of chains"),
    ],
)
def test_what_is_no_list_of_chains_is_refused(model, data, hardware, chains, message):
    with pytest.raises(InputError, match=message):
        run(model, data, hardware, chains)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((65, 10), "model does not take digits's images of 1 x 8 x 8: mat1 and mat2 shapes"),
        ((64, 4), r"model gives \(2, 4\) for 2 images of 1 x 8 x 8: it must be \(2, 10\)"),
    ],
)
def test_networks_for_other_images_or_classes_are_refused_before_any_work(data, hardware, layers, message):
    with pytest.raises(InputError, match=message):
        run(nn.Sequential(nn.Flatten(), nn.Linear(*layers)), data, hardware, [])


def test_what_is_no_network_and_what_are_no_data_are_refused(model, data, hardware):
    with pytest.raises(InputError, match="model is None: it must be a Module"):
        run(None, data, hardware, [])
    with pytest.raises(InputError, match="dataset is 'digits': it must be a Dataset"):
        run(model, "digits", hardware, [])
    with pytest.raises(InputError, match=r"model is None: it must be a torch\.nn\.Module"):
        Plan.of(None)
    with pytest.raises(InputError, match="batchnorm is 'output': it must be weights or outputs"):
        Plan(model, batchnorm="output")
    for name in (None, 3, ["gain"]):
        with pytest.raises(InputError, match="give a name, as 'headroom'"):
            method(name)
        with pytest.raises(InputError, match="give a name, as 'headroom'"):
            chain(name)
