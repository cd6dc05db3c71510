"""Recurrent layers on crossbars: their linear maps on arrays, gates and states digital."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from xbarsim.errors import InputError
from xbarsim.nn.feedforward import CrossbarLinear
from xbarsim.nn.gates import State, steps, update
from xbarsim.nn.hardware import Hardware

_KERNELS: dict[str, Any] = {
    "LSTM": torch.lstm, "GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu,
}  # fmt: skip


class CrossbarRecurrent(nn.Module):
    """``torch.nn.RNN``, ``LSTM`` or ``GRU``; each weight matrix is a ``CrossbarLinear``.

    They are called ``ih_l0``, ``hh_l0``, ``hr_l0`` (of ``proj_size``), ``ih_l0_reverse`` and so on. Without converters
    torch's own kernels run on the matrices that the circuit really multiplies by; with them every step goes through
    the arrays.

    Parameters
    ----------
    layer : nn.RNN, nn.LSTM or nn.GRU
        What it takes the place of; it stays as it is.
    hardware : Hardware
        The arrays.
    bias_row : bool
        Whether biases are a row of cells.
    """

    def __init__(self, layer: nn.RNNBase, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        self.mode = layer.mode
        self.input_size, self.hidden_size, self.proj_size = layer.input_size, layer.hidden_size, layer.proj_size
        self.num_layers, self.bias, self.batch_first = layer.num_layers, layer.bias, layer.batch_first
        self.dropout, self.bidirectional = float(layer.dropout), layer.bidirectional
        for end in self._ends:
            for kind in ("ih", "hh"):
                weight, bias = getattr(layer, f"weight_{kind}_{end}"), getattr(layer, f"bias_{kind}_{end}", None)
                self.add_module(f"{kind}_{end}", CrossbarLinear(weight, bias, hardware, bias_row=bias_row))
            if self.proj_size:
                self.add_module(f"hr_{end}", CrossbarLinear(getattr(layer, f"weight_hr_{end}"), None, hardware))

    @property
    def _ends(self) -> list[str]:
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [f"l{k}{direction}" for k in range(self.num_layers) for direction in directions]

    def _linear(self, kind: str, end: str) -> CrossbarLinear:
        linear = self._modules[f"{kind}_{end}"]
        assert isinstance(linear, CrossbarLinear)
        return linear

    def flatten_parameters(self) -> None:
        """Do nothing: models call this before a forward pass, for kernels that are not used here."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Return outputs and last states, as the torch layer does, for the same forms of input; or InputError.

        Parameters
        ----------
        input : Tensor or PackedSequence
            (batch, time, features) with ``batch_first``, else (time, batch, features), or without the batch.
        hx : Tensor or pair of them, optional
            First states (layers * directions, batch, size), of an LSTM those of its cells too; None: 0.
        """
        x = input
        if isinstance(x, PackedSequence):
            states = self._states(x.data, int(x.batch_sizes[0]), hx, batched=True)
            data, states = self._run(x.data, x.batch_sizes, _reordered(states, x.sorted_indices))
            packed = PackedSequence(data, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
            return packed, self._returned(_reordered(states, x.unsorted_indices))
        if x.dim() not in (2, 3):
            raise InputError(f"x has shape {tuple(x.shape)}: it must have 2 axes, or 3 with a batch")
        batched = x.dim() == 3
        series = x[:, None] if not batched else x.transpose(0, 1) if self.batch_first else x
        states = self._states(series, series.shape[1], hx, batched=batched)
        outputs, states = self._run(series, None, states)
        if not batched:
            return outputs[:, 0], self._returned([state[:, 0] for state in states])
        return outputs.transpose(0, 1) if self.batch_first else outputs, self._returned(states)

    def _states(self, x: Tensor, batch: int, hx: Any, *, batched: bool) -> State:
        """Return the first states, (layers * directions, batch, size) each."""
        if x.shape[-1] != self.input_size:
            raise InputError(f"x has {x.shape[-1]} features: the layer has {self.input_size} inputs")
        sizes = [self.proj_size or self.hidden_size] + ([self.hidden_size] if self.mode == "LSTM" else [])
        shapes = [(len(self._ends), batch, size) for size in sizes]
        if hx is None:
            return [x.new_zeros(shape) for shape in shapes]
        states = list(hx) if self.mode == "LSTM" else [hx]
        states = states if batched else [state[:, None] for state in states]
        for state, shape in zip(states, shapes, strict=True):
            if tuple(state.shape) != shape:
                raise InputError(f"hx has shape {tuple(state.shape)}: it must be {shape}")
        return states

    def _returned(self, states: State) -> Any:
        return tuple(states) if self.mode == "LSTM" else states[0]

    def _run(self, x: Tensor, batch_sizes: Tensor | None, states: State) -> tuple[Tensor, State]:
        """Return outputs and last states of a series (time, batch, features), or of a packed one."""
        layers = [layer for layer in self.children() if isinstance(layer, CrossbarLinear)]
        # torch's kernels have nothing that is added behind a projection.
        projections = [self._linear("hr", end) for end in self._ends] if self.proj_size else []
        if not all(layer.exact for layer in layers) or any(layer.shift is not None for layer in projections):
            return self._stepwise(x, batch_sizes, states)
        for layer in layers:
            layer.reached = True
        weights = []
        for end in self._ends:
            pairs = [self._linear(kind, end).whole_parameters() for kind in ("ih", "hh")]
            weights += [weight for weight, _ in pairs] + [bias for _, bias in pairs if bias is not None]
            if self.proj_size:
                weights.append(self._linear("hr", end).whole_parameters()[0])
        hidden = states if self.mode == "LSTM" else states[0]
        how = (self.bias, self.num_layers, self.dropout if self.training else 0.0, self.training, self.bidirectional)
        kernel = _KERNELS[self.mode]
        if batch_sizes is None:
            outputs, *last = kernel(x, hidden, weights, *how, False)
        else:
            outputs, *last = kernel(x, batch_sizes, hidden, weights, *how)
        return outputs, last

    def _stepwise(self, x: Tensor, batch_sizes: Tensor | None, states: State) -> tuple[Tensor, State]:
        sizes = [x.shape[1]] * len(x) if batch_sizes is None else batch_sizes.tolist()
        data = x.reshape(-1, x.shape[-1])
        directions = 2 if self.bidirectional else 1
        last: list[State] = []
        for k in range(self.num_layers):
            outs = []
            for end in self._ends[k * directions : (k + 1) * directions]:
                first = [state[len(last)] for state in states]
                out, final = self._series(end, data, sizes, first)
                outs.append(out)
                last.append(final)
            data = torch.cat(outs, dim=1)
            if k + 1 < self.num_layers and self.dropout:
                data = nn.functional.dropout(data, self.dropout, self.training)
        outputs = data if batch_sizes is not None else data.reshape(*x.shape[:2], -1)
        return outputs, [torch.stack(state) for state in zip(*last, strict=True)]

    def _series(self, end: str, data: Tensor, sizes: list[int], state: State) -> tuple[Tensor, State]:
        """Run one direction of one layer; steps have as many rows as there are series that long, the longest first."""
        inputs = torch.split(self._linear("ih", end)(data), sizes)
        outs: list[Tensor] = [data] * len(sizes)
        order = range(len(sizes) - 1, -1, -1) if end.endswith("_reverse") else range(len(sizes))
        hh, hr = self._linear("hh", end), self._linear("hr", end) if self.proj_size else None
        with hh.one_read(), hr.one_read() if hr else nullcontext():
            for t in order:
                rows = sizes[t]
                now = [part[:rows] for part in state]
                new = update(self.mode, inputs[t], hh(now[0]), now)
                if hr:
                    new[0] = hr(new[0])
                outs[t] = new[0]
                state = [torch.cat([part, old[rows:]]) for part, old in zip(new, state, strict=True)]
        return torch.cat(outs), state

    def to_torch(self) -> nn.RNNBase:
        """Return a torch layer with the weights as they are now, without any hardware."""
        sizes: dict[str, Any] = {"proj_size": self.proj_size} if self.mode == "LSTM" else {}
        if self.mode.startswith("RNN"):
            sizes["nonlinearity"] = self.mode[4:].lower()
        kind: Any = {"LSTM": nn.LSTM, "GRU": nn.GRU}.get(self.mode, nn.RNN)
        layer: nn.RNNBase = kind(
            self.input_size, self.hidden_size, self.num_layers, bias=self.bias, batch_first=self.batch_first,
            dropout=self.dropout, bidirectional=self.bidirectional, **sizes,
        )  # fmt: skip
        _give_weights(layer, self, self._ends)
        return layer


class CrossbarCell(nn.Module):
    """``torch.nn.RNNCell``, ``LSTMCell`` or ``GRUCell``; its maps are the ``CrossbarLinear`` ``ih`` and ``hh``.

    Parameters
    ----------
    cell : nn.RNNCellBase
        What it takes the place of; it stays as it is.
    hardware : Hardware
        The arrays.
    bias_row : bool
        Whether biases are a row of cells.
    """

    def __init__(self, cell: nn.RNNCellBase, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = cell.input_size, cell.hidden_size, cell.bias
        kind = {nn.LSTMCell: "LSTM", nn.GRUCell: "GRU"}.get(type(cell), "RNN")
        self.mode = kind if kind != "RNN" else f"RNN_{str(cell.nonlinearity).upper()}"
        self.ih = CrossbarLinear(cell.weight_ih, cell.bias_ih, hardware, bias_row=bias_row)
        self.hh = CrossbarLinear(cell.weight_hh, cell.bias_hh, hardware, bias_row=bias_row)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        """Return the next state, as the torch cell does.

        Parameters
        ----------
        input : (batch, features) or (features,) tensor
            One step's inputs.
        hx : Tensor or pair of them, optional
            The state before, (batch, size), of an LSTM that of its cell too; None: 0.
        """
        x = input
        batched = x.dim() == 2
        rows = x if batched else x[None]
        if hx is None:
            state = [rows.new_zeros((len(rows), self.hidden_size)) for _ in range(steps(self.mode))]
        else:
            states = list(hx) if self.mode == "LSTM" else [hx]
            state = states if batched else [part[None] for part in states]
        following = update(self.mode, self.ih(rows), self.hh(state[0]), state)
        following = following if batched else [part[0] for part in following]
        return tuple(following) if self.mode == "LSTM" else following[0]

    def to_torch(self) -> nn.RNNCellBase:
        """Return a torch cell with the weights as they are now, without any hardware."""
        kind: Any = {"LSTM": nn.LSTMCell, "GRU": nn.GRUCell}.get(self.mode, nn.RNNCell)
        more = {"nonlinearity": self.mode[4:].lower()} if self.mode.startswith("RNN") else {}
        cell: nn.RNNCellBase = kind(self.input_size, self.hidden_size, bias=self.bias, **more)
        _give_weights(cell, self, [""])
        return cell


def _reordered(states: State, order: Tensor | None) -> State:
    return states if order is None else [state.index_select(1, order) for state in states]


def _give_weights(layer: nn.Module, source: nn.Module, ends: list[str]) -> None:
    """Give a torch layer the weights of ``source``'s linear maps, their type and its mode."""
    first = next(source.parameters())
    layer.to(first)
    with torch.no_grad():
        for end in ends:
            tail = f"_{end}" if end else ""
            for kind in ("ih", "hh", "hr"):
                linear = source._modules.get(f"{kind}{tail}")
                if isinstance(linear, CrossbarLinear):
                    for name, value in (("weight", linear.weight), ("bias", linear.bias)):
                        if value is not None:
                            parameter = getattr(layer, f"{name}_{kind}{tail}")
                            parameter.copy_(value)
                            parameter.requires_grad_(value.requires_grad)
    layer.train(source.training)
