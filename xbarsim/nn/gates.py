"""One step of a recurrent layer from what its linear maps gave: gates and states, as torch documents them."""

from __future__ import annotations

import torch
from torch import Tensor

State = list[Tensor]
"""The hidden state, and the cell state of an LSTM."""


def steps(mode: str) -> int:
    """Return how many states a mode has."""
    return 2 if mode == "LSTM" else 1


def update(mode: str, from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    """Return the next state.

    Parameters
    ----------
    mode : {"LSTM", "GRU", "RNN_TANH", "RNN_RELU"}
        Which equations.
    from_input, from_hidden : (batch, gates * size)
        ``W_ih x + b_ih`` and ``W_hh h + b_hh``.
    state : list of (batch, size)
        The state before.
    """
    if mode == "LSTM":
        i, f, g, o = (from_input + from_hidden).chunk(4, dim=1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return [torch.sigmoid(o) * torch.tanh(c), c]
    if mode == "GRU":
        reset, keep, new = from_input.chunk(3, dim=1)
        reset_h, keep_h, new_h = from_hidden.chunk(3, dim=1)
        n = torch.tanh(new + torch.sigmoid(reset + reset_h) * new_h)
        z = torch.sigmoid(keep + keep_h)
        return [(1.0 - z) * n + z * state[0]]
    whole = from_input + from_hidden
    return [torch.tanh(whole) if mode == "RNN_TANH" else torch.relu(whole)]
