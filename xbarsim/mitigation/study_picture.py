"""Accuracy against a swept setting, or against what methods cost (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from xbarsim.mitigation.study_report import MitigationReport, StudyRow
from xbarsim.plot import BLACK, COLOURS, GREY, MARKS, TEXT, TITLE, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE = 150  # letters of the heading
_PANELS = 4
_WIDTH = 700.0  # points of all panels
_APART = 6.0  # points between symbols that would cover each other
_NEAR = 0.04  # of the range of means: what is less apart would
_FEW = 9  # values that are ticks of their axis
_WIDE = 30.0  # a ratio of values from which their axis is logarithmic
_COSTS = {
    "labels": "labels",
    "gradient_steps": "gradient steps",
    "forward_images": "images through the chip",
    "writes": "writes of cells",
    "images": "images without labels",
    "router_lines": "lines moved",
    "sram_weights": "weights in SRAM",
    "correction_macs": "digital products an image",
    "digital_gains": "digital gains",
    "spare_rows": "spare rows",
    "negated_lines": "lines negated",
    "pulses": "pulses",
}
"""Counts that are drawn, the first of which matter most, where rows differ in them."""


def draw(report: MitigationReport) -> Figure:
    """Return the picture."""
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(figsize=(11, 5.2))
    heading = "\n".join(line for part in report.heading for line in wrap(part, _LINE))
    figure.suptitle(plain(heading), fontsize=9)
    names = list(dict.fromkeys(row.name for row in report.rows))
    styles = {name: _style(k) for k, name in enumerate(names)}
    if report.swept is not None:
        panels = [figure.subplots()]
        _sweep(panels[0], report, styles)
    else:
        panels = _costs(figure, report, styles)
    for axes in panels:
        axes.axhline(100.0 * report.ideal, color=BLACK, linestyle="--", linewidth=1.0, label="ideal (torch)")
        axes.grid(linewidth=0.3)
    panels[0].yaxis.set_major_formatter(PercentFormatter(decimals=None))
    panels[0].set_ylabel("test images right")
    chips = len(report.seeds)
    panels[0].set_title(f"mean over {chips} chips, bars: sample deviation" if chips > 1 else "one chip", fontsize=TITLE)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=TEXT, frameon=False
    )
    return figure


def _style(k: int) -> dict[str, Any]:
    colour = COLOURS[(k - 1) % len(COLOURS)] if k else GREY
    return {"color": colour, "marker": MARKS[k % len(MARKS)]}


def _sweep(axes: Axes, report: MitigationReport, styles: Mapping[str, dict[str, Any]]) -> None:
    """Draw each method's accuracy against the values of the swept setting, words at equal distances."""
    values = [value for value, _ in report.studies]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    places = dict(zip(map(repr, values), values if numeric else range(len(values)), strict=True))
    for name, style in styles.items():
        rows = [row for row in report.rows if row.name == name and row.result.mean is not None]
        _points(axes, [places[repr(row.value)] for row in rows], rows, style, line="-")
    axes.set_xlabel(plain(report.swept or ""))
    if not numeric:
        axes.set_xticks(range(len(values)), [plain(str(value)) for value in values])
    elif _is_wide([value for value in values if value > 0]) and min(values) > 0:
        axes.set_xscale("log")
    elif len(values) <= _FEW:
        axes.set_xticks(values, [f"{value:g}" for value in values])


def _costs(figure: Figure, report: MitigationReport, styles: Mapping[str, dict[str, Any]]) -> list[Axes]:
    """Draw accuracy against each of the first counts in which rows differ; against seconds if there is none."""
    rows = [row for row in report.rows if row.result.mean is not None]
    costs: list[tuple[str, list[float]]] = []
    for name, label in _COSTS.items():
        counts = [float(row.cost_mean[name] or 0.0) for row in rows]
        if len(set(counts)) > 1:
            costs.append((label, counts))
    costs = costs[:_PANELS] or [("seconds of the methods", [row.seconds or 0.0 for row in rows])]
    panels: list[Axes] = list(figure.subplots(1, len(costs), sharey=True, squeeze=False)[0])
    for axes, (label, counts) in zip(panels, costs, strict=True):
        shifts = _shifts(counts, [row.result.mean or 0.0 for row in rows])
        for row, count, shift in zip(rows, counts, shifts, strict=True):
            _points(axes, [count], [row], styles[row.name], shift=shift)
        axes.set_xlabel(label)
        positive = [count for count in counts if count > 0]
        if _is_wide(positive):
            if min(counts) > 0:
                axes.set_xscale("log")
            else:
                axes.set_xscale("symlog", linthresh=10.0 ** math.floor(math.log10(min(positive))))
        axes.margins(x=0.08 + max(map(abs, shifts), default=0.0) / (_WIDTH / len(costs)))
    return panels


def _shifts(counts: Sequence[float], means: Sequence[float]) -> list[float]:
    """Return by how many points symbols stand beside their place: 0, but of those that would cover each other."""
    near = _NEAR * (max(means, default=0.0) - min(means, default=0.0))
    shifts = [0.0] * len(means)
    group: list[int] = []
    for k in sorted(range(len(means)), key=lambda k: (counts[k], means[k], k)):
        if group and (counts[k], means[k]) <= (counts[group[-1]], means[group[-1]] + near):
            group.append(k)
        else:
            group = [k]
        for place, member in enumerate(sorted(group)):
            shifts[member] = _APART * (place - 0.5 * (len(group) - 1))
    return shifts


def _points(
    axes: Axes,
    places: Sequence[float],
    rows: Sequence[StudyRow],
    style: dict[str, Any],
    line: str = "none",
    shift: float = 0.0,
) -> None:
    """Draw means with bars of one deviation, moved aside by some points."""
    from matplotlib.transforms import ScaledTranslation

    means = [100.0 * (row.result.mean or 0.0) for row in rows]
    spreads = [100.0 * row.result.deviation for row in rows]
    label = plain(rows[0].name) if rows else None
    aside = axes.transData + ScaledTranslation(shift / 72.0, 0.0, axes.figure.dpi_scale_trans)
    axes.errorbar(
        places, means, yerr=spreads, label=label, linestyle=line, linewidth=1.2, markersize=6, capsize=3,
        elinewidth=1.0, transform=aside, **style,
    )  # fmt: skip
    # Limits do not follow what is drawn with a transform of its own.
    for place, mean, spread in zip(places, means, spreads, strict=True):
        axes.update_datalim([(place, mean - spread), (place, mean + spread)])
    axes.autoscale_view()


def _is_wide(positive: Sequence[float]) -> bool:
    return len(set(positive)) > 1 and max(positive) / min(positive) > _WIDE
