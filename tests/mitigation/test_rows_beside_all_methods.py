"""Rows that are asked for beside all methods: a step takes the place of the method that it is, a chain nobody's."""

import pytest
from mitigation_tools import HARDWARE, digits, network

from xbarsim.mitigation import chain
from xbarsim.mitigation.all_methods import all_methods


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("rsa:share=0.03", {"rsa"}),
        ("rsa:share=0.03+fpt:iterations=2,batch=10", set()),
        ("match-rows:spare=2+gain", set()),
        ("row-permutation:knows=faults", {"row-permutation"}),
        ("row-flip:knows=faults+row-permutation:knows=faults", {"row-flip-match"}),
    ],
)
def test_what_a_row_takes_the_place_of(text, replaced):
    model, dataset = network("mlp"), digits(2000 - 660)
    usual = all_methods(model, dataset, [HARDWARE]).chains
    beside = all_methods(model, dataset, [HARDWARE], {text: chain(text)}).chains
    assert usual.keys() - beside.keys() == replaced
    assert beside.keys() - usual.keys() == {text}
