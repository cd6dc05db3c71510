"""Numbers as designers type them."""

import math

import pytest

from xbarsim.errors import InputError
from xbarsim.quantities import counted, engineering, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5), ("1e3", 1e3), ("-2.5", -2.5), (".5", 0.5), ("1k", 1e3), ("1K", 1e3), ("4.7kohm", 4.7e3),
        ("1meg", 1e6), ("1Meg", 1e6), ("2.2MEGohm", 2.2e6), ("30m", 30e-3), ("30mV", 30e-3), ("1n", 1e-9),
        ("0.1u", 1e-7),
        ("5µA", 5e-6), ("3G", 3e9), ("1T", 1e12), ("2p", 2e-12), ("7f", 7e-15), ("1e-3k", 1.0),
        (" 8 ", 8.0), ("inf", math.inf),
    ],
)  # fmt: skip
def test_numbers(text, value):
    assert parse(text) == value


@pytest.mark.parametrize("text", ["1M", "1Mohm", "2.5M"])
def test_a_bare_mega_is_ambiguous(text):
    with pytest.raises(InputError, match=r"ambiguous.*meg.*or"):
        parse(text)


@pytest.mark.parametrize("text", ["", "k", "1kk", "4k7", "1x", "nan", "1e", "--1", "1,5", "1 k", "1e400", "0x10"])
def test_what_is_no_number(text):
    with pytest.raises(InputError, match="number"):
        parse(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e3, "1 kohm"), (1e6, "1 Mohm"), (999.0, "999 ohm"), (0.0, "0 ohm"), (2.5e-9, "2.5 nohm"), (math.inf, "inf ohm")],
)
def test_written_for_reading(value, text):
    assert engineering(value, "ohm") == text


def test_what_is_counted_agrees_with_its_number():
    assert [counted(count, "node") for count in (0, 1, 2)] == ["0 nodes", "1 node", "2 nodes"]
