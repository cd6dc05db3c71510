"""docs/reference/dialect.md says of every card what the reader does with it."""

from __future__ import annotations

import dialect_examples
import pytest

from xbarsim.netlist.element_kinds import ELEMENTS
from xbarsim.netlist.reading import reader

PAGE = dialect_examples.PAGE.read_text("utf-8")
NAMES = dialect_examples.MARKED.findall(PAGE)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_what_the_reader_says(name):
    assert dialect_examples.table(name) in PAGE, "python tests/dialect_examples.py writes it anew"


@pytest.mark.slow
def test_the_page_has_every_table():
    assert sorted(NAMES) == sorted(dialect_examples.tables())
    assert len(NAMES) == PAGE.count("<!-- end -->")


def test_every_element_and_every_card_is_there():
    letters = {line[0] for card in dialect_examples.ELEMENTS for line in card.splitlines()}
    assert set(ELEMENTS) <= letters
    assert [card for card in reader._READ if f"`{card}`" not in PAGE and f"`{card} " not in PAGE] == []


@pytest.mark.parametrize("cards", [*dialect_examples.ELEMENTS, *dialect_examples.CARDS])
def test_what_the_page_calls_read_is_read(cards):
    _, problem = dialect_examples.solved(dialect_examples.AROUND + cards + "\n")
    assert problem == ""
