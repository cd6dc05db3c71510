"""Units alike in every option, messages in the caller's words, and nothing lost to a check that comes last."""

import json
import time
import warnings

import click
import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim.cli.command_line import cli
from xbarsim.cli.option_words import spelled, translated

DIVIDER = "a title\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n.op\n.dc V1 0 1 0.5\n"


COMPLETE = "four nodes\nV1 a 0 1\n" + "".join(
    f"R{a}{b} {a} {b} 1k\n" for a, b in ("ab", "ac", "ad", "bc", "bd", "cd", "b0", "d0")
)
"""No crossbar."""


@pytest.fixture
def arrays(tmp_path):
    np.save(tmp_path / "g.npy", np.full((2, 3), 1e-3))
    np.save(tmp_path / "v.npy", np.array([0.1, 0.2]))
    return ("--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy")


@pytest.mark.parametrize(
    ("option", "word", "plain"),
    [
        ("--driver", "1k", "1000"),
        ("--word-wire", "2.5meg", "2.5e6"),
        ("--sense", "10m", "0.01"),
        ("--bit-wire", "1kohm", "1e3"),
    ],
)
def test_ohms_take_scales(capsys, arrays, option, word, plain):
    a, b = (call(capsys, "solve", *arrays, option, value, "--format", "json") for value in (word, plain))
    assert a.code == b.code == 0
    assert json.loads(a.out)["analyses"] == json.loads(b.out)["analyses"]


REFUSED = [
    ("solve", "--driver", "1M"), ("solve", "--bit-wire", "2.5M"), ("export", "--sense", "1M"),
    ("margin", "--r-off", "1M"), ("margin", "--read-voltage", "1M"), ("margin", "--sizes", "1M"),
    ("infer", "--set", "wires.word=1M"), ("infer", "--batch", "1M"), ("infer", "--limit", "1M"),
    ("infer", "--time", "1M"),
    ("infer", "--width", "1M"), ("infer", "--mean", "0.1,1M"), ("infer", "--seeds", "1M"),
    ("train", "--epochs", "1M"), ("train", "--rate", "1M"), ("train", "--decay", "1M"), ("train", "--limit", "1M"),
    ("mitigate", "--set", "wires.word=1M"), ("mitigate", "--validation", "1M"), ("mitigate", "--seeds", "1M"),
    ("mitigate", "--against", "wires.word=1,1M"),
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_capital_m_is_refused_everywhere(capsys, arrays, words):
    command, option, value = words
    if command in ("infer", "mitigate", "train"):
        pytest.importorskip("torch")
    arguments = {
        "mitigate": ("--method", "headroom"),
        "solve": arrays,
        "export": (*arrays, "-o", "a.sp"),
        "train": ("--model", "mlp", "--data", "digits", "-o", "a.pt"),
    }
    assert_refused(
        call(capsys, command, *arguments.get(command, ()), option, value), 2, "is ambiguous", "meg", option.strip("-")
    )


@pytest.mark.parametrize(("size", "shape"), [("1kx2", (1000, 2)), ("2X0.003k", (2, 3))])
def test_sizes_take_scales(capsys, size, shape):
    answer = call(capsys, "margin", "--sizes", size, "--schemes", "grounded", "--format", "csv")
    assert answer.code == 0
    assert answer.out.splitlines()[1].split(",")[1:3] == [str(count) for count in shape]


@pytest.mark.parametrize("change", ["wires.word=2k", "wires.word=2e3", "wires.word=2000"])
def test_settings_take_scales(change):
    pytest.importorskip("torch")
    from xbarsim.cli.hardware_options import built_hardware

    assert built_hardware("rram-64", (change,), None).wires.word == 2000.0


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("Converter.bits is 99: at most 62", ["adc.bits=99"], "adc.bits is 99: at most 62"),
        ("Converter.bits is 99: at most 62", ["wires.word=2"], "Converter.bits is 99: at most 62"),
        ("TrainSettings.rate is 0.0: above 0", [], "--rate is 0.0: above 0"),
        ("Levels is made from 16: give its settings by name", ["cells.levels=16"],
         "cells.levels is 16: give its settings by name, as cells.levels.NAME=VALUE"),
        ("leave it digital with digital=('0', '2.conv',)", [], "leave it digital with --digital 0 --digital 2.conv"),
        ("leave it digital with digital=('fc',)", [], "leave it digital with --digital fc"),
        ("digital names 'fc9', which", [], "--digital names 'fc9', which"),
    ],
)  # fmt: skip
def test_messages_are_in_the_callers_words(text, changes, expected):
    assert translated(text, changes, ("TrainSettings",)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word_wire is -1.0: it must be >= 0", "--word-wire is -1.0: it must be >= 0"),
        ("word_wire[0, 12] is nan", "--word-wire[0, 12] is nan"),
        ("driver has shape (2,): it must be", "--driver has shape (2,): it must be"),
        ("driver amplifiers are slow", "driver amplifiers are slow"),
        ("it must exceed word_wire, which", "it must exceed --word-wire, which"),
        ('it is singular: solve with method="kron"', "it is singular: solve with --method kron"),
        ("word_wire.csv: it is empty", "word_wire.csv: it is empty"),
        ("/a/word_wire: it is empty", "/a/word_wire: it is empty"),
        ("'word_wire' is no setting", "'word_wire' is no setting"),
        ("Crossbar.word_wire is -1", "Crossbar.word_wire is -1"),
        ("no node is called driver", "no node is called driver"),
    ],
)
def test_arguments_are_called_as_their_options(text, expected):
    command = cli.commands["solve"]
    assert spelled(text, command.get_params(click.Context(command))) == expected


