"""Closed loops: amplifiers and any small linear circuit at the line ends of crossbars, solved exactly and at once.

An array counts by its exact admittance between its line ends, so that a loop of n lines is one dense solve, whatever
its wires are. ``solve_inverse``, ``pseudo_inverse``, ``eigenvector`` and ``transimpedance`` are circuits that compute;
``Loop`` and ``close`` take any other. ``split_errors`` says what wires, gain and cells each do to an answer,
``write_loop`` writes a netlist and ``read_loop`` reads one.
"""

from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.closed_loop import ClosedLoop, close
from xbarsim.loop.controlled_parts import CurrentGain, Transconductor, Transresistor
from xbarsim.loop.eigenvector import Eigenvector, eigenvector
from xbarsim.loop.error_split import ErrorSplit, split_errors
from xbarsim.loop.inverse import inverse_loop, solve_inverse
from xbarsim.loop.loop_answer import LoopAnswer
from xbarsim.loop.loop_netlist import write_loop
from xbarsim.loop.loop_of_netlist import read_loop
from xbarsim.loop.loop_parts import Capacitor, CurrentSource, Inductor, JoinedArray, OpAmp, Resistor, VoltageSource
from xbarsim.loop.mutual_inductance import MutualInductance
from xbarsim.loop.part_checks import GROUND
from xbarsim.loop.pseudo_inverse import pseudo_inverse, pseudo_inverse_loop
from xbarsim.loop.signed_pair import SignedPair
from xbarsim.loop.stability import Stability, UnstableError
from xbarsim.loop.transimpedance import transimpedance, transimpedance_loop

__all__ = [
    "GROUND",
    "Amplifier",
    "Capacitor",
    "ClosedLoop",
    "CurrentGain",
    "CurrentSource",
    "Eigenvector",
    "ErrorSplit",
    "Inductor",
    "JoinedArray",
    "Loop",
    "LoopAnswer",
    "MutualInductance",
    "OpAmp",
    "Resistor",
    "SignedPair",
    "Stability",
    "Transconductor",
    "Transresistor",
    "UnstableError",
    "VoltageSource",
    "close",
    "eigenvector",
    "inverse_loop",
    "pseudo_inverse",
    "pseudo_inverse_loop",
    "read_loop",
    "solve_inverse",
    "split_errors",
    "transimpedance",
    "transimpedance_loop",
    "write_loop",
]
