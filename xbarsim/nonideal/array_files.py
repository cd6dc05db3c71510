"""Named arrays in files of four kinds, by their endings: NumPy's, HDF5, safetensors, and a chip's cells as CSV.

A description stands under the name ``about``: in HDF5 an attribute, in safetensors metadata, in CSV the first comment.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nonideal.chip_rows import chip_lines, chip_of_lines
from xbarsim.unread import unread

Arrays = dict[str, NDArray[Any]]

HDF5, SAFETENSORS, CSV = (".h5", ".hdf5"), (".safetensors",), (".csv",)


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file of the kind that its ending says, NumPy's for any other, whole or not at all.

    Raises
    ------
    InputError
        The path cannot be written, or what writes the kind is not installed.
    """
    kind = Path(path).suffix.lower()
    data = _hdf5(arrays) if kind in HDF5 else _safetensors(arrays) if kind in SAFETENSORS else None
    with written_whole(path) as file:
        if data is not None:
            file.write(data)
        elif kind in CSV:
            file.writelines(f"{line}\n".encode() for line in chip_lines(arrays))
        else:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: str | Path, name: str) -> Arrays:
    """Read all arrays of a file of the kind that its ending says; the one of a ``.npy`` file under the name ``""``.

    Other endings are taken as NumPy's. CSV is a chip's.

    Raises
    ------
    InputError
        The file is missing, a folder, damaged, or of another kind, or what reads the kind is not installed.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unread(path, error, name) from None
    kind = path.suffix.lower()
    if kind in HDF5:
        return _of_hdf5(path, name, io.BytesIO(data))
    if kind in SAFETENSORS:
        return _of_safetensors(path, name, data)
    if kind in CSV:
        return chip_of_lines(path, name, data)
    return _of_numpy(path, name, data)


def _of_numpy(path: Path, name: str, data: bytes) -> Arrays:
    try:
        content = np.load(io.BytesIO(data), allow_pickle=False)
        return {"": content} if isinstance(content, np.ndarray) else {key: content[key] for key in content.files}
    # Damage can surface anywhere between the archive, the compression and the header, which numpy parses as Python.
    except (ValueError, EOFError, KeyError, OSError, SyntaxError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise InputError(f"{path}: {name} is damaged, or no NumPy file") from None


def _hdf5(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    with _h5py().File(stream, "w") as file:
        for key, array in arrays.items():
            if array.ndim == 0:
                file.attrs[key] = str(array)
            else:
                file.create_dataset(key, data=array, compression="gzip" if array.size else None)
    return stream.getvalue()


def _of_hdf5(path: Path, name: str, stream: IO[bytes]) -> Arrays:
    h5py = _h5py()
    try:
        with h5py.File(stream, "r") as file:
            arrays = {key: np.asarray(item) for key, item in file.items() if isinstance(item, h5py.Dataset)}
            return arrays | {key: np.array(value) for key, value in file.attrs.items() if isinstance(value, str)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        raise InputError(f"{path}: {name} is damaged, or no HDF5 file") from None


def _safetensors(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    tensors = {key: np.ascontiguousarray(array) for key, array in arrays.items() if array.ndim}
    words = {key: str(array) for key, array in arrays.items() if not array.ndim}
    data: bytes = _safetensors_numpy().save(tensors, metadata=words or None)
    return data


def _of_safetensors(path: Path, name: str, data: bytes) -> Arrays:
    library = _safetensors_numpy()
    try:
        arrays: Arrays = library.load(data)
        length = int.from_bytes(data[:8], "little")
        words = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
        return arrays | {key: np.array(value) for key, value in words.items()}
    except Exception:  # its errors are of a class of its own, and of those that its header's parts raise
        raise InputError(f"{path}: {name} is damaged, or no safetensors file") from None


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise InputError("HDF5 files need h5py: pip install 'xbarsim[files]'") from None
    return h5py


def _safetensors_numpy() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise InputError("safetensors files need safetensors: pip install 'xbarsim[files]'") from None
    return safetensors.numpy
