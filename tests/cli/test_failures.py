"""What is a user's matter is one line, whatever class its error has."""

import pytest

from xbarsim.cli.failures import EXIT_INPUT, failure_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "out of memory"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "out of memory"),
        (RuntimeError("can't start new thread"), "give fewer threads"),
    ],
)
def test_what_the_machine_has_too_little_of(error, words):
    code, message = failure_of(error)
    assert (code, words in message) == (EXIT_INPUT, True)


@pytest.mark.parametrize(
    "error", [RuntimeError("a defect"), ImportError("no module"), ValueError("can't allocate memory")]
)
def test_defects_are_none_of_a_users_matters(error):
    assert failure_of(error) is None
