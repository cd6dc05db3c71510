"""SPICE netlists: text to a flat circuit, a circuit to the crossbar that it is, and a crossbar back to text.

``read(path)`` gives a :class:`Circuit`; ``circuit.recognise()`` finds the crossbar in its graph, ``report`` puts a
solution back into the netlist's names, and ``write`` writes a crossbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

from xbarsim.netlist.circuit import Circuit
from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.reading.presets import presets_of
from xbarsim.netlist.reading.reader import NetlistReader
from xbarsim.netlist.reading.variants import Variants
from xbarsim.netlist.recognition import Recognition, report
from xbarsim.netlist.refusals import NetlistError, NotACrossbarError
from xbarsim.netlist.write import write

__all__ = ["Circuit", "NetlistError", "NotACrossbarError", "Recognition", "read", "report", "write"]


def read(
    path: str | Path | IO[str],
    *,
    parameters: Mapping[str, float] | None = None,
    temp: float | None = None,
    steady: bool = False,
    seed: int | None = None,
    drawn: bool = False,
    charges: bool = False,
) -> Circuit:
    """Read a netlist.

    Parameters
    ----------
    path : str or Path or text stream
        The file; a stream's includes are looked for in the working folder.
    parameters : mapping of str to float, optional
        Parameters of the top level, in the place of what their ``.param`` says.
    temp : float, optional
        Degrees Celsius, in the place of ``.temp``.
    steady : bool
        Leave the capacitors that hold a state open, as ngspice does, instead of freezing them at their initial values.
    seed : int, optional
        What the draws of ``agauss`` and its like start from; that of ``.options seed=``, or else 0.
    drawn : bool
        Whether random parameters are drawn once, as in ngspice, where no card of the netlist draws them; nominal else.
    charges : bool
        Whether ``storage`` has what holds charge or flux where no ``.tran`` asks for it too.

    Raises
    ------
    NetlistError
        The file cannot be read or is not understood; the message is one line, ``file:line: ...``.
    InputError
        A parameter or the temperature has a value that is none.
    """
    with collector_paused():
        presets = presets_of(parameters, temp, drawn=drawn)
        reader = NetlistReader(path, presets.parameters, seed=seed, charges=charges)
        reader.run()
        return Circuit.of(Variants(reader, steady, presets).circuit())
