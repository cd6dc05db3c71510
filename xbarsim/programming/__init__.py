"""Writing arrays of dynamic cells by pulses, through their own wires."""

from xbarsim.programming.program import apply, program
from xbarsim.programming.written_array import WrittenArray, Unreached
from xbarsim.programming.pulse_ladder import PulseLadder
from xbarsim.programming.verify_read import VerifyRead
from xbarsim.programming.write_pulse import WritePulse

__all__ = ["WrittenArray", "PulseLadder", "Unreached", "VerifyRead", "WritePulse", "apply", "program"]
