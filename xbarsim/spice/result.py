"""What a run of ngspice gave."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.analysis.rawfile import Plot


@dataclass(frozen=True)
class Answer:
    """Plots, the log, and those of its lines that warn of something."""

    plots: list[Plot]
    log: str
    warnings: list[str]


@dataclass(frozen=True)
class Result:
    """A run that went well.

    Attributes
    ----------
    engine : str
        ``process``, ``pyspice`` or ``klu``.
    version : str
        Like ``ngspice-39``.
    plots : list of Plot
        One for each analysis, in ngspice's order; each has ``kind``, ``node_voltages`` and ``source_currents``.
    seconds : float
        Of the whole process.
    log : str
        All that it said.
    warnings : list of str
        The lines of the log that speak of trouble which it says to have overcome, or of input that it ignored.
    """

    engine: str
    version: str
    plots: list[Plot]
    seconds: float
    log: str
    warnings: list[str]
