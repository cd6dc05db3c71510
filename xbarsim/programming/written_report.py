"""What ``xbarsim program`` prints: a table or JSON."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.programming.written_array import WrittenArray
from xbarsim.quantities import counted, engineering
from xbarsim.text_table import aligned

_LISTED = 12


@dataclass(frozen=True)
class WrittenReport:
    """A written array, for reading."""

    result: WrittenArray

    def as_table(self) -> str:
        """Return totals, and the first cells that are not at their target."""
        counts, result = self.result.summary(), self.result
        rows = [
            ["array", f"{counts['rows']} x {counts['cols']}, {counted(counts['pulses'], 'pulse')}"],
            *([["reached", f"{counts['reached']} of {counted(counts['cells'], 'cell')}"]] if counts["cells"] else []),
            *([["pending", counted(counts["pending"], "cell")]] if counts["pending"] else []),
            *([["largest error", f"{counts['largest_error']:.2%}"]] if counts["largest_error"] is not None else []),
            [
                "energy",
                f"{engineering(counts['energy'], 'J')}, of it in the cells {engineering(counts['cell_energy'], 'J')}",
            ],
            [
                "disturbance",
                f"{counts['disturbance']:.3g} of a range at most, {counts['largest_disturbance']:.3g} in a pulse",
            ],
            [
                "most for a cell",
                f"{counted(counts['most_pulses'], 'pulse')}, half-selected {counted(counts['half_selects'], 'time')}",
            ],
            ["residual", f"{counts['residual']:.1e}"],
            ["seconds", f"{counts['seconds']:.2f}"],
        ]
        lines = aligned(rows, ("<", "<"))
        missed = result.unreached()
        if missed:
            listed = [["cell", "target (S)", "shown (S)", "pulses", "arrived (V)", "why"]]
            for cell, word in list(missed.items())[:_LISTED]:
                listed.append(
                    [
                        f"[{cell[0]}, {cell[1]}]", f"{result.target[cell]:.4g}", f"{result.readings[cell]:.4g}",
                        f"{result.pulses[cell]}", f"{result.log.arrived[cell]:.4g}", word,
                    ]
                )  # fmt: skip
            lines += ["", *aligned(listed, ("<", ">", ">", ">", ">", "<"))]
            if len(missed) > _LISTED:
                lines.append(f"and {len(missed) - _LISTED} more: --format json has all")
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return all of it."""
        return self.result.to_json()

    def as_csv(self) -> str:
        """Return the conductances reached, a line a row."""
        return "\n".join(",".join(repr(value) for value in row) for row in self.result.conductance.tolist())

    def as_numbers(self) -> str:
        """Return how many cells were reached, with how many pulses."""
        counts = self.result.summary()
        return f"reached {counts['reached']}\npulses {counts['pulses']}"
