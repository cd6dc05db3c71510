"""Which steps may follow which: what one settles, the next must leave, or have been told to look at."""

import pytest
from mitigation_tools import OFFSET, harness_of

from xbarsim.errors import InputError
from xbarsim.mitigation import chain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fpt+prescale", r"prescale after fpt undoes it \(targets\)"),
        ("fpt+write-verify", r"write-verify after fpt undoes it \(writing\)"),
        ("fpt+headroom", r"headroom after fpt undoes it \(headroom\)"),
        ("bn+prescale", r"prescale after bn undoes it \(targets\)"),
        ("bias+match-rows", "match-rows after bias undoes it"),
        ("retrain+row-flip", "row-flip after retrain undoes it"),
        ("retrain+output-correction", r"output-correction after retrain undoes it \(correction\)"),
        ("gain+prescale", r"prescale after gain undoes it \(targets\)"),
        ("prescale+retrain", "retrain after prescale undoes it"),
        ("output-correction+prescale", r"prescale after output-correction undoes it \(targets\)"),
    ],
)
def test_steps_that_look_at_outputs_come_after_what_decides_these(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


@pytest.mark.parametrize("text", ["prescale+fpt:iterations=2,batch=10", "output-correction+fpt:iterations=2,batch=10"])
def test_norms_leave_weights_where_they_had_been_folded_into_them(text):
    """Conductances and corrections are of the weights that are mapped: where those change they are of others."""
    for kind, hardware in (("mlp", OFFSET), ("binary", OFFSET)):
        harness_of(kind, hardware).check([chain(text)])
    with pytest.raises(InputError, match=r"fpt after .* undoes it \(batchnorm\)"):
        harness_of("norm", OFFSET).check([chain(text)])


@pytest.mark.parametrize("kind", ["mlp", "binary"])
@pytest.mark.parametrize("first", ["prescale", "output-correction", "write-verify", "match-rows"])
def test_what_may_be_chained_is_no_worse_for_the_second_step(first, kind):
    harness = harness_of(kind, OFFSET)
    alone, both = (
        sum(harness.record(chain(text), seed).after for seed in range(3)) / 3
        for text in (first, f"{first}+fpt:iterations=16,batch=10")
    )
    assert both > alone - 0.1
