"""A layer's converters: modules that own their range, with an observer that finds it where it comes from data."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.observers import DoubleBuffers, Observer, unseen
from xbarsim.nn.ranges import NotProgrammedError, volts_count
from xbarsim.nn.rounding import quantised


class RangedConverter(DoubleBuffers):
    """What both converters of a layer share.

    Parameters
    ----------
    hardware : Hardware
        Whose converter it is.
    shape : tuple of int
        Of the range.
    device : torch.device
        Where the range is kept.

    Attributes
    ----------
    range : Tensor
        What ``calibrate`` found; negative before.
    observer : Observer
        Finds it.
    rounding : bool
        Whether numbers are rounded; if not, they pass as they are: while ranges are looked for.
    label : str
        What messages call the layer.
    """

    wide_buffers = ("range",)
    range: Tensor

    def __init__(self, hardware: Hardware, shape: tuple[int, ...], device: torch.device) -> None:
        super().__init__()
        self.hardware = hardware
        self.rounding = True
        self.label = "the layer"
        self.register_buffer("range", unseen(shape, device))
        self.observer = Observer(shape, device)

    def reset(self) -> None:
        """Forget the range."""
        self.range = unseen(self.range.shape, self.range.device)

    def take_range(self) -> None:
        """Make what the observer saw the range, and switch it off."""
        with torch.inference_mode(False):
            self.range = self.observer.largest.clone()
        self.observer.disable()

    def _unseen(self, converter: str, reason: str = "") -> NotProgrammedError:
        return NotProgrammedError(
            f"{self.label} has {converter} whose range is 'calibrated'{reason}: "
            "call calibrate(batches) before the first forward"
        )


class InputConverter(RangedConverter):
    """The DAC of a layer's inputs, which has one range for all of them.

    Parameters
    ----------
    hardware : Hardware
        Its ``dac`` is what it is.
    device : torch.device
        Where the range is kept.
    bias_row : bool
        Whether the layer has a row of biases, which is driven by an input of 1.
    """

    def __init__(self, hardware: Hardware, device: torch.device, *, bias_row: bool) -> None:
        super().__init__(hardware, (), device)
        self.bias_row = bias_row

    @property
    def bits(self) -> int | None:
        """The resolution; None while the range is still to come from data."""
        dac = self.hardware.dac
        return dac.bits if self.rounding or dac.range != "calibrated" else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, and the input of 1 of a bias row, as they are driven, and the input of full voltage.

        Every element of x is converted once, before anything is made of it: padding is of lines at 0 V.

        Parameters
        ----------
        x : Tensor
            A layer's inputs, of any shape.
        """
        full, unity = self.full(x), x.new_ones(())
        if self.bits is None:
            return x, unity, full
        return quantised(x, full, self.bits), quantised(unity, full, self.bits), full

    def full(self, x: Tensor) -> Tensor:
        """Return the input that gets the full voltage, for a layer's inputs x.

        Parameters
        ----------
        x : Tensor
            A layer's inputs, of any shape.

        Raises
        ------
        InputError
            Inputs that are observed are not finite.
        NotProgrammedError
            The range is to come from data, and outputs depend on it.
        """
        fixed = self.hardware.dac.range
        if self.observer.enabled:
            largest = self._largest(x)
            if not torch.isfinite(largest):
                raise InputError(f"inputs of {self.label} in calibration are not finite: leave such batches out")
            self.observer(largest)
        if not isinstance(fixed, str):
            return x.new_tensor(fixed)
        if fixed == "batch":
            return _or_unity(self._largest(x))
        if fixed == "full":
            return x.new_ones(())
        largest_input = self.observer.largest if self.observer.enabled else self.range
        if largest_input >= 0.0:
            return _or_unity(largest_input.to(x))
        if not self.rounding:
            return _or_unity(self._largest(x))
        self._check_calibrated()
        return x.new_ones(())

    def _largest(self, x: Tensor) -> Tensor:
        """Return the largest magnitude of inputs; a row of biases has an input of 1."""
        largest = x.detach().abs().amax() if x.numel() else x.new_zeros(())
        return largest.clamp(min=1.0) if self.bias_row else largest

    def _check_calibrated(self) -> None:
        """Refuse a layer without an input range, where outputs depend on it."""
        hardware = self.hardware
        if hardware.dac.bits is not None:
            raise self._unseen("a DAC")
        if not hardware.law.linear:
            raise self._unseen("a DAC", f", and the currents of {hardware.law.kind} cells depend on it")
        if hardware.adc.range == "calibrated" and hardware.adc.bits is not None:
            raise self._unseen("an ADC")
        if volts_count(hardware):
            raise self._unseen("a DAC", ", and the currents that its ADC sees depend on it")

    def extra_repr(self) -> str:
        """Return what ``print`` shows."""
        return f"bits={self.hardware.dac.bits}, range={self.hardware.dac.range}"


