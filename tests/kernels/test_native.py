"""Kernels as Python calls them: the types they tell apart, the numbers they give back and the errors they raise."""

import importlib
import importlib.util
import sys
import threading
from enum import IntEnum

import numpy as np
import pytest

from xbarsim.kernels import native

SOURCE = '''
import numpy as np
from xbarsim.kernels.native import njit

@njit(cache=True, nogil=True)
def _scaled(a, factor):
    return a * factor

@njit(cache=True, nogil=True)
def parts(whole, half, flag, x):
    """Numbers of each kind."""
    total = 0.0
    for value in x.flat:
        total += _scaled(value, half)
    return whole + 1, half / 2, not flag, total

@njit(cache=True, nogil=True)
def copied(x, y):
    spare = np.empty(x.size)
    spare[:] = x
    y[:] = spare

@njit(cache=True, nogil=True)
def quotient(a, b):
    return a / b

@njit(cache=True, nogil=True)
def roomy(count):
    return np.empty(count)[0]
'''


class Line(IntEnum):
    """A number by name, as kernels' own are."""

    THIRD = 3


pytestmark = pytest.mark.skipif(native.UNCOMPILED, reason="nothing is compiled")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """A file of kernels whose code is kept in a folder of its own."""
    folder = tmp_path_factory.mktemp("kernels")
    file = folder / "kernels_of_a_test.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("kernels_of_a_test", file)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(folder / "cache"))
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        module.again = lambda: spec.loader.exec_module(module)
        yield module


def arrays():
    """The same numbers in all kinds of arrays."""
    x = np.arange(12.0).reshape(3, 4)
    frozen = x.copy()
    frozen.flags.writeable = False
    yield from (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], frozen, x.astype(np.int64), x.ravel(), x[:1])
    yield from (x.astype(np.float32), np.empty((0, 3)), x > 5)


@pytest.mark.slow
def test_types_are_told_apart_and_numbers_come_back(kernels, monkeypatch):
    """Also when loaded from its file, by which nothing is compiled again."""
    for run in range(2):
        for k, x in enumerate(arrays()):
            whole, half, flag, total = kernels.parts(k, 0.5, k % 2 == 0, x)
            assert (whole, half, flag, total) == (k + 1, 0.25, k % 2 == 1, 0.5 * x.sum())
            assert [type(part) for part in (whole, half, flag, total)] == [int, float, bool, float]
        assert kernels.parts(np.int64(-3), np.float64(0.5), np.bool_(True), x)[:3] == (-2, 0.25, False)
        if run == 0:
            kernels.again()
            monkeypatch.setattr(native.Kernel, "numba", lambda self: pytest.fail("compiled again"))


@pytest.mark.slow
def test_arrays_are_written_where_they_are(kernels):
    x, y = np.arange(6.0), np.zeros(6)
    kernels.copied(x, y)
    assert (y == x).all()
    every_other = np.zeros(12)
    kernels.copied(x, every_other[::2])
    assert (every_other == np.repeat(x, 2) * np.tile([1, 0], 6)).all()
    held = sys.getrefcount(x)
    assert kernels.copied(x, y) is None
    assert sys.getrefcount(x) == held
    y.flags.writeable = False
    with pytest.raises(Exception, match=r"[Cc]annot modify|readonly"):
        kernels.copied(x, y)


@pytest.mark.slow
def test_errors_are_those_of_the_kernel(kernels):
    assert kernels.quotient(1.0, 4.0) == 0.25
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        kernels.quotient(1.0, 0.0)
    with pytest.raises(MemoryError, match="Allocation failed"):
        kernels.roomy(1 << 58)
    with pytest.raises(OverflowError):
        kernels.roomy(1 << 80)
    assert kernels.quotient(1.0, 2.0) == 0.5


@pytest.mark.slow
def test_what_is_derived_from_a_type_is_that_type(kernels):
    """Compiled forms know exact types: what they hand on must not come back to them as it is."""

    class Derived(np.ndarray):
        pass

    x, y = np.arange(6.0).view(Derived), np.zeros(6).view(Derived)
    kernels.copied(x, y)
    assert (np.asarray(y) == np.arange(6.0)).all()
    for words in (np.arange(5, dtype=np.longlong), np.arange(5, dtype=np.int64)):
        whole, *_, total = kernels.parts(Line.THIRD, 0.5, True, words)
        assert (whole, total) == (4, 5.0)


def test_what_is_no_number_is_refused(kernels):
    for odd in ("text", None, 1j, [1.0], np.zeros(2, complex), np.zeros(2, ">f8")):
        with pytest.raises(TypeError, match="kernels take"):
            kernels.quotient(odd, 1.0)


@pytest.mark.slow
def test_threads_that_meet_at_a_new_kernel_all_get_its_numbers(kernels):
    kernels.again()
    answers = []
    start = threading.Barrier(4)

    def work(k):
        start.wait()
        answers.append((k, kernels.quotient(float(k), 4.0)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(k, k / 4) for k in range(4)]


@pytest.mark.slow
def test_an_edited_file_that_is_read_again_has_its_new_numbers(tmp_path, monkeypatch):
    """Neither names in memory nor files on disk may bring back the old ones, nor be given them."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "kernels_edited.py"
    text = "from xbarsim.kernels.native import njit\n@njit()\ndef twice(x):\n    return {} * x\n"
    file.write_text(text.format(2.0))
    import kernels_edited

    file.write_text(text.format(33.0))  # before the first call
    assert kernels_edited.twice(1.0) == 2.0
    for factor in (33.0, 2.0):
        file.write_text(text.format(factor))
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        importlib.invalidate_caches()
        importlib.reload(kernels_edited)
        sys.dont_write_bytecode = before
        assert kernels_edited.twice(1.0) == factor
