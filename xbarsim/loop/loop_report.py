"""What ``xbarsim loop`` prints: whether a loop holds its operating point, its poles, how fast it settles."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.loop.closed_loop import ClosedLoop
from xbarsim.loop.loop_split import LoopSplit
from xbarsim.loop.stability import Stability
from xbarsim.quantities import counted, engineering, finite
from xbarsim.text_table import aligned, comma_separated

_KINDS = {
    "transimpedance": "a read by transimpedance",
    "inverse": "an inverse",
    "pseudo-inverse": "a pseudo-inverse",
    "eigenvector": "an eigenvector, of the feedback that sustains it",
}


@dataclass(frozen=True)
class LoopReport:
    """A closed loop of one operating point, for reading.

    Attributes
    ----------
    closed : ClosedLoop
        The loop.
    bits : tuple of float
        To which it settles.
    most : int
        How many poles the table has, of pairs one.
    split : LoopSplit or str
        Where errors of a circuit that computes come from, or why it is none.
    """

    closed: ClosedLoop
    bits: tuple[float, ...]
    most: int = 8
    split: LoopSplit | str = ""

    @property
    def stability(self) -> Stability:
        """Its poles."""
        return self.closed.stability

    @property
    def watched(self) -> list[str]:
        """The nodes that settle: amplifiers' outputs, or all of a loop without amplifiers."""
        return self.closed.loop.watched

    def check_drawable(self) -> None:
        """Check that there is a way to the operating point, or raise InputError."""
        if not (self.stability.settles and self.stability.poles.size):
            raise InputError("a loop that runs away, or of which nothing moves in seconds, has no way to draw")

    def settled(self) -> list[float]:
        """Return the seconds to settle to each of ``bits``; NaN where it never does, or times are not told."""
        if not self.stability.settles:
            return [math.nan] * len(self.bits)
        return [float(self.stability.settling_time(bits=bits)[0]) for bits in self.bits]

    def poles(self) -> list[tuple[complex, str]]:
        """Return the poles and the amplifier that leads each, the slowest to decay first."""
        amplifiers = self.closed.loop.amplifiers
        return [
            (complex(pole), self.stability.leading(k) if amplifiers else "")
            for k, pole in enumerate(self.stability.poles)
        ]

    def as_table(self) -> str:
        """Return whether it holds, poles with their times and frequencies, times to settle, outputs."""
        timed, poles = self.stability.timed, [row for row in self.poles() if row[0].imag >= 0.0]
        listed = [["pole", "time constant", "rings at", "led by"]]
        for pole, amplifier in poles[: self.most]:
            constant = -1.0 / pole.real if pole.real else math.inf
            times = [engineering(float(f"{constant:.4g}"), "s") if timed else "-"]
            times.append(engineering(float(f"{pole.imag / (2.0 * np.pi):.4g}"), "Hz") if timed and pole.imag else "-")
            listed.append([_pole_text(pole, timed), *times, amplifier])
        lines = [self._heading(), "", *aligned(listed, (">", ">", ">", "<"))]
        if len(poles) > self.most:
            lines.append(f"and {len(poles) - self.most} faster")
        if not self.stability.modes.damped:
            lines.append(f"all up to {self.stability.reach:.3g} 1/s; faster ones decay, how slowly is not told")
        if self.stability.settles:
            rows = [["bits", "settles in"]]
            rows += [
                [f"{bits:g}", engineering(float(f"{seconds:.4g}"), "s")]
                for bits, seconds in zip(self.bits, self.settled(), strict=True)
            ]
            lines += ["", *aligned(rows, ">>")]
        if isinstance(self.split, LoopSplit):
            lines += ["", f"computes as {_KINDS[self.split.circuit.kind]}", self.split.errors.as_table()]
        outputs = [["node", "voltage (V)"], *([node, f"{volts:.8e}"] for node, volts in self._volts().items())]
        return "\n".join([*lines, "", *aligned(outputs, "<>"), "", f"residual  {self.closed.residual:.1e}"])

    def as_json(self) -> str:
        """Return all of it; what is no number is null."""
        record: dict[str, Any] = {
            "stable": self.stability.stable,
            "amplifiers": len(self.closed.loop.amplifiers),
            "arrays": [list(array.crossbar.shape) for array in self.closed.loop.arrays],
            "unit": "1/s" if self.stability.timed else None,
            "poles": [
                {"real": pole.real, "imag": pole.imag, "amplifier": amplifier or None}
                for pole, amplifier in self.poles()
            ],
            "reach": finite(self.stability.reach),
            "time_constant": finite(self.stability.time_constant),
            "settling": [
                {"bits": bits, "seconds": finite(seconds)}
                for bits, seconds in zip(self.bits, self.settled(), strict=True)
            ],
            **self._computed(),
            "outputs": self._volts(),
            "residual": self.closed.residual,
        }
        return json.dumps(record, indent=2)

    def as_csv(self) -> str:
        """Return a line a pole under a heading."""
        rows = [[repr(pole.real), repr(pole.imag), amplifier] for pole, amplifier in self.poles()]
        return comma_separated([["real", "imag", "amplifier"], *rows])

    def as_numbers(self) -> str:
        """Return times to settle alone, bits and seconds on a line."""
        return "\n".join(f"{bits:g} {seconds!r}" for bits, seconds in zip(self.bits, self.settled(), strict=True))

    def way(self, count: int = 600) -> tuple[Array, Array]:
        """Return times (count,) until all bits have settled, and volts of what is watched, (count, nodes)."""
        begin = 0.0 if math.isinf(self.stability.reach) else 25.0 / self.stability.reach
        end = 1.3 * max(float(np.nanmax(self.settled(), initial=0.0)), self.stability.time_constant, begin)
        times = np.linspace(begin, end, count)
        return times, self.stability.step_response(times)

    def _heading(self) -> str:
        loop = self.closed.loop
        parts = [f"array {' x '.join(map(str, array.crossbar.shape))}" for array in loop.arrays]
        parts.append(counted(len(loop.amplifiers), "amplifier"))
        if not self.stability.poles.size and not math.isfinite(self.stability.reach):
            verdict = "nothing takes time in it, whether it holds is not told"
        elif self.stability.stable:
            verdict = "holds its operating point"
        elif self.stability.timed:
            verdict = f"runs away: led by {self.stability.leading()}"
        else:
            verdict = f"runs away with amplifiers of equal speed: led by {self.stability.leading()}"
        return f"{', '.join(parts)}: {verdict}"

    def _computed(self) -> dict[str, Any]:
        """Return which circuit it is, what that is meant to give, and what each cause does to it."""
        if not isinstance(self.split, LoopSplit):
            return {"computes": None, "ideal": None, "errors": None, "reason": self.split or None}
        circuit, errors = self.split.circuit, self.split.errors
        worst = errors.worst()
        return {
            "computes": circuit.kind,
            "ideal": dict(zip(circuit.outputs, circuit.x.tolist(), strict=True)),
            "errors": [
                {
                    "cause": cause,
                    "relative": finite(share),
                    "worst": finite(worst[cause]),
                    "uncertain": finite(errors.doubt[cause]),
                }
                for cause, share in errors.relative().items()
            ],
            "reason": None,
        }

    def _volts(self) -> dict[str, float]:
        volts = self.closed.voltages(self.watched).tolist()
        return dict(zip(self.watched, volts, strict=True))


def _pole_text(pole: complex, timed: bool) -> str:
    imaginary = f" +- {abs(pole.imag):.4g}j" if pole.imag else ""
    return f"{pole.real:.4g}{imaginary}{' 1/s' if timed else ''}"
