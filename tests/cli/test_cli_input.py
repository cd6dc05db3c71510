"""Bad input to the command line: the exit code, and one line that names the file or option and what is wrong."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cli_tools import arrays, assert_refused, call

from xbarsim import resources


def npy(values, **options) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, **options)
    return stream.getvalue()


def replaced(value) -> np.ndarray:
    g = np.full((3, 4), 1e-4)
    g[1, 2] = value
    return g


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("a.npy", npy(np.ones((3, 4))))
    return stream.getvalue()


GOOD = npy(np.full((3, 4), 1e-4))

CONDUCTANCES = {
    "nan.npy": (npy(replaced(np.nan)), "conductance[1, 2] is nan"),
    "inf.npy": (npy(replaced(np.inf)), "conductance[1, 2] is inf"),
    "negative.npy": (npy(replaced(-1e-6)), "conductance[1, 2] is -1e-06"),
    "nan.csv": (b"1,2,3,4\n1,2,nan,4\n1,2,3,4\n", "conductance[1, 2] is nan"),
    "negative.csv": (b"1,2,3,4\n1,2,-3,4\n1,2,3,4\n", "conductance[1, 2] is -3"),
    "vector.npy": (npy(np.ones(4)), "shape (4,)"),
    "scalar.npy": (npy(1.0), "shape ()"),
    "solid.npy": (npy(np.ones((2, 3, 4))), "shape (2, 3, 4)"),
    "no_rows.npy": (npy(np.ones((0, 4))), "shape (0, 4)"),
    "other_rows.npy": (npy(np.ones((2, 4))), "must be (2,)"),
    "pickled.npy": (npy(np.array([[{}]], dtype=object), allow_pickle=True), "pickled.npy"),
    "complex.npy": (npy(np.ones((3, 4)) * 1j), "complex"),
    "text.npy": (npy(np.array([["a", "b"]])), "real numbers"),
    "dates.npy": (npy(np.zeros((3, 4), "M8[s]")), "real numbers"),
    "record.npy": (npy(np.zeros((3, 4), [("a", "f8")])), "real numbers"),
    "truncated.npy": (GOOD[:-20], "truncated.npy"),
    "headless.npy": (GOOD[:60], "headless.npy"),
    "damaged.npy": (GOOD.replace(b"(3, 4)", b"(3, 4("), "damaged.npy"),
    "huge.npy": (GOOD.replace(b"(3, 4), }   ", b"(3, 4000), }"), "huge.npy"),
    "archive.npy": (archive(), "archive.npy"),
    "empty.npy": (b"", "empty.npy"),
    "really_text.npy": (b"1,2,3\n", "really_text.npy"),
    "empty.csv": (b"", "empty.csv"),
    "comments.csv": (b"# nothing\n\n", "empty"),
    "binary.csv": (bytes(range(256)), "binary.csv"),
    "words.csv": (b"1,2\n3,four\n", "words.csv:2"),
    "headings.csv": (b"bl0,bl1\n3,4\nbl0,bl1\n", "headings.csv:3"),
    "ragged.csv": (b"1,2\n3,4\n5\n", "ragged.csv:3"),
    "gap.csv": (b"1,,2,3\n4,,5,6\n7,,8,9\n", "gap.csv:1"),
    "decimal_comma.csv": (b"0,5;0,3\n0,1;0,2\n0,1;0,2\n", "decimal_comma.csv:1"),
    "archive.npz": (archive(), "archive.npz"),
}


@pytest.mark.parametrize("name", CONDUCTANCES)
def test_a_bad_conductance_file(capsys, tmp_path, name):
    data, word = CONDUCTANCES[name]
    arrays(tmp_path)
    (tmp_path / name).write_bytes(data)
    answer = call(capsys, "solve", "--conductance", tmp_path / name, "--voltages", tmp_path / "v.npy")
    assert_refused(answer, 2, word)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (np.ones(4), "shape (4,)"),
        (np.ones((2, 4)), "shape (2, 4)"),
        (np.ones((0, 3)), "shape (0, 3)"),
        (np.ones((2, 2, 3)), "shape (2, 2, 3)"),
        ([0.1, np.nan, 0.3], "voltages[1] is nan"),
        ([[0.1, 0.2, 0.3], [0.1, 0.2, -np.inf]], "voltages[1, 2] is -inf"),
        ([1j, 0, 0], "complex"),
    ],
)
@pytest.mark.parametrize("command", ["solve", "export"])
def test_bad_voltages(capsys, tmp_path, values, word, command):
    circuit = arrays(tmp_path)
    np.save(tmp_path / "v.npy", values)
    output = ["-o", tmp_path / "out.sp"] if command == "export" else []
    assert_refused(call(capsys, command, *circuit, *output), 2, word)
    assert not (tmp_path / "out.sp").exists()


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--word-wire", "-1", "word_wire is -1"),
        ("--bit-wire", "-1e-3", "bit_wire is -0.001"),
        ("--driver", "-inf", "driver is -inf"),
        ("--sense", "nan", "sense is nan"),
        ("--word-wire", "much", "--word-wire"),
        ("--word-wire", "2.2kk", "--word-wire"),
        ("--bit-wire", "none.npy", "none.npy: bit_wire: there is no such file"),
        ("--driver", "g.npy", "driver has shape (3, 4)"),
        ("--sense", "driver.npy", "sense has shape (3,)"),
        ("--word-wire", "g.npy", "word_wire has shape (3, 4)"),
        ("--method", "magic", "'magic'"),
        ("--format", "xml", "'xml'"),
        ("--unknown", "1", "--unknown"),
        ("--sense", None, "--sense"),
    ],
)
def test_a_bad_option(capsys, tmp_path, monkeypatch, option, value, word):
    circuit = arrays(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert_refused(call(capsys, "solve", *circuit, option, *([value] if value else [])), 2, word)


def test_options_that_make_no_circuit(capsys, tmp_path):
    circuit = arrays(tmp_path)
    netlist = tmp_path / "a.sp"
    netlist.write_text("title\nv1 w 0 1\nrc w b 1k\nvs b 0 0\n")
    assert_refused(call(capsys, "solve"), 2, "--netlist", "--conductance")
    assert_refused(call(capsys, "solve", "--netlist", netlist, *circuit), 2, "--netlist", "--conductance")
    assert_refused(call(capsys, "solve", *circuit[:2]), 2, "--voltages")
    assert_refused(call(capsys, "solve", *circuit[2:]), 2, "--conductance")
    assert_refused(call(capsys, "export", *circuit[2:], "-o", tmp_path / "out.sp"), 2, "--conductance")
    assert_refused(call(capsys, "export", *circuit), 2, "--output")
    assert_refused(call(capsys, "solve", *circuit, "left over"), 2, "left over")
    assert_refused(call(capsys, "dissolve"), 2, "dissolve")
    # Wires beside a netlist would be ignored, and the answer taken for one with them.
    assert_refused(call(capsys, "solve", "--netlist", netlist, "--word-wire", "1"), 2, "--word-wire")
    assert_refused(call(capsys, "solve", "--netlist", netlist, *circuit[2:]), 2, "--voltages")


@pytest.mark.parametrize("option", ["--netlist", "--conductance", "--voltages", "--driver"])
def test_a_file_that_is_none(capsys, tmp_path, option):
    circuit = dict(zip(("--conductance", "--voltages"), arrays(tmp_path)[1::2], strict=True))
    (tmp_path / "folder.npy").mkdir()
    for name in ("missing.npy", "folder.npy", "g.npy/inside.npy"):
        circuit_options = (
            {"--netlist": tmp_path / name} if option == "--netlist" else circuit | {option: tmp_path / name}
        )
        assert_refused(call(capsys, "solve", *(word for pair in circuit_options.items() for word in pair)), 2, name)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", 2, ["bad.sp", "empty"]),
        (b"\n\n", 2, ["bad.sp"]),
        (b"only a title\n", 2, ["bad.sp", "no elements"]),
        (b"title\n\0\1\2\3", 2, ["bad.sp", "binary"]),
        (b"title\nr\x81 a b 1\n", 2, ["bad.sp:2"]),
        (b"title\nv1 w 0 1\nrc w b 1k\nd1 b 0 dm\n", 2, ["bad.sp:4", "d1"]),
        (b"title\nv1 w 0 1\nrc w b\nvs b 0 0\n", 2, ["bad.sp:3", "rc"]),
        (b"title\nv1 w 0 1\nrc w b {ohms}\nvs b 0 0\n", 2, ["bad.sp:3", "ohms"]),
        (b"title\n.include none.inc\n", 2, ["bad.sp:2", "none.inc"]),
        # Only to nodes of its own: their voltages are anything.
        (b"title\nv1 w 0 1\nv2 x 0 2\nrc w b 1k\nrd x b 1k\nvs b 0 0\nrl Lone lonely 1k\n", 3, ["lone, lonely"]),
    ],
)  # fmt: skip
def test_a_bad_netlist(capsys, tmp_path, data, code, words):
    (tmp_path / "bad.sp").write_bytes(data)
    assert_refused(call(capsys, "solve", "--netlist", tmp_path / "bad.sp", "--format", "json"), code, *words)


@pytest.mark.slow
def test_floating_nodes_of_a_large_island_are_counted(capsys, tmp_path):
    island = [f"rl{k} i{k} i{k + 1} 1k" for k in range(0, 24, 2)]
    (tmp_path / "a.sp").write_text("\n".join(["title", "v1 w 0 1", "rc w b 1k", "vs b 0 0", *island]))
    assert_refused(call(capsys, "solve", "--netlist", tmp_path / "a.sp"), 3, "i0, i1, i2", "and 16 more")


def test_sources_that_contradict_are_both_named(capsys, tmp_path):
    (tmp_path / "a.sp").write_text("title\nv1 w 0 1\nr0 w x 0\nv2 x 0 2\nrc w b 1k\nvs b 0 0\n")
    assert_refused(call(capsys, "solve", "--netlist", tmp_path / "a.sp"), 3, "v2", "v1", "a.sp:4", "a.sp:2")


def test_no_convergence_is_exit_3(capsys, tmp_path, monkeypatch):
    """A number that did not converge must not be printed."""
    circuit = arrays(tmp_path, 20, 30)
    monkeypatch.setattr("xbarsim.solvers.solve.MAX_ITERATIONS", 2)
    answer = call(capsys, "solve", *circuit, "--word-wire", "50", "--bit-wire", "50", "--method", "schur")
    assert_refused(answer, 3, "did not converge")


@pytest.mark.parametrize("method", ["auto", "schur", "kron"])
def test_too_large_a_circuit_is_refused_before_it_is_tried(capsys, tmp_path, monkeypatch, method):
    np.save(tmp_path / "g.npy", np.full((1000, 1000), 1e-4))
    np.save(tmp_path / "v.npy", np.ones(1000))
    monkeypatch.setattr(resources, "available_memory", lambda: 10**7)
    circuit = ("--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy", "--word-wire", "1")
    answer = call(capsys, "solve", *circuit, "--method", method)
    assert_refused(answer, 2, "1000 x 1000", "GB of memory, 0.01 GB are available")


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_bad_thread_count_is_named(capsys, tmp_path, monkeypatch, value):
    monkeypatch.setenv("NUMBA_NUM_THREADS", value)
    assert_refused(call(capsys, "solve", *arrays(tmp_path)), 2, "NUMBA_NUM_THREADS")


@pytest.mark.parametrize("name", ["", "none/out.sp", "/proc/none/out.sp", "g.npy/out.sp", "/dev/full"])
def test_export_to_where_nothing_can_be_written(capsys, tmp_path, monkeypatch, name):
    if name.startswith("/") and not Path("/" + name.split("/")[1]).is_dir():
        pytest.skip("not a POSIX system")
    circuit = arrays(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert_refused(call(capsys, "export", *circuit, "-o", name or tmp_path), 2, name or str(tmp_path))
    assert sorted(tmp_path.iterdir()) == before


def test_an_export_that_fails_leaves_the_old_file(capsys, tmp_path):
    circuit = arrays(tmp_path)
    output = tmp_path / "folder" / "out.sp"
    output.parent.mkdir()
    output.write_text("old")
    np.save(tmp_path / "tiny.npy", np.full((3, 4), 5e-324))  # 1 / it is no double, found while writing
    np.save(tmp_path / "negative.npy", np.full((3, 4), -1.0))
    for bad in (["tiny.npy", "v.npy"], ["negative.npy", "v.npy"], ["g.npy", "batch.npy"], ["g.npy", "none.npy"]):
        circuit_options = ["--conductance", tmp_path / bad[0], "--voltages", tmp_path / bad[1]]
        assert_refused(call(capsys, "export", *circuit_options, "-o", output), 2)
        assert output.read_text() == "old"
        assert list(output.parent.iterdir()) == [output], "a temporary file is left"
    output.chmod(0o640)
    assert call(capsys, "export", *circuit, "-o", output).code == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o640, "replacing keeps the file's mode"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"0,001;0,002\n0,003;0,004\n", "found '0,001;0,002': write decimal points"),
        (b"PK\x03\x04\xff\xfe", "neither text nor .npy: save it with numpy.save or numpy.savetxt"),
    ],
)
def test_what_is_no_matrix_says_how_to_make_one(capsys, tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    Path("g.csv").write_bytes(content)
    Path("v.csv").write_text("0.1\n0.2\n")
    assert_refused(call(capsys, "solve", "--conductance", "g.csv", "--voltages", "v.csv"), 2, words)


def test_a_loss_of_nothing_has_no_sign(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("g.csv", 10 ** np.random.default_rng(2).uniform(-6, -3, (6, 5)))
    np.savetxt("v.csv", np.random.default_rng(3).uniform(0, 0.3, 6))
    assert "-0.00%" not in call(capsys, "solve", "--conductance", "g.csv", "--voltages", "v.csv").out
