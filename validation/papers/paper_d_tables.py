"""Tables III, IV and V of paper D, and FPT against IR drop."""

from __future__ import annotations

from paper_d_chips import BALANCED, HEALTHY_REFERENCE, UNBALANCED, Work, hardware, page
from paper_d_picture import drawn
from paper_runs import cell, mean, table

from xbarsim.mitigation import Harness, chain
from xbarsim.nn import CrossbarNetwork, Mapping

TUNED = ("fpt",)
TRAINED = tuple(f"{name}:epochs=2,images=20000" for name in ("bias", "bn", "retrain"))


def wires(work: Work) -> str:
    """SI and FPT where wires take current."""
    prototype = {
        ("differential", 0.5, 0.0): "96.6, 98.0", ("differential", 1.0, 0.0): "80.3, 97.7",
        ("differential", 1.0, 0.2): "45.0, 97.3", ("reference", 1.0, 0.0): "23.0, 94.9",
        ("reference", 1.0, 0.2): "20.2, 82.9",
    }  # fmt: skip
    rows, curves = [], {"SI": [], "FPT": []}
    for mapping, ohms, rate, ocr in (
        (BALANCED, 0.5, 0.0, 0.2), (BALANCED, 1.0, 0.0, 0.2), (BALANCED, 0.0, 0.2, 0.2), (BALANCED, 0.1, 0.2, 0.2),
        (BALANCED, 0.5, 0.2, 0.2), (BALANCED, 1.0, 0.2, 0.2), (BALANCED, 2.0, 0.2, 0.2), (BALANCED, 1.0, 0.2, 1.0),
        (HEALTHY_REFERENCE, 1.0, 0.0, 1.0),
        (HEALTHY_REFERENCE, 1.0, 0.2, 1.0),
    ):  # fmt: skip
        label = f"{mapping.kind}, {ohms:g} ohm, {100 * rate:g} %, OCR {ocr:g}"
        study = work.study(label, hardware(mapping, rate, ocr, ohms=ohms), TUNED)
        scheme = "balanced" if mapping.kind == "differential" else "unbalanced, healthy reference"
        faults = f"{100 * rate:g} %, OCR {ocr:g}" if rate else "none"
        earlier = prototype.get(
            (mapping.kind, ohms, rate if ocr == (0.2 if mapping.kind == "differential" else 1.0) else -1), ""
        )
        chips = str(len(study.seeds))
        rows.append([scheme, f"{ohms:g}", faults, chips, cell(study, "none"), cell(study, "fpt"), earlier])
        if (mapping, rate, ocr) == (BALANCED, 0.2, 0.2):
            for name, text in (("SI", "none"), ("FPT", "fpt")):
                curves[name].append((ohms, mean(study, text)))
    drawn("d_wires.png", {f"{name}, balanced, 20 % stuck, OCR 0.2": points for name, points in curves.items()}, "ohm")
    baselines = []
    for rate in (0.0, 0.2):
        study = work.study(f"gains, {100 * rate:g} %", hardware(BALANCED, rate, 0.2, ohms=1.0), (*GAINS, *TUNED))
        baselines.append([f"{100 * rate:g} %", *(cell(study, text) for text in ("none", *GAINS, *TUNED))])
    second = table(["stuck, OCR 0.2", "SI", *(f"`{text}`" for text in (*GAINS, *TUNED))], baselines)
    head = ["weights", "ohm, all segments and ends", "stuck cells", "chips", "SI", "FPT", "prototype, 1 chip: SI, FPT"]
    picture = "![SI and FPT against the resistance of segments and ends](d_wires.png)"
    body = f"{table(head, rows)}\n\n{picture}\n\n{GAINS_TEXT}\n\n{second}"
    return page("FPT against IR drop", "wires", body, WIRES_TEXT)


