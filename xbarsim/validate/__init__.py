"""xbarsim against others: a bank of circuits, solved by it and by ngspice, badcrossbar and closed forms.

``run`` solves and compares, ``write_reports`` writes what came out as Markdown, HTML and a picture.
"""

from __future__ import annotations

from xbarsim.validate.outcome import Outcome
from xbarsim.validate.report_files import write_reports
from xbarsim.validate.session import run

__all__ = ["Outcome", "run", "write_reports"]
