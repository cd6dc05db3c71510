"""Many netlists in one process: an answer each, in every form, and nothing of one in another's."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from cli_tools import PROGRAM, arrays, assert_refused, call, environment, run

from xbarsim.analysis import runs
from xbarsim.cli.netlist_names import listed, repeated

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX pipes, signals and file names")

FLOATING = "lone node\nv1 w 0 1\nrc w b 1k\nvs b 0 0\nrl lone lonely 1k\n.op\n"


def small(folder: Path, name: str, ohms: float = 1e3, cards: str = ".op") -> str:
    """A divider whose currents tell which one it is."""
    path = folder / name
    path.write_text(f"Divider {name!r}\nv1 w 0 0.5\nr1 w b {ohms}\nvs b 0 0\n{cards}\n")
    return str(path)


def stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def records(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def currents(out: str) -> list[float]:
    return [record["analyses"][0]["source_currents"]["vs"] for record in records(out)]


def test_one_line_of_json_each_in_the_order_given(capsys, tmp_path):
    names = [small(tmp_path, f"{ohms}.sp", ohms) for ohms in (700, 900, 800)]
    answer = call(capsys, "solve", "--netlist", *names, "--netlist", names[0], "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    assert [record["file"] for record in records(answer.out)] == [*names, names[0]], "a file twice is solved twice"
    assert currents(answer.out) == pytest.approx([0.5 / ohms for ohms in (700, 900, 800, 700)], rel=1e-14)
    for record, name in zip(records(answer.out), names, strict=False):
        alone = json.loads(call(capsys, "solve", "--netlist", name, "--format", "json").out)
        del record["file"], record["seconds"], alone["seconds"]
        assert record == alone, "but for the file it is what the netlist alone gives"


def test_tables_and_numbers_stand_under_the_files_name(capsys, tmp_path):
    names = [small(tmp_path, f"{ohms}.sp", ohms) for ohms in (700, 900)]
    quiet = call(capsys, "solve", "-q", "--netlist", *names)
    alone = [call(capsys, "solve", "-q", "--netlist", name).out for name in names]
    assert quiet.out == "\n".join(f"==> {name} <==\n{out}" for name, out in zip(names, alone, strict=True))
    table = call(capsys, "solve", "--netlist", *names).out.split("\n\n==> ")
    assert [part.splitlines()[:2] for part in table] == [
        [f"==> {names[0]} <==", "Divider '700.sp'"],
        [f"{names[1]} <==", "Divider '900.sp'"],
    ]


def test_csv_of_like_netlists_is_one_table(capsys, tmp_path):
    names = [small(tmp_path, f"{ohms}.sp", ohms) for ohms in (700, 900)]
    answer = call(capsys, "solve", "--format", "csv", "--netlist", *names, small(tmp_path, "s", 1e3, ".dc v1 0 1 1"))
    points, sweep = answer.out.split("\n\n")
    rows = list(csv.DictReader(io.StringIO(points)))
    assert [(row["file"], row["name"]) for row in rows if row["quantity"] == "current"] == [
        (name, source) for name in names for source in ("v1", "vs")
    ]
    assert [row["file"] for row in csv.DictReader(io.StringIO(sweep))] == [str(tmp_path / "s")] * 2
    assert [float(row["i(vs)"]) for row in csv.DictReader(io.StringIO(sweep))] == [0.0, 1e-3]


def test_a_failure_stops_no_other_and_the_worst_is_the_exit_code(capsys, tmp_path):
    good, last = small(tmp_path, "good.sp", 700), small(tmp_path, "last.sp", 900)
    (tmp_path / "lone.sp").write_text(FLOATING)
    (tmp_path / "bad.sp").write_text("bad\nv1 w 0 1\nrc w b\n")
    (tmp_path / "folder").mkdir()
    bad = [str(tmp_path / name) for name in ("bad.sp", "none.sp", "folder")]
    answer = call(capsys, "solve", "--format", "json", "--netlist", good, *bad, "", last)
    assert answer.code == 2
    *errors, summary = answer.err.splitlines()
    assert [error.startswith(f"xbarsim: {name}:") for error, name in zip(errors, bad, strict=False)] == [True] * 3
    assert "netlist 5 has an empty name" in errors[3]
    assert summary == "xbarsim: 4 of 6 netlists without an answer"
    answered, failed = [], []
    for record in records(answer.out):
        (failed if "error" in record else answered).append(record)
    assert [record["file"] for record in answered] == [good, last]
    assert [(record["file"], record["exit"]) for record in failed] == [(name, 2) for name in (*bad, "")]
    answer = call(capsys, "solve", "-q", "--netlist", tmp_path / "lone.sp", *bad, good)
    assert answer.code == 3, "not solved is worse than not read"
    assert "lone, lonely" in answer.err
    assert answer.out.startswith(f"==> {good} <==\n")


def test_an_error_that_nobody_foresaw_stops_no_other(capsys, tmp_path, monkeypatch):
    names = [small(tmp_path, f"{ohms}.sp", ohms) for ohms in (700, 900)]
    usual = runs.from_netlist

    def from_netlist(source, *arguments, **options):
        if source == names[0]:
            raise ZeroDivisionError("as it happens")
        return usual(source, *arguments, **options)

    monkeypatch.setattr(runs, "from_netlist", from_netlist)
    answer = call(capsys, "solve", "-q", "--netlist", *names)
    assert (answer.code, answer.out.split()[1]) == (1, names[1])
    assert answer.err.startswith(f"xbarsim: {names[0]}: ZeroDivisionError: as it happens")
    with pytest.raises(ZeroDivisionError):
        call(capsys, "solve", "-q", "--netlist", names[0])


def test_notes_errors_and_warnings_name_their_netlist(capsys, tmp_path, monkeypatch):
    cards = ".op\n.options reltol=1e-3\n.measure op x find v(zz) at=0"
    names = [small(tmp_path, name, 700, cards) for name in ("a.sp", "b.sp")]
    usual = runs.from_netlist

    def from_netlist(source, *arguments, **options):
        warnings.warn("it is\nodd", UserWarning, stacklevel=1)
        return usual(source, *arguments, **options)

    monkeypatch.setattr(runs, "from_netlist", from_netlist)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        answer = call(capsys, "solve", "--netlist", *names, "--nodes", "nothing")
    assert answer.code == 0
    for name in names:
        assert f"note: {name}: it is odd\n" in answer.err, "though the same was said of the netlist before"
        assert f"note: {name}: no node is called nothing\n" in answer.err
        assert f"note: {name}:7: .measure x failed: there is no node zz\n" in answer.err
    assert {line.split(": ")[0] for line in answer.err.splitlines()} == {"note"}
    monkeypatch.undo()
    quiet = call(capsys, "solve", "-q", "--netlist", *names).all_err.splitlines()
    assert [line.partition(":7")[0] for line in quiet] == [f"note: {name}" for name in names]


@posix
def test_a_list_of_names_on_standard_input(capsys, tmp_path, monkeypatch):
    names = [small(tmp_path, name, ohms) for name, ohms in (("a b.sp", 700), ("new\nline.sp", 900), ("µ.sp", 800))]
    content = b"".join(os.fsencode(name) + b"\0" for name in names)
    for text in (content, content[:-1]):
        stdin(monkeypatch, text)
        answer = call(capsys, "solve", "--netlist", "-0", "--format", "json")
        assert (answer.code, answer.err) == (0, "")
        assert [record["file"] for record in records(answer.out)] == names
        assert currents(answer.out) == pytest.approx([0.5 / ohms for ohms in (700, 900, 800)], rel=1e-14)
    stdin(monkeypatch, content + b"\0" + os.fsencode(names[0]))
    answer = call(capsys, "solve", "--netlist", names[2], "-0", "-q")
    assert answer.code == 2
    assert "xbarsim: netlist 5 has an empty name" in answer.err
    headings = [line for line in answer.out.splitlines() if line.startswith("==> ")]
    assert headings == [f"==> {name} <==".replace("\n", "\\x0a") for name in [names[2], *names, names[0]]]
    stdin(monkeypatch, content[: content.index(b"\0")])
    assert call(capsys, "solve", "--netlist", "-0", "-q").out.startswith("==> "), "a list of one is a list"


def test_a_list_is_read_as_it_comes():
    class Slow(io.RawIOBase):
        def read1(self, _):
            return parts.pop(0) if parts else b""

    parts = [b"one\0tw", b"o\0\0", b"three"]
    names = listed(Slow())
    assert next(names) == "one"
    assert len(parts) == 2, "nothing is read that is not needed yet"
    assert list(names) == ["two", "", "three"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["holds no names", "find -print0"]),
        (b"a.sp\nb.sp\n", ["end with newlines", "find -print0"]),
        (b"a.sp\n" * 3000, ["end with newlines"]),
        (b"x" * (1 << 21), ["over 1048576 bytes"]),
    ],
)
def test_a_list_that_is_none(capsys, monkeypatch, content, words):
    stdin(monkeypatch, content)
    assert_refused(call(capsys, "solve", "--netlist", "-0"), 2, "--netlist -0", *words)


@posix
def test_a_name_that_is_no_text(capsys, tmp_path, monkeypatch):
    stdin(monkeypatch, os.fsencode(tmp_path) + b"/\xff\x1b[2J.sp\0")
    answer = call(capsys, "solve", "--netlist", "-0", "--format", "json")
    assert answer.code == 2
    assert "\\xdcff\\x1b[2J.sp: there is no such file" in answer.err
    assert records(answer.out)[0]["exit"] == 2


def test_a_netlist_on_standard_input_among_others(capsys, tmp_path, monkeypatch):
    name = small(tmp_path, "a.sp", 700)
    stdin(monkeypatch, Path(small(tmp_path, "b.sp", 900)).read_bytes())
    answer = call(capsys, "solve", "--netlist", name, "-", "--format", "json")
    assert [record["file"] for record in records(answer.out)] == [name, "<stdin>"]
    for words in (["-", "-"], ["-0", "-"], ["-0", name, "-0"]):
        assert_refused(call(capsys, "solve", "--netlist", *words), 2, f"{words[0]} and {words[-1]}", "read once")
    monkeypatch.setattr(sys, "stdin", None)
    assert_refused(call(capsys, "solve", "--netlist", "-0"), 2, "--netlist -0: standard input is closed")


def test_one_file_for_all_answers(capsys, tmp_path):
    names = [small(tmp_path, f"{ohms}.sp", ohms) for ohms in (700, 900)]
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "all.txt"
    printed = call(capsys, "solve", "-q", "--netlist", *names).out
    answer = call(capsys, "solve", "-q", "-o", path, "--netlist", *names, tmp_path / "none.sp")
    assert (answer.code, answer.out) == (2, "")
    assert path.read_text() == printed
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--plot", "a.png"], ["--plot", "give one"]),
        (["--format", "raw"], ["raw", "give one"]),
        (["--word-wire", "1"], ["--word-wire"]),
        (["--conductance", "g.npy"], ["--netlist", "--conductance"]),
        (["-q", "left_over.sp"], ["left_over.sp"]),
    ],
)
def test_what_many_netlists_do_not_go_with(capsys, tmp_path, monkeypatch, options, words):
    if "--plot" in options:
        pytest.importorskip("matplotlib")
    arrays(tmp_path)
    names = [small(tmp_path, name) for name in ("a.sp", "b.sp")]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "from_netlist", lambda *_, **__: pytest.fail("it began to work"))
    assert_refused(call(capsys, "solve", "--netlist", *names, *options), 2, *words)
    assert_refused(call(capsys, "solve", "--netlist", ""), 2, "--netlist has an empty name")


@pytest.mark.parametrize(
    ("words", "spread"),
    [
        (["--netlist", "a", "-q", "b"], ["--netlist", "a", "-q", "b"]),
        (["--netlist", "a", "-", "-0", "-q"], ["--netlist", "a", "--netlist", "-", "--netlist", "-0", "-q"]),
        (["--netlist=a", "b"], ["--netlist=a", "--netlist", "b"]),
        (["--netlist", "-a", "b"], ["--netlist", "-a", "--netlist", "b"]),
        (["--netlist", "a", "--", "-b", "--"], ["--netlist", "a", "--netlist=-b", "--netlist=--"]),
        (["-q", "--", "a"], ["-q", "--", "a"]),
        (["-q", "--netlist"], ["-q", "--netlist"]),
        (["--format", "csv", "a"], ["--format", "csv", "a"]),
    ],
    ids=lambda words: " ".join(words),
)  # fmt: skip
def test_which_words_are_names(words, spread):
    assert repeated(words) == spread


@pytest.mark.slow
@posix
def test_answers_come_before_the_list_ends_and_ctrl_c_ends_it(tmp_path):
    """Names from a program that goes on searching: nothing waits for the last of them."""
    name = small(tmp_path, "a.sp", 700)
    with subprocess.Popen(
        [*PROGRAM, "solve", "--netlist", "-0", "-q"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        process.stdin.write(os.fsencode(name) + b"\0")
        process.stdin.flush()
        assert process.stdout.readline() == f"==> {name} <==\n".encode()
        assert [process.stdout.readline().split()[0] for _ in range(2)] == [b"v1", b"vs"]
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - start < 2.0
    assert (process.returncode, out, err) == (130, b"", b"xbarsim: interrupted\n")


@pytest.mark.slow
@posix
def test_a_reader_that_has_enough_of_many(tmp_path):
    name = small(tmp_path, "a.sp")
    script = '"$@" | head -n 1; exit ${PIPESTATUS[0]}'
    answer = subprocess.run(
        ["bash", "-c", script, "bash", *PROGRAM, "solve", "-q", "--netlist", *[name] * 400],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"==> {name} <==\n", "")


@pytest.mark.slow
@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_no_netlists_failure(tmp_path):
    names = [small(tmp_path, name) for name in ("a.sp", "b.sp")]
    with Path("/dev/full").open("wb") as full:
        assert_refused(run("solve", "--netlist", *names, stdout=full), 2, "No space left on device")
