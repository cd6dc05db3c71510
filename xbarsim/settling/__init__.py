"""Read speed: how long a crossbar's outputs take to settle when its inputs step, from moments of its response.

Examples
--------
>>> from xbarsim import Crossbar
>>> from xbarsim.settling import settling
>>> array = Crossbar([[1e-3, 2e-4], [5e-4, 1e-3]], word_wire=1.0, bit_wire=1.0, driver=100.0, sense=100.0)
>>> found = settling(array, [0.2, 0.1], word_capacitance=1e-15, bit_capacitance=1e-15)
>>> found.time(bits=8).shape
(2,)
"""

from xbarsim.settling.delays import elmore_delays
from xbarsim.settling.outputs import Settling, settling
from xbarsim.settling.read_speed import Bandwidth, ReadSpeed, read_speed

__all__ = ["Bandwidth", "ReadSpeed", "Settling", "elmore_delays", "read_speed", "settling"]
