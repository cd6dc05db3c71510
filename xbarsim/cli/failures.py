"""What a failure is to the one who called: an exit code and one line."""

from __future__ import annotations

EXIT_INPUT = 2
EXIT_SOLVE = 3
EXIT_STOPPED = 130
"""By Ctrl-C."""

_LONGEST = 600

_NO_MEMORY, _NO_THREAD = ("can't allocate memory", "failed to map segment"), "can't start new thread"
"""What torch's, the loader's and Python's errors of no class of their own say."""


def failure_of(error: BaseException) -> tuple[int, str] | None:
    """Return the exit code and the message of what a user can be told of; None for any other error."""
    from xbarsim.errors import InputError, SolveError, SpiceError
    from xbarsim.unread import unread_reason

    if isinstance(error, SolveError | SpiceError):
        return EXIT_SOLVE, str(error)
    if isinstance(error, InputError):
        return EXIT_INPUT, str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(words in str(error) for words in _NO_MEMORY)
    ):
        return EXIT_INPUT, "out of memory: solve a smaller circuit or free memory"
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return EXIT_INPUT, "no more threads can be started: give fewer threads, or raise ulimit -u or -v"
    if isinstance(error, OSError):
        reason = unread_reason(error) if isinstance(error, FileNotFoundError) else error.strerror or error
        return EXIT_INPUT, f"{error.filename or 'output'}: {reason}"
    return None


def printable(text: str) -> str:
    """Return a text with escapes for whatever would not be seen, a newline too."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def one_line(message: str) -> str:
    """Return a message as one line that is not too long to be read."""
    line = printable(" ".join(message.split()))
    # A netlist may have names of any length: both ends of the line say most.
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST * 2 // 3]} ... {line[-_LONGEST // 3 :]}"
    return line
