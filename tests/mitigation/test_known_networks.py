"""What a known network is made of: what a method may know of the chip, and nothing more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, chips_of, digits, network, twins

from xbarsim.mitigation import Bench, Needs, Plan, realise
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.needs import DATA
from xbarsim.nn import Converter
from xbarsim.nonideal import Breaks, Drift, ReadNoise, Shorts


def test_known_chips_have_neither_noise_nor_what_is_not_known():
    plan = Plan.of(network("mlp"))
    for knows, effects in (("faults", {"faults"}), ("maps", {"faults", "variation"})):
        cells = bench_of(plan, Needs(knows=knows)).known_network(plan).hardware.cells
        assert {name for name in ("faults", "variation", "cycle_variation") if getattr(cells, name)} == effects
    truth = realise(plan, HARDWARE, seed=4)
    bench = bench_of(plan, Needs(knows="maps"), chip=4)
    for name, layer in truth.layers.items():
        for (faults, factors), stuck, factor in zip(
            layer.known(), bench.faults(plan)[name], bench.factors(plan)[name], strict=True
        ):
            assert np.array_equal(faults, stuck)
            assert np.array_equal(factors, factor)


EVERYTHING = replace(
    HARDWARE,
    fidelity="accurate",
    cells=replace(
        CELLS,
        drift=Drift(nu=0.05, nu_sigma=0.02),
        read_noise=ReadNoise(0.05),
        breaks=Breaks(0.05, 0.05),
        shorts=Shorts(0.02, 0.02),
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("knows", ["faults", "maps"])
def test_what_is_known_is_all_that_a_known_network_is_made_of(knows):
    """Chips that agree in what is known give one network, to the bit; those that differ in it give others."""
    plan = Plan.of(network("single"))
    first, second = (chips_of(plan, EVERYTHING, seed) for seed in (0, 1))
    parts = {"faults": ("faults",), "maps": ("faults", "factor", "nu", "word_breaks", "bit_breaks", "word_shorts",
                                             "bit_shorts")}[knows]  # fmt: skip

    def known(chips):
        truth = realise(plan, EVERYTHING, chips=chips)
        knowledge = KnownChips.of(truth, EVERYTHING, knows)
        dataset = digits()
        bench = Bench(
            Needs(knows=knows), "test", EVERYTHING, dataset, seed=1, ledger=Ledger.of(160), knowledge=knowledge
        )
        return bench.known_network(plan).layers["fc1"].effective_matrices()[0]

    reference = known(first)
    assert torch.equal(known(twins(first, second, parts)), reference)
    for part in {"faults", "factor", "bit_breaks", "word_shorts"} & set(parts):
        others = tuple(name for name in parts if name != part)
        assert not torch.equal(known(twins(first, second, others)), reference), part


@pytest.mark.parametrize("data", DATA)
def test_ranges_of_converters_are_from_images_and_are_none_without_them(data):
    hardware = replace(HARDWARE, dac=Converter(bits=6), adc=Converter(bits=8))
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, Needs(data=data, knows="maps"), hardware=hardware)
    for on_chip in (bench.known_network(plan), bench.simulated_network(plan)):
        ranges = [part for layer in on_chip.layers.values() for part in (layer.input_range, layer.output_range)]
        assert all(bool((part > 0.0).all()) == (data != "none") for part in ranges)
