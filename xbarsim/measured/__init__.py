"""Measured cells: current-voltage curves as instruments write them, and the laws that fit them, with uncertainty."""

from xbarsim.measured.iv_curve import MeasuredCurve
from xbarsim.measured.iv_reader import read_iv
from xbarsim.measured.law_fits import FittedLaw, fit, fit_all

__all__ = ["FittedLaw", "MeasuredCurve", "fit", "fit_all", "read_iv"]