GAINS = ("gain", "gain:per=output", "gain:source=images,per=output,count=1024")
GAINS_TEXT = """Digital gains alone, balanced, 1 ohm: fitted to the known circuit for a layer and for an output, and to
the products of the chip on as many images as FPT takes. Most of what wires take is a gain of whole outputs:"""

WIRES_TEXT = """
SI is simple inference: the network as it is, on the same chips. The circuit is solved with every segment, driver and
sense resistance; one chip stands for all where chips cannot differ. FPT moves digital gains and shifts only: 1,024
unlabelled images, no label, no gradient, no second write. The paper has curves on CIFAR-10 (figure 6b), about 5 points
lost at 1 ohm up to a rate of 20 %, and no SI beside them."""


def table3(work: Work) -> str:
    """SI, FPT and the three trainings, unbalanced, OCR 1."""
    paper = {
        0.1: ("97.36", "97.47", "97.81", "97.93", "97.32"), 0.2: ("91.85", "97.21", "97.23", "97.35", "96.92"),
        0.4: ("44.23", "95.07", "94.93", "96.70", "97.19"),
    }  # fmt: skip
    earlier = {
        0.1: ("97.93", "97.93", "-", "-", "-"), 0.2: ("97.23", "97.66", "97.62", "97.75", "97.76"),
        0.4: ("86.40", "95.06", "95.52", "96.30", "97.27"),
    }  # fmt: skip
    rows = []
    for rate in (0.0, 0.1, 0.2, 0.4):
        kind = hardware(UNBALANCED, rate, 1.0)
        study = work.study(f"{100 * rate:g} %", kind, TUNED)
        cells = [cell(study, label) for label in ("none", *TUNED)]
        if rate:
            once = work.study(f"{100 * rate:g} %", kind, TRAINED, chips=1)
            cells += [cell(once, label) for label in TRAINED]
        rows.append([f"{100 * rate:g} %", "measured", *cells, *["-"] * (5 - len(cells))])
        if rate:
            rows += [["", "paper", *paper[rate]], ["", "prototype", *earlier[rate]]]
    stuck = []
    for rate in (0.1, 0.2, 0.4):
        study = work.study(f"stuck reference, {100 * rate:g} %", hardware(Mapping("reference"), rate, 1.0), TUNED)
        stuck.append(
            [
                f"{100 * rate:g} %",
                cell(study, "none"),
                cell(study, "fpt"),
                {0.2: "96.3, 97.3", 0.4: "71.9, 88.1"}.get(rate, ""),
            ]
        )
    head = ["stuck", "", "SI", "FPT", "bias", "bn", "retrain"]
    second = table(["stuck", "SI", "FPT", "prototype: SI, FPT"], stuck)
    body = f"{table(head, rows)}\n\nWith a reference column whose cells are stuck as others are:\n\n{second}"
    return page("Table III: FPT and three trainings", "table3", body, TABLE3_TEXT)


TABLE3_TEXT = """
Unbalanced (`offset`: one cell a weight, the reference is healthy), OCR 1, no wires. SI and FPT: five chips, mean and
sample deviation; bias, bn, retrain: the first chip, 2 epochs of 20,000 images (the paper: 10 epochs of all)."""


def table4(work: Work) -> str:
    """Training images against test images as those that statistics are taken from."""
    label = f"fpt:iterations={ALL_TEST // 32},batch=32"
    paper = {0.1: ("89.74", "88.04"), 0.2: ("87.52", "85.36"), 0.4: ("67.89", "67.37")}
    rows = []
    for rate in (0.1, 0.2, 0.4):
        kind = hardware(UNBALANCED, rate, 1.0)
        studies = [work.study(f"{100 * rate:g} %, {data}", kind, (label,), data=data) for data in ("train", "test")]
        rows.append([f"{100 * rate:g} %", *(cell(study, label) for study in studies), *paper[rate]])
    head = ["stuck", "training images", "test images", "paper, CIFAR-10: training", "test"]
    return page("Table IV: where calibration images are from", "table4", table(head, rows), TABLE4_TEXT)


