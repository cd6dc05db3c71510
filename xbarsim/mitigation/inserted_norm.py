"""A BatchNorm behind a layer that has none: the identity at first, and digital gain and shift in the end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xbarsim.mitigation.plan import LayerPlan, Plan


class InsertedNorm(nn.Module):
    """Statistics of a layer's outputs, and what brings outputs of other statistics back to them.

    ``y = gamma (x - mean) / sqrt(var + eps) + beta`` with gamma = sqrt(v0 + eps) and beta = m0, where m0 and v0 are the
    first mean and variance.

    Parameters
    ----------
    mean, variance : (outputs,) tensor
        m0 and v0.
    dim : int
        In which dimension outputs lie.
    momentum : float
        Of PyTorch's running statistics.
    """

    def __init__(self, mean: Tensor, variance: Tensor, dim: int, momentum: float) -> None:
        super().__init__()
        self.dim = dim
        self.norm = nn.BatchNorm1d(len(mean), momentum=momentum).to(mean)
        with torch.no_grad():
            self.norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            self.norm.running_var.copy_(variance)  # type: ignore[union-attr]
            self.norm.weight.copy_((variance.double() + self.norm.eps).sqrt())
            self.norm.bias.copy_(mean)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs normalised: by the batch and with running statistics moved in training, else by those.

        Parameters
        ----------
        x : Tensor
            The layer's outputs; its dimension ``dim`` counts outputs.
        """
        last = x.movedim(self.dim, -1)
        flat: Tensor = self.norm(last.reshape(-1, last.shape[-1]))
        return flat.reshape(last.shape).movedim(-1, self.dim)

    def affine(self) -> tuple[Tensor, Tensor]:
        """Return the gain and the shift, one an output and in double precision, that it is in evaluation mode."""
        assert self.norm.running_mean is not None
        assert self.norm.running_var is not None
        gain = self.norm.weight.detach().double() / (self.norm.running_var.double() + self.norm.eps).sqrt()
        return gain, self.norm.bias.detach().double() - gain * self.norm.running_mean.double()


@dataclass
class Moments:
    """Mean and unbiased variance of outputs, gathered batch by batch."""

    count: int = 0
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, outputs: Tensor, dim: int) -> None:
        """Take up a batch whose outputs lie in a dimension.

        Parameters
        ----------
        outputs : Tensor
            A batch of them.
        dim : int
            Which dimension counts outputs.
        """
        flat = outputs.movedim(dim, -1).reshape(-1, outputs.shape[dim]).double()
        self.count += len(flat)
        self.total = self.total + flat.sum(dim=0)
        self.squares = self.squares + (flat * flat).sum(dim=0)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance."""
        mean = torch.as_tensor(self.total) / self.count
        variance = (torch.as_tensor(self.squares) - self.count * mean * mean) / (self.count - 1)
        return mean.float(), variance.clamp(min=0.0).float()


def folded(plan: Plan, name: str, norm: InsertedNorm, bias: Tensor | None) -> Plan:
    """Return a plan whose layer is followed by a norm, as a gain and a shift that are digital.

    ``gain (g p + A x + b + s) + shift`` is again a gain, an addend and a shift behind the same bias b.

    Parameters
    ----------
    plan, name
        The plan, and the layer in it.
    norm : InsertedNorm
        What is to follow it.
    bias : (outputs,) tensor, optional
        The layer's.
    """
    settled: LayerPlan = plan.layer(name)
    gain, shift = norm.affine()
    before = torch.zeros_like(gain) if bias is None else bias.detach().double()
    if settled.shift is not None:
        shift = shift + gain * settled.shift.double()
    shift = shift + (gain - 1.0) * before
    whole = gain if settled.gain is None else gain * settled.gain.double()

    def by_rows(matrix: Tensor | None) -> Tensor | None:
        return None if matrix is None else matrix * gain.to(matrix).reshape(-1, *[1] * (matrix.dim() - 1))

    return plan.with_layer(
        name,
        gain=whole.float(),
        shift=shift.float(),
        sram=by_rows(settled.sram),
        correction=by_rows(settled.correction),
    )
