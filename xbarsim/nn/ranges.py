"""What hardware asks of its converters' ranges."""

from __future__ import annotations

from xbarsim.errors import XbarsimError
from xbarsim.nn.hardware import Hardware


class NotProgrammedError(XbarsimError, RuntimeError):
    """A layer was called before it had a chip, or before its converters had their ranges."""


def volts_count(hardware: Hardware) -> bool:
    """Whether outputs depend on the volts that an input gets, not on its share of the largest alone.

    Linear cells with an exact ADC, or with one whose range follows the batch, carry currents in proportion.
    """
    return not hardware.law.linear or (hardware.adc.bits is not None and hardware.adc.range != "batch")


def wants_data(hardware: Hardware) -> bool:
    """Whether a range is to come from data, and outputs depend on it."""
    dac, adc = hardware.dac, hardware.adc
    inputs = dac.range == "calibrated" and (dac.bits is not None or volts_count(hardware))
    return inputs or (adc.range == "calibrated" and adc.bits is not None)


def wants_volts(hardware: Hardware) -> bool:
    """Whether a calibrated input range changes no number but volts, so that one pass is enough for all such layers."""
    return hardware.dac.range == "calibrated" and not wants_data(hardware)
