"""Which module follows which: a model is called with placeholders, and what it calls is recorded.

torch.fx's own ``Tracer`` puts itself in the place of ``nn.Module.__call__`` while it works, for all threads of the
process. Here a stand-in of the model is called instead, whose modules record themselves; the model, its classes and
torch stay as they are.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.proxy import GraphAppendingTracer

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class _Recorder(GraphAppendingTracer):
    """Makes nodes of what is called; of tensors that a model hands over itself it keeps the identity."""

    def __init__(self, graph: fx.Graph) -> None:
        super().__init__(graph)
        self.handed_over: set[int] = set()

    def create_arg(self, a: Any) -> Any:
        """Return what stands for an argument in the graph."""
        if isinstance(a, Tensor):
            self.handed_over.add(id(a))
            return self.create_node("get_attr", "constant", (), {})
        return super().create_arg(a)


def recorded(module: nn.Module) -> tuple[fx.Graph, set[int]]:
    """Return the graph of a module's calls, and which tensors it reads past the modules that own them.

    Raises
    ------
    Exception
        Whatever the model raises when it is called with placeholders.
    """
    graph = fx.Graph()
    recorder = _Recorder(graph)
    stand_in = _stand_in(module, "", recorder, {})
    positional, keywords = [], {}
    for parameter in inspect.signature(stand_in.forward).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional.append(recorder.create_proxy("placeholder", parameter.name, (), {}))
        elif parameter.kind is parameter.KEYWORD_ONLY:
            keywords[parameter.name] = recorder.create_proxy("placeholder", parameter.name, (), {})
    graph.output(recorder.create_arg(stand_in.forward(*positional, **keywords)))
    return graph, recorder.handed_over


def _stand_in(module: nn.Module, path: str, recorder: _Recorder, copies: dict[int, nn.Module]) -> nn.Module:
    """Return a module of the same class and attributes, whose parts are stand-ins; torch's own record their calls."""
    if id(module) in copies:
        return copies[id(module)]
    kind = type(module)
    attributes = dict(module.__dict__)
    if kind.__module__.startswith("torch.nn") and not isinstance(module, _CONTAINERS) and path:

        def forward(_: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.create_proxy("call_module", path, args, kwargs)

        def read(self: nn.Module, name: str) -> Any:
            value = nn.Module.__getattr__(self, name)
            if isinstance(value, Tensor):
                recorder.handed_over.add(id(value))
            return value

        kind = type(kind.__name__, (kind,), {"forward": forward, "__getattr__": read})
        attributes |= {name: OrderedDict() for name in attributes if name.startswith("_forward_") and "hooks" in name}
    copy: nn.Module = kind.__new__(kind)
    copies[id(module)] = copy
    attributes["_modules"] = {
        name: child and _stand_in(child, f"{path}.{name}" if path else name, recorder, copies)
        for name, child in module._modules.items()
    }
    copy.__dict__.update(attributes)
    return copy
