"""Multi-head attention on crossbars: its four linear maps on arrays, the attention itself digital."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn.feedforward import CrossbarLinear
from xbarsim.nn.hardware import Hardware


class CrossbarAttention(nn.Module):
    """``torch.nn.MultiheadAttention``; ``q_proj``, ``k_proj``, ``v_proj`` and ``out_proj`` are ``CrossbarLinear``.

    Parameters
    ----------
    layer : nn.MultiheadAttention
        What it takes the place of; it stays as it is.
    hardware : Hardware
        The arrays.
    bias_row : bool
        Whether biases are a row of cells.
    """

    # torch's transformers ask for these before they take kernels of their own, which would go past the crossbars.
    _qkv_same_embed_dim = False
    in_proj_weight = None
    in_proj_bias = None

    def __init__(self, layer: nn.MultiheadAttention, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        self.embed_dim, self.num_heads, self.kdim, self.vdim = layer.embed_dim, layer.num_heads, layer.kdim, layer.vdim
        self.head_dim = layer.head_dim
        self.dropout, self.batch_first, self.add_zero_attn = layer.dropout, layer.batch_first, layer.add_zero_attn
        biases: Any = (None, None, None) if layer.in_proj_bias is None else layer.in_proj_bias.chunk(3)
        if layer.in_proj_weight is not None:
            weights: Any = layer.in_proj_weight.chunk(3)
        else:
            weights = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
        self.q_proj, self.k_proj, self.v_proj = (
            CrossbarLinear(weight, bias, hardware, bias_row=bias_row)
            for weight, bias in zip(weights, biases, strict=True)
        )
        self.out_proj = CrossbarLinear(layer.out_proj.weight, layer.out_proj.bias, hardware, bias_row=bias_row)
        self.bias_k = None if layer.bias_k is None else nn.Parameter(layer.bias_k.detach().clone())
        self.bias_v = None if layer.bias_v is None else nn.Parameter(layer.bias_v.detach().clone())

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return outputs, and the attention's weights or None, as the torch layer does for the same arguments.

        Parameters
        ----------
        query, key, value : Tensor
            (batch, length, features) with ``batch_first``, else (length, batch, features), or without the batch.
        key_padding_mask : (batch, keys) tensor, optional
            True, or -inf to add, where a key is not to be looked at.
        need_weights : bool
            Whether the attention's weights are returned, too.
        attn_mask : (queries, keys) or (batch * heads, queries, keys) tensor, optional
            True where a query is not to look at a key, or what is added to the products.
        average_attn_weights : bool
            Whether weights are the mean over heads, (batch, queries, keys), or (batch, heads, queries, keys).
        is_causal : bool
            A hint of what ``attn_mask`` is; the mask counts.

        Raises
        ------
        InputError
            ``is_causal`` without a mask, or a mask of another shape.
        """
        if is_causal and attn_mask is None:
            raise InputError("attn_mask is None: is_causal only says of what kind it is")
        batched = query.dim() == 3
        if not batched:
            query, key, value = query[None], key[None], value[None]
            key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
        elif not self.batch_first:
            query, key, value = (tensor.transpose(0, 1) for tensor in (query, key, value))
        k, v = self.k_proj(key), self.v_proj(value)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (
                torch.cat([tensor, b.expand(len(tensor), 1, -1)], 1)
                for tensor, b in ((k, self.bias_k), (v, self.bias_v))
            )
        q, k, v = self._heads(self.q_proj(query)), self._heads(k), self._heads(v)
        if self.add_zero_attn:
            k, v = (functional.pad(tensor, (0, 0, 0, 1)) for tensor in (k, v))
        mask = self._mask(attn_mask, key_padding_mask, q, k.shape[2])
        mixed, weights = self._attended(q, k, v, mask, need_weights)
        outputs = self.out_proj(mixed.transpose(1, 2).flatten(2))
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if not batched:
            return outputs[0], None if weights is None else weights[0]
        return outputs if self.batch_first else outputs.transpose(0, 1), weights

    def _heads(self, x: Tensor) -> Tensor:
        """Return (batch, heads, length, head_dim) from (batch, length, embed_dim)."""
        return x.reshape(*x.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)

    def _mask(self, attention: Tensor | None, padding: Tensor | None, q: Tensor, length: int) -> Tensor | None:
        """Return what is added to the products, broadcast to (batch, heads, queries, keys)."""
        whole: Tensor | None = None
        if attention is not None:
            added = _added(attention, q)
            layers, queries = len(q) * self.num_heads, q.shape[2]
            if added.dim() not in (2, 3) or added.shape[-2] != queries or added.shape[:-2] not in ((), (layers,)):
                raise InputError(
                    f"attn_mask has shape {tuple(attention.shape)}: it must be ({queries}, keys) "
                    f"or ({layers}, {queries}, keys), of batch times heads"
                )
            whole = added if added.dim() == 2 else added.reshape(*q.shape[:3], -1)
            whole = functional.pad(whole, (0, length - whole.shape[-1]))
        if padding is not None:
            added = _added(padding, q)[:, None, None]
            added = functional.pad(added, (0, length - added.shape[-1]))
            whole = added if whole is None else whole + added
        return whole

    def _attended(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the values that each query gets, and their weights if they are asked for."""
        dropout = self.dropout if self.training else 0.0
        if not need_weights:
            return functional.scaled_dot_product_attention(q, k, v, mask, dropout), None
        products = (q * math.sqrt(1.0 / self.head_dim)) @ k.transpose(2, 3)
        weights = torch.softmax(products if mask is None else products + mask, dim=-1)
        weights = functional.dropout(weights, dropout) if dropout else weights
        return weights @ v, weights

    def to_torch(self) -> nn.MultiheadAttention:
        """Return a torch layer with the weights as they are now, without any hardware."""
        layer = nn.MultiheadAttention(
            self.embed_dim, self.num_heads, self.dropout, self.q_proj.bias is not None, self.bias_k is not None,
            self.add_zero_attn, self.kdim, self.vdim, self.batch_first,
        ).to(self.q_proj.weight)  # fmt: skip
        inner = (self.q_proj, self.k_proj, self.v_proj)
        with torch.no_grad():
            if layer.in_proj_weight is not None:
                layer.in_proj_weight.copy_(torch.cat([projection.weight for projection in inner]))
            else:
                for name, projection in zip("qkv", inner, strict=True):
                    getattr(layer, f"{name}_proj_weight").copy_(projection.weight)
            layer.out_proj.weight.copy_(self.out_proj.weight)
            if layer.in_proj_bias is not None and self.out_proj.bias is not None:
                layer.in_proj_bias.copy_(
                    torch.cat([projection.bias for projection in inner if projection.bias is not None])
                )
                layer.out_proj.bias.copy_(self.out_proj.bias)
            if self.bias_k is not None and layer.bias_k is not None:
                layer.bias_k.copy_(self.bias_k)
            if self.bias_v is not None and layer.bias_v is not None:
                layer.bias_v.copy_(self.bias_v)
        return layer.train(self.training)


def _added(mask: Tensor, like: Tensor) -> Tensor:
    """Return a mask as numbers: minus infinity where a boolean one is True."""
    if mask.dtype != torch.bool:
        return mask.to(like)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, -math.inf)
