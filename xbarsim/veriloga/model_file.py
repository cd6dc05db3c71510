"""A file with Verilog-A models, its source or what was compiled of it: the model that is meant, checked."""

from __future__ import annotations

import difflib
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.errors import InputError, UnseenSourceWarning
from xbarsim.unread import unread
from xbarsim.veriloga import va_compiler
from xbarsim.veriloga.compact_model import CompactModel, Value, checked_value
from xbarsim.veriloga.hidden_state import hidden_variables, timed_words
from xbarsim.veriloga.osdi_library import REAL, ModelParameter, OsdiLibrary, OsdiModule
from xbarsim.veriloga.va_words import allowed_range, module_words, words_of

_COMPILED = ".osdi"


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model, the file that it is of, and the ranges that its source gives for parameters; None without a source."""

    path: str
    module: OsdiModule
    ranges: Mapping[str, str] | None

    def parameter(self, name: str) -> ModelParameter:
        """Return a parameter by its name.

        Raises
        ------
        InputError
            There is none; the message says which are near.
        """
        entry = self.module.parameter(name)
        if entry is None:
            names = [entry.name for entry in self.module.parameters]
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names)}"
            raise InputError(f"the Verilog-A model {self.module.name} has no parameter {name!r}: {hint}")
        return entry

    def sorted(self, values: Mapping[str, ArrayLike | str]) -> tuple[dict[str, Value], dict[str, Array]]:
        """Return parameters as those that all cells share, and as arrays (rows, cols) those that cells have.

        Raises
        ------
        InputError
            A name is unknown or stands for a parameter that is given too, or a value is of another type.
        """
        shared: dict[str, Value] = {}
        arrays: dict[str, Array] = {}
        for name, value in values.items():
            entry = self.parameter(name)
            if entry.name in shared or entry.name in arrays:
                raise InputError(f"{name} is another name of {entry.name}, which is given too: leave one out")
            if np.ndim(value) == 0:
                shared[entry.name] = checked_value(entry, value)
            elif entry.type != REAL:
                raise InputError(
                    f"{name} has shape {np.shape(value)}: only real parameters can differ from cell to cell"
                )
            else:
                arrays[entry.name] = np.asarray(value, dtype=np.float64)
        return shared, arrays


def model_file(source: Any, module: str) -> ModelFile:
    """Open a source or a compiled file and find a model in it.

    Parameters
    ----------
    source : str or Path
        A Verilog-A source, which is compiled, or a library that was compiled of one, ``.osdi``.
    module : str
        The model's name; empty where the file has but one.

    Raises
    ------
    InputError
        There is no such file or model, no compiler, the source has errors, keeps values in variables between calls, or
        depends on time; or the library is of another machine or version.
    """
    path = Path(source)
    try:
        stamp = path.stat()
    except OSError as error:
        raise unread(path, error, give="a Verilog-A source") from None
    file = _module_of(str(path), stamp.st_mtime_ns, stamp.st_size, module)
    if file.ranges is None:
        warnings.warn(
            f"{path} is a compiled model: a state that its variables keep between calls would be lost unseen, give the "
            "source to have that checked",
            UnseenSourceWarning,
            stacklevel=4,
        )
    return file


@lru_cache(maxsize=256)
def prepared(
    file: ModelFile,
    shared: tuple[tuple[str, Value], ...],
    of_cells: tuple[tuple[str, bool], ...],
    kelvin: float,
    bounds: tuple[float, float] | None,
) -> CompactModel:
    """Return a file's model set up for cells; arguments are those of :class:`CompactModel`.

    Raises
    ------
    InputError
        As there.
    """
    return CompactModel(file.module, dict(shared), of_cells, kelvin, bounds, file.ranges or {})


@lru_cache(maxsize=256)
def _module_of(path: str, modified: int, size: int, module: str) -> ModelFile:
    library, words = _opened(path, modified, size)
    names = [entry.name for entry in library.modules]
    if not names:
        raise InputError(f"{path} has no module: a cell's model is one")
    if module and module not in names:
        raise InputError(f"{path} has no module {module!r}: it has {', '.join(names)}")
    if not module and len(names) > 1:
        raise InputError(f"{path} has the modules {', '.join(names)}: say which by module")
    model = library.modules[names.index(module) if module else 0]
    if not words:
        return ModelFile(path, model, None)
    of_module = module_words(list(words), model.name)
    _check_source(path, model.name, of_module)
    return ModelFile(path, model, {entry.name: allowed_range(of_module, entry.name) for entry in model.parameters})


@lru_cache(maxsize=64)
def _opened(path: str, modified: int, size: int) -> tuple[OsdiLibrary, tuple[str, ...]]:
    """Return a file's library and its source's words; of a compiled one none."""
    file = Path(path)
    if file.suffix == _COMPILED:
        with tempfile.TemporaryDirectory(prefix="xbarsim-") as folder:
            copy = Path(folder) / file.name  # a file that was loaded and is compiled anew would not be loaded again
            shutil.copyfile(file, copy)
            return OsdiLibrary(copy, path), ()
    library = va_compiler.compiled(file)
    return library, tuple(words_of(va_compiler.expanded(file)))


def _check_source(path: str, name: str, module: list[str]) -> None:
    hidden = hidden_variables(module)
    if hidden:
        first, several = hidden[0], f" (and {', '.join(hidden[1:])})" if hidden[1:] else ""
        raise InputError(
            f"{path}: the module {name} reads {first}{several} before it has a value of the same call, a state hidden "
            f"in a variable: OpenVAF forgets such values (its issues #65 and #157); make the state a node, "
            f"I(x) <+ ddt(V(x)) - f, or assign {first} on every way before it is read"
        )
    timed = timed_words(module)
    if timed:
        raise InputError(
            f"{path}: the module {name} asks for {timed[0]}: a cell's current and motion are functions of voltage and "
            "state alone"
        )
