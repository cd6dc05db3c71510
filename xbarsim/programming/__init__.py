"""Writing arrays of dynamic cells by pulses, through their own wires."""

from xbarsim.programming.array_writing import apply, program
from xbarsim.programming.pulse_ladder import PulseLadder
from xbarsim.programming.verify_read import VerifyRead
from xbarsim.programming.write_pulse import WritePulse
from xbarsim.programming.written_array import Unreached, WrittenArray

__all__ = ["PulseLadder", "Unreached", "VerifyRead", "WritePulse", "WrittenArray", "apply", "program"]
