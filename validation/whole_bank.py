"""The bank of ``xbarsim validate`` as a page of results.

python validation/whole_bank.py                    # to 64 x 64, against ngspice by both ways, badcrossbar, closed forms
python validation/whole_bank.py --bank large       # 128 x 128 and 256 x 256, against ngspice 45 with KLU
python validation/whole_bank.py --bank vacask      # the same sizes, against VACASK
python validation/whole_bank.py --bank time        # in time, against ngspice and VACASK
python validation/whole_bank.py --write            # to validation/results/bank, or bank-large, bank-vacask, bank-time
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import provenance

from xbarsim import validate
from xbarsim.validate.report import ValidationReport


def main() -> int:
    parser = provenance.parser(__doc__)
    parser.add_argument("--bank", choices=["full", "large", "vacask", "time"], default="full")
    parser.add_argument("--only", default="*", help="circuits whose name has this in it")
    arguments = parser.parse_args()
    bank = arguments.bank
    outcome = validate.run(
        "large" if bank in ("large", "vacask") else "full",
        ("process",) if bank in ("vacask", "time") else ("process", "pyspice"),
        arguments.only,
        lambda name: print(name, file=sys.stderr),
        ("vacask",) if bank == "vacask" else (),
        bank == "time",
    )
    print(ValidationReport(outcome).as_table())
    if arguments.write:
        place = "bank" if bank == "full" else f"bank-{bank}"
        (provenance.RESULTS / place).mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            paths, _ = validate.write_reports(outcome, folder)
            for path in paths:
                if path.suffix == ".png":
                    (provenance.RESULTS / place / path.name).write_bytes(path.read_bytes())
            provenance.write_page(f"{place}/validation.md", Path(folder, "validation.md").read_text("utf-8"))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
