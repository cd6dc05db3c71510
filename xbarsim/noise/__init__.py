"""Noise: what heat, and the cells' own fluctuations, add to the currents of all outputs.

Examples
--------
>>> import numpy as np
>>> from xbarsim import Crossbar
>>> from xbarsim.noise import CellNoise, output_noise
>>> cells = np.array([[1e-3, 2e-4], [5e-4, 1e-3]])
>>> found = output_noise(Crossbar(cells, word_wire=1.0, bit_wire=1.0), [0.2, 0.1], band=(1.0, 1e6),
...                      cells=CellNoise(flicker=1e-8))
>>> found.covariance.shape
(2, 2)
"""

from xbarsim.noise.cell_noise import CellNoise
from xbarsim.noise.output_noise import OutputNoise, output_noise, output_noise_density

__all__ = ["CellNoise", "OutputNoise", "output_noise", "output_noise_density"]
