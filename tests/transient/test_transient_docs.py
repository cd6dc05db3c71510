"""The page on crossbars in time: its examples run, and give the numbers that it says."""

import re

import pytest
from cli_tools import ROOT

PAGE = (ROOT / "docs" / "transient.md").read_text("utf-8")


@pytest.mark.slow
def test_the_examples_give_what_the_page_says():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    transient, disturbed = names["transient"], names["disturbed"] / 3e-9
    said = re.search(r"from ([\d.]+) kΩ to ([\d.]+) kΩ in (\d+) steps\. The (\d+) half", PAGE)
    assert float(said[1]) == pytest.approx(names["resistance"][10, 20] / 1e3, abs=0.06)
    assert float(said[2]) == pytest.approx(names["written"] / 1e3, abs=0.06)
    assert int(said[3]) == transient.accepted
    disturbed[10, 20] = 0.0
    assert int(said[4]) == (disturbed > 0.0).sum()
    assert f"{disturbed.max():.1e}".replace("e-0", "e-") in PAGE
    assert f"{names['delivered'] * 1e9:.2f} nJ" in PAGE
    assert f"take {transient.cell_energy.sum() * 1e9:.2f}." in PAGE
