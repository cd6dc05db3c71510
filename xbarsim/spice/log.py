"""What ngspice's log tells: failures, and trouble that it says to have overcome."""

from __future__ import annotations

import re

_FATAL = re.compile(
    r"^\s*(?:fatal )?error\b(?! analysis)|simulation\(s\) aborted|simulation interrupted|circuit not parsed"
    r"|no circuit|DC solution failed|cannot compute substitute|undefined parameter|can't find model|no such vector",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"error|warning|fatal|singular|cannot|can't|unable|fail|abort|unknown|not found|ignored|Transient op",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"^\s*Circuit:|Nesting of subcircuits with parameters is only marginally supported|Unsupported Ngspice version"
    r"|can't find the initialization file|can't find init file|spinit was not found"
)


def trouble(log: str) -> list[str]:
    """Return the lines that speak of any trouble."""
    return [line.strip() for line in log.splitlines() if _TROUBLE.search(line) and not _HARMLESS.search(line)]


def failure(log: str) -> str:
    """Return the first lines that say that a run failed, joined; empty where none does."""
    lines = [line.strip() for line in log.splitlines() if _FATAL.search(line) and not _HARMLESS.search(line)]
    return "; ".join(lines[:3])
