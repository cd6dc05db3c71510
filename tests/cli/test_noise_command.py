"""``xbarsim noise``: the library's numbers in every form, and what is wrong in a line."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim import Crossbar, Sinh, netlist
from xbarsim.noise import CellNoise, output_noise

WIRES = ("--word-wire", 2, "--bit-wire", 3, "--driver", 10, "--sense", 5)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    cells, volts = 10 ** rng.uniform(-5, -3, (4, 3)), rng.uniform(-0.2, 0.4, (6, 4))
    np.save("g.npy", cells)
    np.save("v.npy", volts)
    np.save("one.npy", volts[0])
    return cells, volts


def test_numbers_are_the_librarys_in_every_form(files, capsys):
    cells, volts = files
    words = ("--conductance", "g.npy", "--voltages", "v.npy", *WIRES, "--band", "10,1k", "--temperature", 350)
    words += ("--flicker", "1n", "--telegraph", "10m", "--lifetime", "2m", "--fano", 0.5, "--occupancy", 0.2)
    words += ("--exponent", 1.1)
    crossbar = Crossbar(cells, word_wire=2.0, bit_wire=3.0, driver=10.0, sense=5.0)
    wanted = output_noise(
        crossbar, volts, band=(10.0, 1e3), temperature=350.0,
        cells=CellNoise(flicker=1e-9, telegraph=0.01, lifetime=2e-3, fano=0.5, occupancy=0.2, exponent=1.1),
    )  # fmt: skip
    record = json.loads(call(capsys, "noise", *words, "--format", "json").out)
    assert np.allclose(record["covariance"], wanted.covariance, rtol=1e-12, atol=0.0)
    assert np.allclose(record["effective_bits"], wanted.effective_bits(), atol=0.0)
    assert record["outputs"] == ["i[0]", "i[1]", "i[2]"]
    rows = list(csv.DictReader(io.StringIO(call(capsys, "noise", *words, "--format", "csv").out)))
    rms = np.sqrt(wanted.variance.mean(axis=0))
    assert np.allclose([float(row["rms"]) for row in rows], rms, atol=0.0)
    table = call(capsys, "noise", *words).out
    for word in ("4 x 3, 6 vectors, 10 Hz to 1 kHz, 350 K", "white", "flicker", "telegraph", "SNR (dB)", "ADC bits"):
        assert word in table
    assert call(capsys, "noise", *words, "-q").out.split()[::2] == record["outputs"]


def test_one_vector_has_no_bits(files, capsys):
    table = call(capsys, "noise", "--conductance", "g.npy", "--voltages", "one.npy").out
    assert "1 vector" in table
    assert "bits" not in table


def test_cells_of_a_law_and_netlists(files, capsys):
    cells, volts = files
    words = ("--conductance", "g.npy", "--voltages", "one.npy", *WIRES, "--device", "sinh", "--v0", "0.2")
    crossbar = Crossbar(cells, word_wire=2.0, bit_wire=3.0, driver=10.0, sense=5.0, device=Sinh(v0=0.2))
    wanted = output_noise(crossbar, volts[0])
    record = json.loads(call(capsys, "noise", *words, "--format", "json").out)
    assert np.allclose(record["covariance"], wanted.covariance, rtol=1e-9, atol=0.0)
    netlist.write(crossbar, volts[0], "x.sp")
    read = json.loads(call(capsys, "noise", "--netlist", "x.sp", "--format", "json").out)
    assert np.allclose(read["covariance"], wanted.covariance, rtol=1e-6, atol=0.0)


def test_a_picture(files, capsys):
    pytest.importorskip("matplotlib")
    answer = call(
        capsys, "noise", "--conductance", "g.npy", "--voltages", "v.npy", "--plot", "n.svg", "--flicker", "1n"
    )
    assert answer.code == 0
    assert b"<svg" in Path("n.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give either --netlist FILE, or --conductance FILE"),
        (("--conductance", "g.npy"), "--conductance needs --voltages"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--netlist", "x.sp"), "give either"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--band", "1"), "two frequencies"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--band", "1,x"), "--band"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--band", "5,1"), "band is from 5 to 1 Hz"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--temperature", "-3"), "temperature is -3"),
        (("--conductance", "g.npy", "--voltages", "v.npy", "--fano", "2"), "fano is 2"),
        (("--netlist", "no.sp"), "no.sp"),
        (("--netlist", "no.sp", "--driver", "3"), "--driver goes with --conductance"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(files, capsys, words, message):
    assert_refused(call(capsys, "noise", *words), 2, message)


def test_a_netlist_that_is_no_crossbar(files, capsys):
    Path("r.sp").write_text(
        "divider\nV1 a 0 1\nR1 a b 1k\nR2 b c 1k\nR3 c a 2k\nR4 b 0 1k\nR5 c d 1k\nR6 d b 1k\nR7 d 0 9\n.op\n.end\n",
        "utf-8",
    )
    assert_refused(call(capsys, "noise", "--netlist", "r.sp"), 2, "r.sp is no crossbar")


@pytest.mark.parametrize("command", ["noise", "settling"])
def test_a_sweep_is_said_to_be_left_out(files, capsys, command):
    path = Path("swept.sp")
    text = "t\n.param rl=1k\nV1 a 0 .2\nR1 a b 1k\nR2 a c 2k\nR3 b 0 {rl}\nR4 c 0 1k\nC1 b 0 1p\n.tran 1n 1u\n"
    path.write_text(text)
    assert "sweeps" not in call(capsys, command, "--netlist", path).err
    path.write_text(f"{text}.step param rl 2k 10k 2k\n")
    answer = call(capsys, command, "--netlist", path)
    assert "note: swept.sp: sweeps are left out: sources are at their dc values" in answer.err