WIRE = "--word-wire is -1.0: it must be >= 0"
WRITING = ("--device", "vteam", "--pulse", "1,10n")
CIRCUITS = {"margin": slice(0), "program": slice(1, 2)}
"""Which of the arguments of arrays a command takes."""


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("solve", ("--word-wire", "-1"), WIRE),
        ("export", ("--word-wire", "-1", "-o", "a.sp"), WIRE),
        ("settling", ("--word-wire", "-1"), WIRE),
        ("noise", ("--word-wire", "-1"), WIRE),
        ("margin", ("--word-wire", "-1"), "--word-wire is -1: it must be >= 0"),
        ("program", (*WRITING, "--word-wire", "-1"), WIRE),
        ("program", (*WRITING, "--increment", "50m", "--most-amplitude", "0.5"), "--most-amplitude is 0.5: it must be"),
        ("program", (*WRITING, "--widening", "2", "--most-width", "1n"), "--most-width is 1e-09: it must be"),
    ],
)
def test_a_bad_argument_is_called_as_it_was_typed(capsys, monkeypatch, tmp_path, arrays, command, options, words):
    monkeypatch.chdir(tmp_path)
    answer = call(capsys, command, *arrays[CIRCUITS.get(command, slice(None))], *options)
    assert_refused(answer, 2, words)
    assert answer.err.startswith("xbarsim: --")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("solve", ("--word-wire", "1e400")), ("program", ("--pulse", "1e400,10n")), ("noise", ("--band", "1,1e400")),
        ("settling", ("--bits", "1e400")), ("margin", ("--r-off", "1e400")),
    ],
)  # fmt: skip
def test_what_is_too_large_is_called_so_by_every_option(capsys, arrays, command, options):
    more = ("--device", "vteam") if command == "program" else ()
    answer = call(capsys, command, *arrays[CIRCUITS.get(command, slice(None))], *more, *options)
    assert_refused(answer, 2, f"Invalid value for '{options[0]}': '1e400' is too large for a number")


@pytest.mark.parametrize("option", ["--word-wire", "--bit-wire", "--driver", "--sense"])
def test_ohms_that_are_nearly_endless_are_solved_without_a_word(capsys, arrays, option):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = call(capsys, "solve", *arrays, option, "1.7e308", "--format", "json")
        broken = call(capsys, "solve", *arrays, option, "inf", "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    currents, none = (json.loads(shown.out)["analyses"][0]["source_currents"] for shown in (answer, broken))
    assert currents == pytest.approx(dict.fromkeys(currents, 0.0) | none, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "adc.bits=99"), ["adc.bits is 99: it must be at most 62"]),
        (("--set", "dac.bits=80"), ["dac.bits is 80: it must be at most 62"]),
        (("--set", "mapping.slices=4", "--set", "mapping.slice_bits=100"), ["mapping.slice_bits is 100", "at most 62"]),
        (("--set", "mapping.slices=40"), ["mapping.slices is 40 and slice_bits 2", "at most 62 bits"]),
        (("--set", "tiles.rows=" + "9" * 30), ["tiles.rows is 999", "at most 1048576"]),
        (("--set", "cells.levels.count=" + "9" * 30), ["cells.levels.count is 999", "at most 1048576"]),
        (("--batch", "0"), ["--batch", "at least 1"]),
        (("--limit", "-3"), ["--limit", "at least 1"]),
        (("--calibration", "0"), ["--calibration", "at least 1"]),
        (("--epochs", "0"), ["--epochs", "at least 1"]),
        (("--width", "0"), ["--width", "above 0"]),
        (("--batch", "1e30"), ["--batch", "whole number up to 2147483647"]),
        (("--batch", "inf"), ["--batch", "whole number up to 2147483647"]),
        (("--digital", "fc9"), ["--digital names 'fc9'", "fc1"]),
        (("-o", "/nowhere/a.json"), ["/nowhere/a.json", "no such folder"]),
        (("--plot", "a.png", "-o", "a.png"), ["--output and --plot are both a.png"]),
    ],
)
def test_infer_refuses_before_it_trains(capsys, monkeypatch, tmp_path, options, words):
    pytest.importorskip("torch")
    from xbarsim.nn import training

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training.Training, "run", lambda *_, **__: pytest.fail("it was trained first"))
    assert_refused(call(capsys, "infer", "--model", "mlp", "--data", "digits", *options), 2, *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "/nowhere/a.pt"), ["/nowhere/a.pt", "no such folder"]),
        (("-o", "a.pt", "--batch", "1"), ["--batch is 1", "at least 2"]),
        (("-o", "a.pt", "--rate", "0"), ["--rate is 0"]),
        (("-o", "a.pt", "--seed", "-1"), ["--seed is -1"]),
    ],
)
def test_train_refuses_before_it_reads_data(capsys, monkeypatch, tmp_path, options, words):
    pytest.importorskip("torch")
    from xbarsim.nn import datasets

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load", lambda *_, **__: pytest.fail("data were read first"))
    assert_refused(call(capsys, "train", "--model", "mlp", "--data", "digits", *options), 2, *words)


