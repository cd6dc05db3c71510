"""Wires without a solve: the approximate maps that trainings take in place of the circuit, with torch's gradients.

With the cells G (rows x cols) of an array, ``R_w`` what two cells of a word line share on their way from the source and
``R_b`` what two of a bit line share on their way to the virtual ground, in ohms::

    R_w(j, j') = R_s + r_w min(j, j'),    R_b(i, i') = R_n + r_b min(rows - 1 - i, rows - 1 - i')
    A = G R_w,    B = R_b G

``A_ij`` is the share of its source's volts that is lost on the way to cell (i, j) if all cells carry ``G V``, ``B_ij``
likewise on the way from it. Three forms are in use:

- path: each cell alone, ``G_ij / (1 + G_ij (R_w(j, j) + R_b(i, i)))``, as if no other cell carried a current;
- first order: ``G (1 - A - B)``, the exact first term in the resistances; below 0 where they are large;
- dividers: ``G / ((1 + A) (1 + B))``, the same to first order, and never below 0; without segments it is
  :mod:`xbarsim.nn.closed_form`.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Form = Literal["path", "first-order", "dividers"]
FORMS: tuple[str, ...] = get_args(Form)


def approximate(form: Form, conductance: Tensor, source: Tensor, word: float, bit: float, sense: float) -> Tensor:
    """Return an array's map by one of the forms.

    Parameters
    ----------
    form : {"path", "first-order", "dividers"}
        As above.
    conductance : (rows, cols) tensor, float64
        Siemens; gradients reach them.
    source : (rows,) tensor, float64
        R_s in ohms; infinite where a line is off, which drives nothing and is taken to load nothing.
    word, bit : float
        Ohms of a segment, r_w and r_b.
    sense : float
        R_n in ohms.

    Returns
    -------
    (rows, cols) tensor
        Siemens.
    """
    driven = source.isfinite()[:, None]
    ends = source.where(driven[:, 0], source.new_tensor(0.0))[:, None]
    connected = conductance * driven
    rows, cols = conductance.shape
    from_source = torch.arange(cols, dtype=conductance.dtype)
    to_sense = torch.arange(rows - 1, -1, -1, dtype=conductance.dtype)
    if form == "path":
        return connected / (1.0 + connected * (ends + word * from_source + sense + bit * to_sense[:, None]))
    shared_word = word * torch.minimum(from_source[:, None], from_source)
    shared_bit = sense + bit * torch.minimum(to_sense[:, None], to_sense)
    lost = ends * connected.sum(dim=1, keepdim=True) + connected @ shared_word
    risen = shared_bit @ connected
    if form == "first-order":
        return connected * (1.0 - lost - risen)
    return connected / ((1.0 + lost) * (1.0 + risen))
