"""
Which law fits a measured curve?
================================

An instrument wrote volts and milliamperes of one cell, with noise on them. Simulations need a law: which of those that
are built in is the likeliest, what are its parameters, and how well does the measurement tell them?
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from xbarsim import Crossbar, Selector, solve
from xbarsim.measured import FittedLaw, MeasuredCurve, fit_all, read_iv

# %%
# The instrument's file
# ---------------------
# Three cycles of a cell, a line of names and a line of units on top. Its numbers are made here, of a cell in series
# with a selector and 2 % of noise, so that the truth is known; with a file of your own, begin at ``read_iv``.

CELL, I0, V0, NOISE = 1.0 / 2.5e3, 20e-6, 0.12, 0.02
SWEEP = np.concatenate([np.linspace(0.0, 0.6, 31), np.linspace(0.58, -0.6, 60), np.linspace(-0.58, 0.0, 30)])
LAWS = ("linear", "sinh", "selector", "yakopcic")


def measurement(path: Path) -> Path:
    """Write three noisy cycles as text, and return where they are."""
    rng = np.random.default_rng(11)
    volts = np.tile(SWEEP, 3)
    cell = Crossbar([[CELL]], device=Selector(i0=I0, v0=V0))
    milliamperes = 1e3 * solve(cell, volts[:, None]).currents[:, 0] * rng.normal(1.0, NOISE, volts.size)
    lines = [f"{0.05 * k:.2f},{v:.3f},{i:.6e}" for k, (v, i) in enumerate(zip(volts, milliamperes, strict=True))]
    path.write_text("\n".join(["Time,Voltage,Current", "s,V,mA", *lines]))
    return path


def curve() -> MeasuredCurve:
    """Read the file back: columns, units and cycles are taken from what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        return read_iv(measurement(Path(folder) / "cell.csv"))


# %%
# The laws
# --------
# Each law is fitted to the mean over the cycles, relative errors counting. More parameters always leave less, so that
# laws are ordered by Akaike's criterion, which asks of each parameter more that it pays for itself.


def draw(points: MeasuredCurve, laws: list[FittedLaw]) -> plt.Figure:
    """Draw the curve with each law through it, and what the laws leave."""
    plt.style.use("tableau-colorblind10")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.5, 5.0), sharex=True, layout="constrained")
    volts, amperes, _ = points.averaged()
    amperes = np.where(volts == 0.0, np.nan, amperes)  # no relative error there
    top.semilogy(volts, 1e6 * np.abs(amperes), "o", color="0.7", label="measured")
    for law, style in zip(laws, ("-", "--", "-.", ":"), strict=True):
        fitted = law.current(volts)
        top.plot(volts, 1e6 * np.where(volts == 0.0, np.nan, np.abs(fitted)), style, label=law.device.name)
        bottom.plot(volts, 100.0 * (fitted / amperes - 1.0), style, label=law.device.name)
    top.set(ylabel="current, magnitude (µA)", ylim=(1.0, 2000.0))
    top.legend(fontsize="small", ncols=2, loc="upper center")
    bottom.set(xlabel="voltage (V)", ylabel="law over measured - 1 (%)", ylim=(-15.0, 15.0))
    return figure


# %%
# The answer
# ----------
# The law comes with standard errors; ``likeliest.device`` and ``likeliest.conductance`` go into a ``Crossbar`` as they
# are. The number that is returned is the voltage scale of the likeliest law.


def main(save: str | None = None) -> float:
    """Print the laws, the likeliest first; draw them; return ``v0`` of the first."""
    points = curve()
    print(points, *points.notes, sep="\n  ")
    laws = fit_all(points, LAWS)
    for law in laws:
        values = ", ".join(f"{name} = {value:.4g} +- {law.errors[name]:.2g}" for name, value in law.values.items())
        print(f"{law.device.name:9} {100.0 * law.deviation:6.2f} %, criterion {law.information:7.1f}: {values}")
    figure = draw(points, laws)
    figure.savefig(save, dpi=150) if save else plt.show()
    return laws[0].values["v0"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which law fits a measured curve?")
    parser.add_argument("--save", metavar="FILE", help="write the picture there instead of showing it")
    main(parser.parse_args().save)
