"""Figures 4, 5 and 6 of paper D: open-close ratios, iterations against batches, variability and IR drop."""

from __future__ import annotations

from paper_d_chips import BALANCED, UNBALANCED, Work, hardware, page
from paper_d_picture import drawn
from paper_runs import cell, mean, table

RATES = (0.1, 0.2, 0.4)


def figure4(work: Work) -> str:
    """SI and FPT, balanced and unbalanced, at three open-close ratios."""
    earlier = {
        ("balanced", 5.0, 0.4): "97.42", ("balanced", 1.0, 0.4): "97.37", ("balanced", 0.2, 0.4): "94.9, 97.53",
        ("unbalanced", 5.0, 0.2): "below 15, 78.1", ("unbalanced", 0.2, 0.2): "below 15, 78.9",
        ("unbalanced", 5.0, 0.4): "-, 20",
        ("unbalanced", 1.0, 0.2): "97.23, 97.66", ("unbalanced", 1.0, 0.4): "86.40, 95.06",
    }  # fmt: skip
    rows = []
    for scheme, mapping in (("balanced", BALANCED), ("unbalanced", UNBALANCED)):
        for ocr in (5.0, 1.0, 0.2):
            for rate in RATES[1:]:
                study = work.study(f"{scheme}, OCR {ocr:g}, {100 * rate:g} %", hardware(mapping, rate, ocr), ("fpt",))
                cells = [cell(study, "none"), cell(study, "fpt")]
                rows.append([scheme, f"{ocr:g}", f"{100 * rate:g} %", *cells, earlier.get((scheme, ocr, rate), "")])
    head = ["weights", "OCR", "stuck", "SI", "FPT", "prototype"]
    return page("Figure 4: open-close ratio and how weights are realised", "figure4", table(head, rows), FIGURE4_TEXT)


FIGURE4_TEXT = """
Five chips, mean and sample deviation, ideal fidelity; unbalanced: healthy reference. The paper: balanced weights lose
at most 1.04 points at 40 %, whatever the OCR; unbalanced ones are best at OCR 1."""

BATCHES = (8, 32, 128)
ITERATIONS = (2, 4, 8, 16, 32, 64, 128)
MORE = ((64, 64), (300, 32))


def figure5(work: Work) -> str:
    """Iterations against the size of batches."""
    sizes = dict.fromkeys([(count, batch) for batch in BATCHES for count in ITERATIONS] + list(MORE))
    chains = {size: f"fpt:iterations={size[0]},batch={size[1]}" for size in sizes}
    bodies, curves = [], {}
    for label, rate, ocr, chips in (("40 %, OCR 1", 0.4, 1.0, 2), ("10 %, OCR 1/9", 0.1, 1.0 / 9.0, 1)):
        study = work.study(label, hardware(UNBALANCED, rate, ocr), tuple(chains.values()), chips)
        rows = [[f"{count}", *(cell(study, chains[count, batch]) for batch in BATCHES)] for count in ITERATIONS]
        more = ", ".join(f"{count} x {batch}: {cell(study, chains[count, batch])}" for count, batch in MORE)
        head = ["iterations", *(f"batch {batch}" for batch in BATCHES)]
        bodies.append(f"{label}, SI {cell(study, 'none')}:\n\n{table(head, rows)}\n\n{more}")
        for batch in BATCHES:
            points = [(count, mean(study, chains[count, batch])) for count in ITERATIONS]
            curves[f"{label}, batch {batch}"] = points
    drawn("d_figure5.png", curves, "iterations", log=True)
    picture = "![accuracy against iterations](d_figure5.png)"
    return page("Figure 5: iterations against batches", "figure5", "\n\n".join([*bodies, picture]), FIGURE5_TEXT)


FIGURE5_TEXT = """
Unbalanced, healthy reference, ideal fidelity; two chips at 40 %, one at 10 %. The paper (CIFAR-10, 10 %, OCR 1/9):
accuracy goes by iterations rather than by the size of batches, and 32 x 32 images are within 0.5 points of
the best. An iteration keeps 0.9 of the statistics that were: after few of them those of the fault-free network still
count. The prototype had 94.45 at 32 x 32 and 94.73 at best (40 %, OCR 1)."""

SIGMAS = (0.0, 0.1, 0.3, 0.5)
OHMS = (0.0, 0.1, 1.0)


def figure6(work: Work) -> str:
    """Resistances that vary, and wires."""
    varied = {(sigma, rate): hardware(BALANCED, rate, 0.2, sigma=sigma) for sigma in SIGMAS for rate in RATES}
    wired = {(ohms, rate): hardware(BALANCED, rate, 0.2, ohms=ohms) for ohms in OHMS for rate in RATES}
    bodies, curves = [], {}
    for name, unit, kinds in (("sigma", "", varied), ("wires", " ohm", wired)):
        rows = []
        for value in dict.fromkeys(value for value, _ in kinds):
            row = [f"{value:g}{unit}"]
            for rate in RATES:
                study = work.study(f"{name} {value:g}, {100 * rate:g} %", kinds[value, rate], ("fpt",), chips=2)
                row += [cell(study, "none"), cell(study, "fpt")]
                for text, label in (("none", "SI"), ("fpt", "FPT")):
                    curves.setdefault(name, {}).setdefault(f"{label}, {100 * rate:g} %", []).append(
                        (value, mean(study, text))
                    )
            rows.append(row)
        bodies.append(table([name, *(f"{text}, {100 * rate:g} %" for rate in RATES for text in ("SI", "FPT"))], rows))
    drawn("d_figure6a.png", curves["sigma"], "sigma of resistances")
    drawn("d_figure6b.png", curves["wires"], "ohm, all segments and ends")
    pictures = "![variability](d_figure6a.png)\n![IR drop](d_figure6b.png)"
    return page("Figure 6: variability and IR drop", "figure6", "\n\n".join([*bodies, pictures]), FIGURE6_TEXT)


FIGURE6_TEXT = """
Balanced, OCR 0.2, two chips. Above: `R' = R (1 + eps)`, eps gaussian and within 0.95 of 0, ideal fidelity. Below: every
segment, driver and sense resistance. The paper (CIFAR-10): sigma 0.5 costs less than 10 points up to 20 %; at 0.1 ohm
about 6 points even at 40 %, at 1 ohm about 5 points up to 20 % and very much at 40 %."""
