"""Circuits that tests draw: by a seed, or by hypothesis, down to opens, shorts and sources of any ends."""

import numpy as np
from hypothesis import strategies as st
from problems import OPEN, SIDES

from xbarsim import Crossbar, LineEnds


def sample_crossbar(seed, rows, cols, *, four_sides=False):
    """Return a mild array with no two numbers alike: cells 1 uS to 1 mS, wires and ends 0.5 to 5 ohm."""
    rng = np.random.default_rng(seed)

    def ohms(*shape):
        return rng.uniform(0.5, 5, shape)

    def tied(count):
        return LineEnds(rng.uniform(-0.5, 0.5, count), ohms(count))

    return Crossbar(
        10 ** rng.uniform(-6, -3, (rows, cols)),
        word_wire=ohms(rows, cols - 1),
        bit_wire=ohms(rows - 1, cols),
        driver=ohms(rows),
        sense=0.0 if four_sides else ohms(cols),
        ends={"word_right": tied(rows), "bit_top": tied(cols), "bit_bottom": tied(cols)} if four_sides else None,
    )


def sample_voltages(seed, *shape):
    """Bipolar inputs in 0.1 to 1 V."""
    rng = np.random.default_rng([seed, 1])
    return rng.uniform(0.1, 1, shape) * rng.choice([-1, 1], shape)


def source_voltages(crossbar, voltages):
    """What each end's source holds, by side."""
    return {
        side: np.asarray(voltages) if side == "word_left" else tied.voltage for side, tied in crossbar.boundary.items()
    }


def grounded_ends(crossbar, voltages):
    """Masks, by side, of the connected ends at 0 V; all False if any source is negative.

    Their currents are sums of positive terms: nothing cancels, and a method that works on positive numbers
    alone gets every digit.
    """
    volts = source_voltages(crossbar, voltages)
    positive = all((held >= 0).all() for held in volts.values())
    return {
        side: np.isfinite(tied.resistance) & (volts[side] == 0) & positive for side, tied in crossbar.boundary.items()
    }


def outermost_ends(crossbar, voltages):
    """Masks, by side, of the ends that hold the lowest or the highest of all connected sources' voltages.

    An end's current is the sum of ``C (V_t - V_k)`` over the other sources, C > 0. At these ends all terms
    have one sign, so whoever has the couplings C gets every digit; a difference of node voltages does not.
    """
    volts = source_voltages(crossbar, voltages)
    live = {side: np.isfinite(tied.resistance) for side, tied in crossbar.boundary.items()}
    held = np.concatenate([volts[side][live[side]] for side in SIDES])
    if not held.size:
        return live
    return {side: live[side] & ((volts[side] == held.min()) | (volts[side] == held.max())) for side in SIDES}


_OHMS = st.one_of(st.sampled_from([0.0, 1.0, OPEN]), st.floats(-12, 4).map(lambda decade: 10.0**decade))
_SIEMENS = st.one_of(st.sampled_from([0.0, 1e-4]), st.floats(-12, -1).map(lambda decade: 10.0**decade))


@st.composite
def crossbars(draw, *, positive=None, max_side=8):
    """Draw ``(Crossbar, voltages)``: any shape, ohms 0, 1e-12 .. 1e4 and inf, cells 0 and 1e-12 .. 0.1 S.

    Each kind of resistance takes its segments from a few drawn values, spread by up to three decades each way
    or not, so that small examples stay readable. ``positive`` keeps all sources >= 0; None draws it.
    """
    rows, cols = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if positive is None:
        positive = draw(st.booleans())

    def values(elements, low, high, *shape):
        picked = rng.choice(draw(st.lists(elements, min_size=1, max_size=3)), shape)
        if draw(st.booleans()):
            regular = (picked > 0) & np.isfinite(picked)
            spread = picked * 10 ** rng.uniform(-3, 3, shape)
            picked = np.where(regular, np.clip(spread, low, high), picked)
        return picked

    def ohms(*shape):
        return values(_OHMS, 1e-12, 1e4, *shape)

    def volts(count):
        # Few distinct values: some ends share one, and some are at 0 V.
        picked = rng.choice([0.0, 0.25, 1.0, 0.7], count)
        return picked if positive else picked * rng.choice([-1, 1], count)

    ends = {}
    for side, count in (("word_right", rows), ("bit_top", cols), ("bit_bottom", cols)):
        if draw(st.booleans()):
            ends[side] = LineEnds(volts(count) if draw(st.booleans()) else 0.0, ohms(count))
    crossbar = Crossbar(
        values(_SIEMENS, 1e-12, 1e-1, rows, cols),
        word_wire=ohms(rows, cols - 1),
        bit_wire=ohms(rows - 1, cols),
        driver=ohms(rows),
        sense=0.0 if "bit_bottom" in ends else ohms(cols),
        ends=ends,
    )
    inputs = rng.uniform(0.05, 1, rows)
    return crossbar, inputs if positive else inputs * rng.choice([-1, 1], rows)
