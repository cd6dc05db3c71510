"""Files as they come: other encodings, blanks that are none, and where what they name is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from netlist_tools import read_text

from xbarsim.netlist import NetlistError, read


def test_windows_1252_is_read_and_noted(tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(b"* from LTspice\nV1 a\xe9 0 1\nR2 a\xe9 0 5\xb5 ; 5 \xb5Ohm\n.param t={1}\n")
    circuit = read(path)
    assert circuit.values.tolist() == [1.0, 5e-6]
    assert circuit.nodes == ["0", "a\u00e9"]
    assert circuit.notes[0] == f"{path}:1: this file is not UTF-8 text: it is read as Windows-1252"


@pytest.mark.parametrize("sign", [b"\xc2\xb5", b"\xb5"])
def test_a_micro_sign_is_u_in_names_too(tmp_path, sign):
    """As in ngspice, where a\u00b5 and au are one node."""
    path = tmp_path / "a.sp"
    path.write_bytes(b"title\nV1 a%s 0 1\nR1 a%s 0 2\nR2 au 0 2\n.op\n" % (sign, sign))
    assert read(path).nodes == ["0", "au"]


def test_other_bytes_in_comments_say_nothing(tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(b"25 C\n* \xb5\nV1 a 0 1\nR1 a 0 1k $ \xb5\n.op\n")
    assert read(path).notes == []


def test_included_files_have_encodings_of_their_own(tmp_path):
    (tmp_path / "cell.inc").write_bytes(b"R1 a 0 2\xb5\n")
    circuit = read_text(tmp_path, "V1 a 0 1\nR2 a 0 3\u00b5\n.include cell.inc")
    assert circuit.values.tolist() == [1.0, pytest.approx(3e-6), pytest.approx(2e-6)]
    assert next(note for note in circuit.notes if "1252" in note).startswith(str(tmp_path / "cell.inc"))


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_marked_encodings(tmp_path, codec):
    path = tmp_path / "a.net"
    path.write_bytes("title\r\nV1 a 0 1\r\nR1 a 0 4\u00b5\r\n".encode(codec))
    assert read(path).values.tolist() == [1.0, pytest.approx(4e-6)]
    assert not any("1252" in note for note in read(path).notes)


@pytest.mark.parametrize("blank", ["\x1c", "\x1f", "\x85", "\xa0", "\u2009", "\u3000"])
def test_what_looks_like_a_blank_and_is_none(tmp_path, blank):
    with pytest.raises(NetlistError, match=rf"sp:3: this line holds a .*\(U\+{ord(blank):04X}\)"):
        read_text(tmp_path, f"V1 a 0 1\nR1 a{blank}0 1k")
    with pytest.raises(NetlistError, match="sp:2: this line holds"):
        read_text(tmp_path, f"{blank}V1 a 0 1\nR1 a 0 1k")
    read_text(tmp_path, f"*{blank}comment\nV1 a 0 1\nR1 a 0 1k ; 1{blank}kohm")


def test_files_are_also_looked_for_in_the_working_folder(tmp_path, monkeypatch):
    for folder in ("bench", "parts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "parts" / "cell.sp").write_text(".subckt cell p n r=1k\nR1 p n {r}\n.ends\n")
    (tmp_path / "parts" / "lib.lib").write_text(".lib slow\n.param k=2k\n.endl\n.lib fast\n.param k=1k\n.endl\n")
    top = tmp_path / "bench" / "top.sp"
    top.write_text(
        "t\n.include 'parts/cell.sp'\n.lib parts/lib.lib slow\nV1 a 0 1\nX1 a 0 cell r={k}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert read(Path("bench/top.sp")).values.tolist() == [1.0, 2000.0]
    # What stands beside the file comes first.
    (tmp_path / "bench" / "parts").mkdir()
    (tmp_path / "bench" / "parts" / "cell.sp").write_text(".subckt cell p n r=1k\nR1 p n {2*r}\n.ends\n")
    assert read(Path("bench/top.sp")).values.tolist() == [1.0, 4000.0]
    monkeypatch.chdir(tmp_path / "parts")
    with pytest.raises(NetlistError, match="neither beside this file nor in the working folder"):
        read(top)


@pytest.mark.parametrize(
    "card",
    [".lib Model Files/My Cells.lib", ".lib Model Files/My Cells.lib TT", ".include Model Files/My Cells.lib",
     ".lib 'Model Files/My Cells.lib' tt", ".lib Model Files\\My Cells.lib"],
)  # fmt: skip
def test_paths_with_blanks(tmp_path, card):
    (tmp_path / "Model Files").mkdir()
    text = ".param k=3\n" if "tt" not in card.lower().split() else ".lib tt\n.param k=3\n.endl\n"
    (tmp_path / "Model Files" / "My Cells.lib").write_text(text)
    assert read_text(tmp_path, f"V1 a 0 1\nR1 a 0 {{k}}\n{card}").values.tolist() == [1.0, 3.0]


def test_a_missing_file_is_named_as_it_is_written(tmp_path):
    for card, said in (
        (r".lib C:\Users\me\One Drive\cells.lib", r".lib C:\Users\me\One Drive\cells.lib: there is no such file"),
        (r".include D:\a b\c.inc", r".include D:\a b\c.inc: there is no such file"),
        (".lib my cells.lib", ".lib my cells.lib: there is no such file, neither"),
        (".lib cells.lib tt", ".lib cells.lib: there is no such file, neither"),
        (".inc /no/where.inc", ".inc /no/where.inc: there is no such file: check"),
    ):
        with pytest.raises(NetlistError) as caught:
            read_text(tmp_path, f"V1 a 0 1\nR1 a 0 1k\n{card}")
        assert said in str(caught.value)
        assert "circuit.sp:4:" in str(caught.value)


@pytest.mark.parametrize(
    "card",
    [
        ".options temp = 25\u00b0C",
        ".options temp=25\u00c2\u00b0C tnom=25\u00b0C",
        ".temp 25\u00b0C",
        ".temp 25 \u00b0C",
        ".temp 25",
    ],
)
def test_degrees(tmp_path, card):
    text = "V1 a 0 1\nD1 a 0 d1\n.model d1 d(is=1e-14 tnom=27)"
    assert read_text(tmp_path, f"{text}\n{card}").diodes.scale[0] == pytest.approx(8.6173303e-5 * 298.15, rel=1e-7)


def test_a_greek_mu_is_micro_and_noted(tmp_path):
    circuit = read_text(tmp_path, "V1 a 0 1\n* 5\u03bc\nR1 a 0 5\u03bc\nR2 a 0 {2*3\u03bcohm}\nR3 a\u03bc 0 1")
    assert circuit.values[1:].tolist() == pytest.approx([5e-6, 6e-6, 1.0])
    assert next(note for note in circuit.notes if "U+03BC" in note).split(":")[1] == "4"
    assert not any("03BC" in note for note in read_text(tmp_path, "V1 a 0 1\nR1 a 0 5\u00b5\nR3 a\u03bc 0 1").notes)
