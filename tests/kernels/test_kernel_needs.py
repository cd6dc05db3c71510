"""Kept kernels are loaded without numba: what the session's watch sees, and that it would see what is not so."""

import kernel_needs
import numpy as np
import pytest

from xbarsim import Crossbar, Updatable
from xbarsim.kernels.native import UNCOMPILED
from xbarsim.kernels.object_files import ObjectCode
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.terminals import Terminals

ENTRY = "call._ZN7xbarsim7kernels6upward8push_allB3v71B114c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcE5ArrayIxLi2E1C7mutableE"


@pytest.mark.slow
@pytest.mark.skipif(UNCOMPILED, reason="nothing is compiled")
def test_ways_up_and_voltages_of_leaves_load_without_numba():
    rng = np.random.default_rng(5)
    crossbar = Crossbar(10 ** -rng.uniform(3, 6, (20, 24)), word_wire=1.0, bit_wire=2.0, driver=10.0, sense=5.0)
    volts = rng.uniform(0.0, 0.5, 20)
    array = Updatable(crossbar, threads=1)
    array.update({(3, 5): 1e-4})
    array.solve(volts)
    segments = Segments.of(crossbar)
    terminals = Terminals.of(segments, keep=True, threads=1)
    terminals.network.voltages(terminals.stack(segments.sources(volts[None])))
    kernels = {"leaves.eliminate_leaves", "leaves.leaf_voltages", "upward.prepare", "upward.push", "upward.push_all"}
    assert kernels <= kernel_needs.LOADED


def test_a_kernel_that_needs_numba_fails_by_its_name():
    assert kernel_needs.kernel_name(ENTRY) == "upward.push_all"
    for need in ("NRT_Allocate", "numba_attempt_nocopy_reshape"):
        with pytest.raises(AssertionError, match=rf"upward\.push_all is compiled anew .* needs {need}:"):
            kernel_needs.judge(ObjectCode(ENTRY, ["PyTuple_New", need], []))
    kernel_needs.judge(ObjectCode(ENTRY.replace("kernels", "written"), ["NRT_Allocate"], []))
    kernel_needs.judge(ObjectCode(ENTRY, ["PyTuple_New", "sqrt"], []))
