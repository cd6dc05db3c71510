"""What a layer's converters take for full scale: given, of the batch, of the hardware, or seen in calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbarsim.errors import InputError, XbarsimError
from xbarsim.nn.converters import quantised

if TYPE_CHECKING:
    from xbarsim.nn.hardware import Hardware
    from xbarsim.nn.layers import CrossbarLayer

UNSEEN = -1.0
"""What a calibrated range holds before calibration."""


_UNKNOWN = ("nothing", "inputs")
"""What a layer may observe while a calibrated input range is not known: it waits for its turn, or sees what arrives.
While it observes its ``outputs`` only its ADC passes everything."""


class NotProgrammedError(XbarsimError, RuntimeError):
    """A layer was called before it had a chip, or before its converters had their ranges."""


def volts_count(hardware: Hardware) -> bool:
    """Whether outputs depend on the volts that an input gets, not on its share of the largest alone.

    Linear cells with an exact ADC, or with one whose range follows the batch, carry currents in proportion.
    """
    return hardware.law.kind != "linear" or (hardware.adc.bits is not None and hardware.adc.range != "batch")


def wants_data(hardware: Hardware) -> bool:
    """Whether a range is to come from data, and outputs depend on it."""
    dac, adc = hardware.dac, hardware.adc
    inputs = dac.range == "calibrated" and (dac.bits is not None or volts_count(hardware))
    return inputs or (adc.range == "calibrated" and adc.bits is not None)


def dac_bits(layer: CrossbarLayer) -> int | None:
    """Return the DAC's bits; None while its range is still to come from data."""
    dac = layer.hardware.dac
    return None if dac.range == "calibrated" and layer.observing in _UNKNOWN else dac.bits


def full_input(layer: CrossbarLayer, x: Tensor) -> Tensor:
    """Return the input that gets the full voltage, for a layer's inputs x."""
    dac = layer.hardware.dac
    if layer.observing == "inputs":
        largest = _largest(layer, x)
        if not torch.isfinite(largest):
            raise InputError(f"inputs of {layer.label} in calibration are not finite: leave such batches out")
        layer.input_range = torch.maximum(layer.input_range, largest.to(layer.input_range))
    if not isinstance(dac.range, str):
        return x.new_tensor(dac.range)
    if dac.range == "batch":
        return _or_one(_largest(layer, x))
    if dac.range == "full":
        return x.new_ones(())
    if layer.input_range >= 0.0:
        return _or_one(layer.input_range.to(x))
    if layer.observing in _UNKNOWN:
        return _or_one(_largest(layer, x))
    _see_calibrated(layer)
    return x.new_ones(())


def _see_calibrated(layer: CrossbarLayer) -> None:
    """Refuse a layer without an input range, where outputs depend on it."""
    hardware = layer.hardware
    if hardware.dac.bits is not None:
        why = ""
    elif hardware.law.kind != "linear":
        why = f", and the currents of {hardware.law.kind} cells depend on it"
    elif hardware.adc.range == "calibrated" and hardware.adc.bits is not None:
        raise _unseen(layer, "an ADC")
    elif volts_count(hardware):
        why = ", and the currents that its ADC sees depend on it"
    else:
        return
    raise _unseen(layer, "a DAC", why)


def _unseen(layer: CrossbarLayer, what: str, why: str = "") -> NotProgrammedError:
    return NotProgrammedError(
        f"{layer.label} has {what} whose range is 'calibrated'{why}: call calibrate(batches) before the first forward"
    )


def _largest(layer: CrossbarLayer, x: Tensor) -> Tensor:
    """Return the largest magnitude of inputs; a row of biases has an input of 1."""
    found = x.detach().abs().amax() if x.numel() else x.new_zeros(())
    return found.clamp(min=1.0) if layer.bias_row else found


def _or_one(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, torch.ones_like(size))


def digitised(layer: CrossbarLayer, currents: Tensor) -> Tensor:
    """Return the currents of all arrays side by side, (batch, columns), as the ADC gives them."""
    bits = layer.hardware.adc.bits
    if layer.observing == "outputs":
        layer.output_range = torch.maximum(layer.output_range, _columns(currents).to(layer.output_range))
    if bits is None or layer.observing is not None:
        return currents
    return quantised(currents, _full_outputs(layer, currents), bits)


def _columns(currents: Tensor) -> Tensor:
    """Return the largest magnitude of each column."""
    return currents.detach().abs().amax(dim=0) if len(currents) else currents.new_zeros(currents.shape[1])


def _full_outputs(layer: CrossbarLayer, currents: Tensor) -> Tensor:
    """Return the ADC's full scale: of all, or of each column."""
    adc, hardware = layer.hardware.adc, layer.hardware
    if adc.range == "full":
        lrs = hardware.cells.g_on * hardware.encoding.volts
        return currents.new_tensor([lrs * place.shape[0] for place in layer.places for _ in range(place.shape[1])])
    if not isinstance(adc.range, str):
        return currents.new_tensor(adc.range)
    if adc.range == "batch":
        columns = _columns(currents)
    elif (layer.output_range < 0.0).any():
        raise _unseen(layer, "an ADC")
    else:
        columns = layer.output_range.to(currents)
    return _shared(columns, layer)


def _shared(columns: Tensor, layer: CrossbarLayer) -> Tensor:
    """Return what columns, or arrays, or the whole layer share of the columns' largest currents."""
    per = layer.hardware.adc.per
    if per == "layer":
        return columns.amax()
    if per == "column":
        return columns
    widths = [place.shape[1] for place in layer.places]
    largest = torch.stack([one.amax() for one in torch.split(columns, widths)])
    return largest.repeat_interleave(torch.tensor(widths, device=columns.device))