ALL_TEST = 10_000
TABLE4_TEXT = """
FPT by 312 batches of 32 unlabelled images, of the training set or of the very test set; unbalanced, healthy reference,
OCR 1, five chips. Images of the training set cost nothing."""


REMAPPED = ("none", "row-flip", "row-permutation", "row-flip+row-permutation")


def table5(work: Work) -> str:
    """Row methods, with and without FPT behind them."""
    earlier = {
        ("balanced", 0.4): ("94.9", "96.4", "96.9", "97.1", "97.6", "97.7", "97.8", "97.9"),
        ("unbalanced", 0.2): ("8.6", "97.7", "96.2", "98.1", "79.2", "", "", ""),
    }
    paper = {
        ("balanced", 0.1): ("82.32", "87.85", "89.80", "89.81", "88.53", "89.51", "89.37", "89.56"),
        ("balanced", 0.2): ("41.21", "57.46", "78.86", "76.38", "88.08", "88.37", "88.81", "89.08"),
    }
    rows = []
    for scheme, rate in (("balanced", 0.1), ("balanced", 0.2), ("balanced", 0.4), ("unbalanced", 0.2)):
        kind = hardware(BALANCED if scheme == "balanced" else UNBALANCED, rate, 0.2)
        tuned = tuple("fpt" if text == "none" else f"{text}+fpt" for text in REMAPPED)
        study = work.study(f"{scheme}, {100 * rate:g} %", kind, (*REMAPPED[1:], *tuned), chips=2)
        for tail, texts in (("", REMAPPED), (", FPT", tuned)):
            chosen = slice(0, 4) if not tail else slice(4, 8)
            reference = [dict.get(numbers, (scheme, rate), ("",) * 8)[chosen] for numbers in (earlier, paper)]
            label = f"{scheme}, {100 * rate:g} %{tail}"
            rows.append([label, "measured", *(cell(study, text) for text in texts)])
            rows += [
                ["", source, *numbers]
                for source, numbers in zip(("prototype", "paper, CIFAR-10"), reference, strict=True)
                if any(numbers)
            ]
    head = ["stuck, OCR 0.2", "", "SI", "RF", "RP", "RF+RP"]
    body = table(head, rows) + "\n" + DISTANCE_TEXT + "\n\n" + _distances(work)
    return page("Table V: row methods with and without FPT", "table5", body, TABLE5_TEXT)


def _distances(work: Work) -> str:
    """Return how far weights are from what cells hold of them, the mean over all of a network, by row methods."""
    rows = []
    for scheme, mapping, rate in (("balanced", BALANCED, 0.4), ("unbalanced", UNBALANCED, 0.2)):
        harness = Harness(work.model, work.dataset, hardware(mapping, rate, 0.2))
        for seed in range(2):
            applied = [harness.apply(chain(text), seed).network for text in REMAPPED]
            rows.append(
                [f"{scheme}, {100 * rate:g} %", str(seed), *(f"{_distance(network):.4f}" for network in applied)]
            )
    return table(["stuck, OCR 0.2", "chip", "SI", "RF", "RP", "RF+RP"], rows)


def _distance(network: CrossbarNetwork) -> float:
    pairs = [
        (ideal, real)
        for layer in network.layers.values()
        for ideal, real in zip(layer.matrices(), layer.effective_matrices(), strict=True)
    ]
    whole = sum(float((ideal - real).detach().abs().sum()) for ideal, real in pairs)
    return whole / sum(ideal.numel() for ideal, _ in pairs)


DISTANCE_TEXT = """
Mean `|w - t|` over all weights, of a weight of 1:"""
TABLE5_TEXT = """
RF: `row-flip`, RP: `row-permutation` (64 rows of each array), RF+RP: both chosen together; two chips, ideal fidelity.
RP costs a router of every word line, RF a sign a line; FPT costs neither. Unbalanced: healthy reference."""
