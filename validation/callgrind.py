"""Count instructions and cache lines of a piece of a program that runs under valgrind's callgrind.

Valgrind knows a request by five instructions that do nothing together (its manual, "The client request mechanism").
Without valgrind they do nothing either, so a program with requests runs as it is.
"""

from __future__ import annotations

import ctypes
import mmap
import re
from pathlib import Path

FIRST_LEVEL, LAST_LEVEL = "32768,8,64", "1048576,16,64"
"""Sizes, ways and lines of the caches that are simulated on any machine."""

OPTIONS = (
    "--tool=callgrind",
    "--instr-atstart=no",
    "--cache-sim=yes",
    f"--D1={FIRST_LEVEL}",
    f"--I1={FIRST_LEVEL}",
    f"--LL={LAST_LEVEL}",
)

_CODE = bytes.fromhex(  # fromhex skips blanks
    "4889f8"  # mov rax, rdi: the request
    "31d2"  # xor edx, edx: what is answered without valgrind
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61 and 51: by 128 in all
    "4887db"  # xchg rbx, rbx
    "4889d0 c3"  # mov rax, rdx; ret
)
_TOOL = ord("C") << 24 | ord("T") << 16
_ZERO, _DUMP, _START, _STOP = 1, 3, 4, 5


class Counter:
    """Counts what is done between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(_CODE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)

    def _ask(self, request: int, argument: int = 0) -> None:
        words = (ctypes.c_uint64 * 6)(_TOOL + request, argument)
        self._call(ctypes.addressof(words))

    def start(self) -> None:
        self._ask(_START)
        self._ask(_ZERO)

    def stop(self, name: str) -> None:
        """Write what was counted into a file of its own, under this name."""
        self._ask(_STOP)
        label = ctypes.create_string_buffer(name.encode())
        self._ask(_DUMP, ctypes.addressof(label))


def read_counts(folder: Path) -> dict[str, dict[str, int]]:
    """Return what callgrind counted, by name: instructions, and cache lines from beyond each level.

    Parameters
    ----------
    folder : Path
        Where its files are.
    """
    counts = {}
    for path in folder.glob("callgrind.out.*"):
        text = path.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.M)
        if name is None:
            continue
        heads, totals = (re.search(rf"^{word}: (.+)$", text, re.M) for word in ("events", "totals"))
        assert heads is not None
        assert totals is not None
        events = dict(zip(heads[1].split(), map(int, totals[1].split()), strict=False))
        counts[name[1]] = {
            "instructions": events["Ir"],
            "first level": events["D1mr"] + events["D1mw"],
            "last level": events["DLmr"] + events["DLmw"],
        }
    return counts
