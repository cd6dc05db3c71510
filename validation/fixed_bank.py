"""A fixed, seeded bank of circuits, netlists and networks, each as the hash of its result's bytes.

    python validation/fixed_bank.py                         # one line a case: name, hash, label
    python validation/fixed_bank.py --output before.json    # the same as a file
    python validation/fixed_bank.py --check before.json     # exit code 1, and a line for each case that differs

It is for work on the code that must leave every number, message and table as it is: take the hashes before, check them
after. Hashes belong to one machine with one set of versions and threads, and are not committed. What says how a number
was found (method, iterations) is the case's label, compared apart: a label alone is printed but no failure.
It uses the public names alone, so that the same bank runs on both sides of a change.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOMS = ("circuits", "devices", "refusals", "netlists", "cells", "commands", "networks")
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write the hashes there")
    parser.add_argument("--check", type=Path, metavar="FILE.json", help="compare with hashes that were written")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name has this in it")
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=ROOMS, help="parts of the bank")
    parser.add_argument("--threads", type=int, default=1, help="threads of every library [1]")
    parser.add_argument("--slow", action="store_true", help="say which cases take longest")
    arguments = parser.parse_args()
    # Libraries read these once, when they are loaded.
    os.environ |= dict.fromkeys(THREADS, str(arguments.threads))
    records: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    quiet = bool(arguments.output or arguments.check)
    for room in arguments.rooms:
        for name, case in importlib.import_module(f"fixed.{room}").cases().items():
            full = f"{room}/{name}"
            if arguments.only not in full:
                continue
            start = time.perf_counter()
            records[full] = importlib.import_module("fixed.record").record(case)
            seconds[full] = time.perf_counter() - start
            if not quiet:
                print(f"{full:<60} {records[full]['hash']}  {records[full]['label']}", flush=True)
    if arguments.slow:
        for full in sorted(seconds, key=lambda each: -seconds[each])[:15]:
            print(f"{seconds[full]:7.2f} s  {full}", file=sys.stderr)
    print(f"{len(records)} cases in {sum(seconds.values()):.0f} s", file=sys.stderr)
    if arguments.output:
        arguments.output.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    if arguments.check:
        before = json.loads(arguments.check.read_text("utf-8"))
        rooms = tuple(f"{room}/" for room in arguments.rooms)
        before = {name: case for name, case in before.items() if name.startswith(rooms) and arguments.only in name}
        return compare(before, records)
    return 0


def compare(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> int:
    """Print a line for each case that differs, and return the exit code."""
    failures = labels = 0
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            failures += name not in after
            print(f"{'missing' if name not in after else 'new':<11}{name}")
            continue
        old, new = before[name], after[name]
        if old["hash"] != new["hash"]:
            failures += 1
            parts = [part for part in old["parts"] | new["parts"] if old["parts"].get(part) != new["parts"].get(part)]
            print(f"differs    {name}: {', '.join(parts)}")
            for part in parts:
                for when, case in (("was", old), ("is", new)):
                    if part in case["texts"]:
                        print(f"           {part} {when}: {case['texts'][part]!r}")
        elif old["label"] != new["label"]:
            labels += 1
            print(f"label only {name}: {old['label']!r} is now {new['label']!r}")
    print(f"{len(after)} cases: {failures} differ or are missing, {labels} in the label only")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