@pytest.mark.parametrize("command", ["solve", "margin", "infer"])
def test_a_picture_without_matplotlib_is_refused_before_work(capsys, monkeypatch, tmp_path, command):
    if command == "infer":
        pytest.importorskip("torch")
    monkeypatch.setattr("xbarsim.plot.figures.find_spec", lambda name: None)
    (tmp_path / "a.sp").write_text(DIVIDER)
    start = time.perf_counter()
    options = ("--netlist", tmp_path / "a.sp") if command == "solve" else ()
    answer = call(capsys, command, *options, "--plot", tmp_path / "a.png")
    assert_refused(answer, 2, "matplotlib", "xbarsim[plot]")
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("command", ["solve", "export"])
def test_matrices_are_not_read_for_a_folder_that_is_not_there(capsys, command):
    arguments = ("--conductance", "missing.npy", "--voltages", "missing.npy", "-o", "/nowhere/a")
    assert_refused(call(capsys, command, *arguments), 2, "/nowhere/a", "no such folder")


@pytest.mark.parametrize("to_file", [False, True])
def test_if_drawing_fails_the_numbers_still_come(capsys, monkeypatch, tmp_path, to_file):
    pytest.importorskip("matplotlib")
    (tmp_path / "a.sp").write_text(DIVIDER)
    output = ("-o", tmp_path / "a.txt") if to_file else ()

    def fail(*args, **options):
        raise RuntimeError("no colours left\nat all")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    answer = call(capsys, "solve", "--netlist", tmp_path / "a.sp", "--plot", tmp_path / "a.png", "-q", *output)
    assert answer.code == 2
    assert answer.err == (
        "xbarsim: the picture could not be drawn (RuntimeError: no colours left); the numbers are whole\n"
    )
    numbers = (tmp_path / "a.txt").read_text() if to_file else answer.out
    assert numbers.count("\n") >= 4
    assert not (tmp_path / "a.png").exists()


def test_numbers_come_though_there_is_nothing_to_draw(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "a.sp").write_text(COMPLETE)
    answer = call(capsys, "solve", "--netlist", tmp_path / "a.sp", "--plot", tmp_path / "a.png", "--format", "json")
    assert answer.code == 2
    assert json.loads(answer.out)["analyses"][0]["node_voltages"]
    assert "neither" in answer.err


TITLES = [
    "cost $5 and $6", r"\frac{1}{ $x_{", "$\\alpha$ ^ _ {", "100 % & # ~ \\", "tab\there", "$" * 7, r"a \$ b $ c",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_titles_and_names_are_letters_not_mathematics(capsys, tmp_path, title, kind):
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.sp"
    path.write_text(f"{title}\nV$1$ a 0 1\nR1 a b 1k\nV_2 b 0 0.5\n.dc V$1$ 0 1 0.25\n")
    answer = call(capsys, "solve", "--netlist", path, "--plot", tmp_path / f"a.{kind}")
    assert answer.code == 0, answer.err
    assert (tmp_path / f"a.{kind}").stat().st_size > 1000


def test_a_text_is_shown_letter_by_letter():
    pytest.importorskip("matplotlib")
    from matplotlib.text import Text

    from xbarsim.plot import plain

    for title in TITLES:
        text, mathematics = Text(text=plain(title))._preprocess_math(plain(title))
        assert not mathematics
        assert text == title.replace("\t", " ")


@pytest.mark.filterwarnings("error")
def test_letters_that_no_font_has_are_told_of(capsys, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("xbarsim.plot.fonts._installed", lambda: ())
    path = tmp_path / "a.sp"
    path.write_text("忆阻器 test\nV1 a 0 1\nR1 a b 1k\nV2 b 0 0.5\n.dc V1 0 1 0.25\n", encoding="utf-8")
    answer = call(capsys, "solve", "--netlist", path, "--plot", tmp_path / "a.png")
    assert answer.code == 0
    assert f"note: {tmp_path / 'a.png'}: 3 letters are in no font" in answer.err
    assert "Warning" not in answer.err
    assert (tmp_path / "a.png").stat().st_size > 1000
