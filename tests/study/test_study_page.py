"""docs/studies.md names every key that a study file may have."""

import re

import pytest
from cli_tools import ROOT

from xbarsim.study import margin_study, netlist_study, network_study, references, report_settings, study_file

PAGE = (ROOT / "docs" / "studies.md").read_text("utf-8")
KEYS = {
    "file": (*study_file._COMMON, *(key for keys in study_file._KEYS_OF.values() for key in keys)),
    "data": network_study._DATA,
    "method": network_study._METHOD,
    "model": network_study._MODEL,
    "inference": network_study._INFERENCE,
    "margin": margin_study._KEYS,
    "netlist": netlist_study._KEYS,
    "report": report_settings._KEYS,
    "reference": references._KEYS,
    "limits": ("seconds", "memory", "retries"),
}


CODE = "\n".join(
    part for parts in re.findall(r"`([^`\n]+)`|^```\w*\n(.*?)^```|^    (.*)$", PAGE, re.M | re.S) for part in parts
)


@pytest.mark.parametrize("table", KEYS)
def test_the_page_has_every_key(table):
    assert [key for key in KEYS[table] if not re.search(rf"\b{key}\b", CODE)] == []
