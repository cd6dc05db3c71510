"""Crossbars in time: waveforms at line ends, capacitance at nodes, cells whose states move."""

from xbarsim.transient.recording import CrossbarTransient, Recording
from xbarsim.transient.simulation import simulate
from xbarsim.transient.stepper import Stepper

__all__ = ["CrossbarTransient", "Recording", "Stepper", "simulate"]
