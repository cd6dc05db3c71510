"""Compiled kernels that were damaged on disk are compiled anew, with one line; nothing of them is run."""

import os
import sys
import tempfile
from pathlib import Path

import numba
import pytest
from cli_tools import environment
from numba import njit

from xbarsim.kernels import cache, islands

SOLVE = """
import numpy as np
from xbarsim.kernels import islands
tied = islands.tied_nodes(np.full((2, 3), 1e-3), np.array([[1, 1, 1, np.inf]] * 2), np.full((3, 3), np.inf))
print(int(tied[0].sum()), int(tied[1].sum()))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A cache folder with what one program left there."""
    folder = tmp_path_factory.mktemp("cache")
    assert program(folder) == ("6 6\n", "")
    return folder


def program(folder):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", SOLVE], env=environment(NUMBA_CACHE_DIR=str(folder)), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


DAMAGE = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "one bit": lambda data: data[:-50] + bytes([data[-50] ^ 1]) + data[-49:],
    "text": lambda data: b"<html>quota exceeded</html>\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damage_is_told_once_and_mended(written, kind, damage):
    path = next(written.rglob(f"islands.tied_nodes*.{kind}"))
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    out, err = program(written)
    assert out == "6 6\n"
    assert err.count("\n") == 1
    assert str(path) in err
    assert err.rstrip().endswith(("it is compiled anew", "it is made anew"))
    assert program(written) == ("6 6\n", "")


@pytest.mark.slow
def test_a_data_file_that_is_gone_is_compiled_anew_in_silence(written):
    for path in written.rglob("islands.tied_nodes*.nbc"):
        path.unlink()
    assert program(written) == ("6 6\n", "")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told_of(written):
    folder = next(written.rglob("islands.tied_nodes*.nbi")).parent
    next(folder.glob("islands.tied_nodes*.nbc")).unlink()
    folder.chmod(0o555)
    try:
        out, err = program(written)
    finally:
        folder.chmod(0o755)
    assert out == "6 6\n"
    assert "cannot be kept in" in err


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_only_this_packages_kernels_are_checked(monkeypatch):
    assert isinstance(islands.tied_nodes._cache._cache_file, cache.CheckedFiles)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "theirs.py").write_text("from numba import njit\n@njit(cache=True)\ndef f(x):\n    return x\n")
        monkeypatch.syspath_prepend(folder)
        import theirs

        assert type(theirs.f._cache._cache_file).__name__ == "IndexDataCacheFile"
        assert theirs.f(2) == 2
    assert not hasattr(njit(lambda x: x)._cache, "_cache_file")
