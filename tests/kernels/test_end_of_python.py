"""At Python's end nothing that a compiled function points to is gone before it: that would be a crash at times."""

import subprocess
import sys

from cli_tools import environment

SCRIPT = """
import ctypes, os, weakref
import numpy as np
import xbarsim
from xbarsim.kernels import object_engine

def watch(thing, word, write=os.write):
    reference = weakref.ref(thing, lambda _: write(1, word))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(reference))  # it is to see the end

class Method(object_engine._Method):
    def __init__(self, *fields):
        super().__init__(*fields)
        watch(self, b"method gone\\n")

def new_function(*arguments, call=object_engine._new_function):
    function = call(*arguments)
    watch(function, b"function gone\\n")
    return function

object_engine._Method, object_engine._new_function = Method, new_function
xbarsim.solve(xbarsim.Crossbar(np.full((3, 4), 1e-4), word_wire=1.0), [0.1, 0.2, 0.3])
"""


def test_methods_outlive_functions():
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment(), check=True
    )
    words = answer.stdout.splitlines()
    assert "function gone" in words
    assert "method gone" not in words
