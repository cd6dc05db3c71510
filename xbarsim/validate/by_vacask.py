"""One circuit of the bank, solved by xbarsim and by VACASK, whose cells are Verilog-A."""

from __future__ import annotations

from dataclasses import replace

from xbarsim.errors import InputError, SpiceError
from xbarsim.spice import TIMEOUT, vacask, vacask_deck
from xbarsim.validate.against import compared, numbers, one_line, solved
from xbarsim.validate.case import BankCircuit, Row


def vacask_row(case: BankCircuit) -> Row:
    """Return the comparison of a case; left out where its cells have no twin or VACASK is not installed."""
    row = Row(
        case.name, case.device, case.family, case.size, case.crossbar.conductance.size, "solve", "VACASK",
        case.tolerance,
    )  # fmt: skip
    try:
        row = replace(row, version=vacask.version())
        deck = vacask_deck.operating_point(case.crossbar, case.voltages)
    except (InputError, SpiceError) as error:
        return replace(row, skipped=str(error))
    try:
        seconds, ours = solved(case)
    except Exception as error:  # whatever it is, it is a finding, and other circuits go on
        return replace(row, trouble=f"xbarsim: {one_line(error)}")
    try:
        result = vacask.run(deck, timeout=TIMEOUT)
    except SpiceError as error:
        return replace(row, trouble=str(error))
    return compared(replace(row, seconds=seconds, other_seconds=result.seconds), ours, numbers(result))
