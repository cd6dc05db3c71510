"""The bank of ``xbarsim validate`` as a page of results.

python validation/whole_bank.py            # to 64 x 64, against ngspice by both ways, badcrossbar and closed forms
python validation/whole_bank.py --large    # 128 x 128 and 256 x 256, against ngspice 45 with KLU
python validation/whole_bank.py --write    # to validation/results/bank or bank-large
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import provenance

from xbarsim import validate
from xbarsim.validate.report import terminal


def main() -> int:
    parser = provenance.parser(__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", default="*", help="circuits whose name has this in it")
    arguments = parser.parse_args()
    outcome = validate.run(
        "large" if arguments.large else "full",
        ("process", "pyspice"),
        arguments.only,
        lambda name: print(name, file=sys.stderr),
    )
    print(terminal(outcome))
    if arguments.write:
        bank = "bank-large" if arguments.large else "bank"
        with tempfile.TemporaryDirectory() as folder:
            paths, _ = validate.write_reports(outcome, folder)
            for path in paths:
                if path.suffix == ".png":
                    (provenance.RESULTS / bank / path.name).write_bytes(path.read_bytes())
            provenance.write_page(f"{bank}/validation.md", Path(folder, "validation.md").read_text("utf-8"))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
