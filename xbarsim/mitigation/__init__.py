"""Mitigation: methods that bring a network's accuracy back on faulty, varied, wired chips, and what they cost.

Interface. A method (``method``) takes a ``plan`` of what shall be on a chip to a new one; ``needs`` say what it may
use of data, knowledge and chip, a ``bench`` hands out that and no more (``known_chips``: what is known of a chip;
``forward_pass``: what a chip lets one read), and a ``ledger`` counts it. ``realisation`` puts plans on chips, a
``chip_socket`` holds the chip that methods may use, ``record`` says what a chain of methods cost, the ``harness`` runs
chains on chips and alone sees the test set; it holds each step to ``step_checks``. A ``chip_study`` has all rows on all
chips, in ``worker_processes``. ``catalogue`` has all methods by name.

Rows. ``line_costs`` says how far rows of weights are from what each word line's cells hold; ``row_placement`` is the
base of the methods that lay them elsewhere, or store them negated.

>>> from xbarsim.mitigation import chain
>>> chain("headroom:h=2").label
'headroom'
"""

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.bench_images import Labelled
from xbarsim.mitigation.catalogue import chain, method, methods, register
from xbarsim.mitigation.chip_study import ChainResult, Failure, Study, Trials, run
from xbarsim.mitigation.harness import Harness
from xbarsim.mitigation.method import Chain, Method
from xbarsim.mitigation.needs import Needs, NotEntitledError
from xbarsim.mitigation.plan import LayerPlan, Plan
from xbarsim.mitigation.realisation import realise
from xbarsim.mitigation.record import Cost, Record

__all__ = [
    "Bench",
    "Chain",
    "ChainResult",
    "Cost",
    "Failure",
    "Harness",
    "Labelled",
    "LayerPlan",
    "Method",
    "Needs",
    "NotEntitledError",
    "Plan",
    "Record",
    "Study",
    "Trials",
    "chain",
    "method",
    "methods",
    "realise",
    "register",
    "run",
]