class OutputConverter(RangedConverter):
    """The ADC of a layer's columns, one for each; what shares a range is the hardware's.

    Parameters
    ----------
    hardware : Hardware
        Its ``adc`` is what it is.
    device : torch.device
        Where the range is kept.
    shapes : sequence of (rows, cols)
        Of the layer's arrays.
    """

    def __init__(self, hardware: Hardware, device: torch.device, shapes: Sequence[tuple[int, int]]) -> None:
        super().__init__(hardware, (sum(cols for _, cols in shapes),), device)
        self.shapes = tuple(shapes)

    def fit(self, shapes: Sequence[tuple[int, int]]) -> None:
        """Take other arrays; columns that are more or fewer have no range.

        Parameters
        ----------
        shapes : sequence of (rows, cols)
            Of the layer's arrays, in their order.
        """
        self.shapes = tuple(shapes)
        columns = sum(cols for _, cols in shapes)
        if columns != self.range.numel():
            self.range = unseen((columns,), self.range.device)
            self.observer.largest = self.range.clone()

    def forward(self, currents: Tensor) -> Tensor:
        """Return the currents of all arrays side by side, (batch, columns), as they are read.

        Parameters
        ----------
        currents : (batch, columns) Tensor
            Amperes, all arrays side by side.
        """
        if self.observer.enabled:
            self.observer(_columns(currents))
        bits = self.hardware.adc.bits
        return currents if bits is None or not self.rounding else quantised(currents, self.full(currents), bits)

    def full(self, currents: Tensor) -> Tensor:
        """Return the full scale: of all, or of each column.

        Parameters
        ----------
        currents : (batch, columns) Tensor
            Amperes, all arrays side by side; they count where the range is the batch's.

        Raises
        ------
        NotProgrammedError
            The range is to come from data.
        """
        hardware, fixed = self.hardware, self.hardware.adc.range
        if fixed == "full":
            lrs = hardware.cells.g_on * hardware.encoding.volts
            return currents.new_tensor([lrs * rows for rows, cols in self.shapes for _ in range(cols)])
        if not isinstance(fixed, str):
            return currents.new_tensor(fixed)
        if fixed == "batch":
            return self._shared(_columns(currents))
        if (self.range < 0.0).any():
            raise self._unseen("an ADC")
        return self._shared(self.range.to(currents))

    def _shared(self, columns: Tensor) -> Tensor:
        """Return what columns, or arrays, or the whole layer share of the columns' largest currents."""
        per = self.hardware.adc.per
        if per == "layer":
            return columns.amax()
        if per == "column":
            return columns
        widths = [cols for _, cols in self.shapes]
        largest = torch.stack([part.amax() for part in torch.split(columns, widths)])
        return largest.repeat_interleave(torch.tensor(widths, device=columns.device))

    def extra_repr(self) -> str:
        """Return what ``print`` shows."""
        adc = self.hardware.adc
        return f"bits={adc.bits}, range={adc.range}, per={adc.per}"


def _or_unity(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, torch.ones_like(size))


def _columns(currents: Tensor) -> Tensor:
    """Return the largest magnitude of each column."""
    return currents.detach().abs().amax(dim=0) if len(currents) else currents.new_zeros(currents.shape[1])
