"""Why trials failed, in a line each."""

from __future__ import annotations

from collections.abc import Iterable

from xbarsim.study.store import TrialRow


def reason(trace: str | None) -> str:
    """Return the line of a traceback that says what was wrong, with what was being made where a line before it says so.

    Python puts the reason last; what ends a process from outside is said in one line.
    """
    lines = [line for line in (trace or "").strip().splitlines() if line.strip()]
    if not lines:
        return "no reason was recorded"
    start = next((number for number, line in enumerate(lines) if line.startswith("Traceback ")), None)
    if start is None:
        return lines[0].strip()
    # A message may go on for lines of its own: it begins at the last line that names an exception.
    body = lines[start + 1 :]
    messages = [line for line in body if line.partition(":")[0].replace(".", "").isidentifier()]
    message = (messages or body or lines)[-1].strip()
    return f"{lines[0].rstrip(':')}: {message}" if start == 1 else message


def reasons(rows: Iterable[TrialRow]) -> dict[str, list[TrialRow]]:
    """Return the trials that failed by their reason, the most frequent first."""
    groups: dict[str, list[TrialRow]] = {}
    for row in rows:
        if row.state == "failed":
            groups.setdefault(reason(row.trace), []).append(row)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))
