"""Networks of the user's code: ``module:function`` or ``file.py:function``, which is imported and called."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xbarsim.errors import InputError
from xbarsim.unread import unread


def is_builder(spec: str) -> bool:
    """Tell whether a network is asked for by a function that returns it."""
    return ":" in spec and not Path(spec).exists()


def lasting(spec: str) -> str:
    """Return what names the same function in another folder too: files by their whole path, modules as they are."""
    where, _, name = spec.rpartition(":")
    return f"{Path(where).resolve()}:{name}" if where.endswith(".py") else spec


def build(spec: str, seed: int | None = None) -> nn.Module:
    """Return what a builder makes; the user's code runs.

    Parameters
    ----------
    spec : str
        ``module:function`` or ``file.py:function``, without arguments.
    seed : int, optional
        Of torch's generator meanwhile, which is left as it is; None: the generator is the caller's.

    Raises
    ------
    InputError
        It cannot be imported, fails, or returns no module.
    """
    if seed is None:
        return _returned(spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _returned(spec)


def _returned(spec: str) -> nn.Module:
    where, _, name = spec.rpartition(":")
    builder = _builder(where, name)
    try:
        model = builder()
    except Exception as error:
        raise InputError(f"{spec}() failed: {type(error).__name__}: {error}") from error
    if not isinstance(model, nn.Module):
        raise InputError(f"{spec}() returned {type(model).__name__}: it must return a torch.nn.Module")
    return model


def _builder(where: str, name: str) -> Callable[[], Any]:
    """Import what makes a network."""
    try:
        if where.endswith(".py"):
            place = importlib.util.spec_from_file_location(Path(where).stem, where)
            if place is None or place.loader is None:
                raise InputError(f"{where} is no Python file")
            module = importlib.util.module_from_spec(place)
            place.loader.exec_module(module)
        else:
            if str(Path.cwd()) not in sys.path:
                sys.path.insert(0, str(Path.cwd()))
            module = importlib.import_module(where)
    except InputError:
        raise
    except OSError as error:
        raise unread(where, error) from None
    except Exception as error:
        raise InputError(f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    builder = getattr(module, name, None)
    if not callable(builder):
        raise InputError(f"{where} has no function {name!r}")
    factory: Callable[[], Any] = builder
    return factory
