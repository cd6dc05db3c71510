"""Models onto crossbars: a copy in which layers are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn.copies import copied
from xbarsim.nn.folding import fold
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.module_kinds import check_no_matrix, digital_matrices, on_crossbars, supported
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.selection import Digital, Selection, check_name, hardware_for


def convert(
    model: nn.Module,
    hardware: Hardware,
    *,
    overrides: Mapping[str, Hardware] | None = None,
    digital: Digital = (),
    fold_batchnorm: bool | Literal["outputs"] = True,
    bias: Literal["digital", "row"] = "digital",
) -> CrossbarNetwork:
    """Put a model's layers on crossbars.

    Parameters
    ----------
    model : Module
        A torch model; it is left as it is.
    hardware : Hardware
        What its layers run on.
    overrides : mapping of str to Hardware, optional
        Other hardware for layers of these names, or for all layers below them.
    digital : str, callable, or several of them
        What stays in torch: names of modules, with all below, or of parameters; or predicates of (name, module).
    fold_batchnorm : bool or "outputs"
        Whether a BatchNorm becomes part of the layer right before it, where nothing else sees that layer's output:
        True: of its weights; ``"outputs"``: of its digital gain and shift, so that cells hold the model's own weights.
        It is then that of ``eval()``; one in training mode stays as it is.
    bias : {"digital", "row"}
        Whether biases are added digitally, or are one more row of cells.

    Returns
    -------
    CrossbarNetwork
        A copy; ``program(seed)`` makes its chips.

    Raises
    ------
    InputError
        A layer is not supported, its weights are empty or not finite, a name means none, or no layer is left.
    """
    _check_arguments(model, hardware, overrides, bias, fold_batchnorm)
    return _converted(copied(model), hardware, overrides, digital, fold_batchnorm, bias)


def laid_out(
    model: nn.Module,
    hardware: Hardware,
    *,
    overrides: Mapping[str, Hardware] | None = None,
    digital: Digital = (),
    fold_batchnorm: bool = True,
    bias: Literal["digital", "row"] = "digital",
) -> CrossbarNetwork:
    """Return the network that ``convert`` would make, without numbers: layers and their arrays, on the meta device.

    Parameters
    ----------
    model, hardware, overrides, digital, fold_batchnorm, bias
        As for ``convert``; the model may be on the meta device.

    Raises
    ------
    InputError
        As ``convert``; but numbers are not looked at.
    """
    _check_arguments(model, hardware, overrides, bias, fold_batchnorm)
    bare = copied(model, shapes_only=True)
    return _converted(bare, hardware, overrides, digital, fold_batchnorm, bias, shapes_only=True)


def _converted(
    inner: nn.Module,
    hardware: Hardware,
    overrides: Mapping[str, Hardware] | None,
    digital: Digital,
    fold_batchnorm: bool | Literal["outputs"],
    bias: Literal["digital", "row"],
    *,
    shapes_only: bool = False,
) -> CrossbarNetwork:
    """Return a model of its own as a network, its layers replaced."""
    overrides = dict(overrides or {})
    left = Selection(digital, inner)
    norms = fold(inner, left, into="outputs" if fold_batchnorm == "outputs" else "weights") if fold_batchnorm else {}
    modules = dict(inner.named_modules(remove_duplicate=False))
    for name in overrides:
        check_name("overrides", name, [path for path in modules if path])
    converter = _Converter(hardware, overrides, left, bias == "row", shapes_only)
    whole = converter.converted("", inner)
    if not converter.layer_names:
        raise InputError("the model has no layer to put on crossbars: it needs a Linear, Conv1d, Conv2d, ...")
    for name in overrides:
        if not any(path == name or path.startswith(f"{name}.") for path in converter.layer_names):
            raise InputError(f"overrides names {name!r}, which holds no layer on crossbars")
    for name, (gain, shift) in norms.items():
        layer = whole.get_submodule(name)
        assert isinstance(layer, CrossbarLayer)
        layer.normalise(gain, shift)
    _through_submodules(whole)
    return CrossbarNetwork(whole, hardware, converter.matrices)


def _check_arguments(model: object, hardware: object, overrides: object, bias: object, fold_batchnorm: object) -> None:
    if not isinstance(model, nn.Module):
        raise InputError(f"model is {type(model).__name__}: it must be a torch.nn.Module")
    if isinstance(model, CrossbarNetwork):
        raise InputError("the model is on crossbars already: convert its to_torch(), or what it was made from")
    if not isinstance(hardware, Hardware):
        raise InputError(f"hardware is {hardware!r}: it must be Hardware(...) or preset(...)")
    if overrides is not None and not isinstance(overrides, Mapping):
        raise InputError(f"overrides is {overrides!r}: it must be a dictionary of names and Hardware(...)")
    for name, override in (overrides or {}).items():
        if not isinstance(override, Hardware):
            raise InputError(f"overrides[{name!r}] is {override!r}: it must be Hardware(...)")
    if bias not in ("digital", "row"):
        raise InputError(f"bias is {bias!r}: it must be digital or row")
    if fold_batchnorm not in (True, False, "outputs"):
        raise InputError(f"fold_batchnorm is {fold_batchnorm!r}: it must be True, False or 'outputs'")


class _Converter:
    """Walks a model and replaces what goes onto crossbars; a module that occurs twice is replaced by one."""

    def __init__(
        self,
        hardware: Hardware,
        overrides: dict[str, Hardware],
        left: Selection,
        bias_row: bool,
        shapes_only: bool,
    ) -> None:
        self._hardware, self._overrides, self._left = hardware, overrides, left
        self._choices = {"bias_row": bias_row, "shapes_only": shapes_only}
        self._copies: dict[int, nn.Module] = {}
        self.layer_names: list[str] = []
        self.matrices: list[str] = []

    def converted(self, name: str, module: nn.Module) -> nn.Module:
        """Return what takes a module's place."""
        if id(module) not in self._copies:
            self._copies[id(module)] = self._replaced(name, module)
        return self._copies[id(module)]

    def _replaced(self, name: str, module: nn.Module) -> nn.Module:
        if self._left(name, module):
            return module
        if supported(module):
            self.layer_names.append(name)
            hardware = hardware_for(name, self._hardware, self._overrides)
            return on_crossbars(name, module, hardware, **self._choices)
        check_no_matrix(name, module, self._left)
        self.matrices += digital_matrices(name, module, self._left)
        for attribute, child in module._modules.items():
            if child is not None:
                module._modules[attribute] = self.converted(f"{name}.{attribute}" if name else attribute, child)
        return module


def _through_submodules(model: nn.Module) -> None:
    """Keep torch's transformers from their kernels that take weights from layers instead of calling them."""
    for module in model.modules():
        if any(isinstance(child, CrossbarLayer) for child in module.modules()):
            if isinstance(module, nn.TransformerEncoderLayer):
                module.activation_relu_or_gelu = 0
            if isinstance(module, nn.TransformerEncoder):
                module.use_nested_tensor = False
