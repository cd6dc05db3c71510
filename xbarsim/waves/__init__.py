"""The waveforms of V and I sources, as ngspice evaluates them; whole arrays of times at once."""

from xbarsim.waves.formula_waves import AmplitudeModulated, Exponential, FrequencyModulated, Pulse, Sine
from xbarsim.waves.point_waves import Piecewise
from xbarsim.waves.wave import Wave

__all__ = ["AmplitudeModulated", "Exponential", "FrequencyModulated", "Piecewise", "Pulse", "Sine", "Wave"]
