"""Files of other kinds, and cards and functions of other dialects, are called what they are and never guessed."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from netlist_tools import read_text

from xbarsim.analysis import runs
from xbarsim.netlist import NetlistError, read

FOREIGN = {
    "LTspice schematic": "Version 4\nSHEET 1 880 680\nWIRE 16 64 16 32\n",
    "View > SPICE Netlist": "Version 4.1\r\nSHEET 1 880 680\r\n",
    "LTspice symbol": "Version 4\nSymbolType CELL\nLINE Normal 0 0 1 1\n",
    "raw file of results": "Title: * x\nDate: Thu Nov 26 2026\nPlotname: Operating Point\nFlags: real\n",
    "KiCad schematic": "(kicad_sch (version 20211123) (generator eeschema)\n",
    "KiCad netlist for boards": "(export (version D)\n  (design\n",
    "xschem schematic": "v {xschem version=3.4.4 file_version=1.2}\nG {}\n",
    "gEDA or Lepton": "v 20110115 2\nC 40000 40000 0 0 0 title-B.sym\n",
    "Qucs schematic": "<Qucs Schematic 0.0.19>\n<Properties>\n",
    "Qucs netlist": '# Qucs 0.0.19  /home/user/xbar.sch\n\nR:R1 _net0 gnd R="50"\n',
    "Spectre": "// Library name: mem\n// Cell name: xbar\nsimulator lang=spectre\nr1 (a 0) resistor r=1k\n",
    "Verilog-A": '`include "disciplines.vams"\nmodule rram(p, n);\n',
    "Verilog,": "/* cell */\nmodule rram (p, n);\nendmodule\n",
    "web page": "\n<!DOCTYPE html>\n<html><head>\n",
    "XML": '<?xml version="1.0"?>\n<eagle>\n',
    "JSON": '{"title": "x"}\n',
    "script": "#!/usr/bin/env python3\n",
    "Python": '"""A crossbar."""\nimport PySpice.Logging.Logging as Logging\nfrom PySpice.Unit import *\n',
    "gunzip": gzip.compress(b"title\nr1 a 0 1\n"),
    "PDF": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
    "unzip": b"PK\x03\x04\x14\x00",
    "that it came from": "Title: * C:\\x.asc\nDate: now\nPlotname: Operating Point\n".encode("utf-16-le"),
    "--conductance": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("words", FOREIGN)
def test_a_foreign_file_is_named(tmp_path, words):
    data = FOREIGN[words]
    path = tmp_path / "file.net"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(NetlistError, match=r"file.net: it is [^\n]*, no (SPICE )?netlist: [^\n]*$") as caught:
        read(path)
    assert words in str(caught.value)
    top = tmp_path / "top.sp"
    top.write_text("title\nr1 a 0 1\n.include file.net\n")
    with pytest.raises(NetlistError, match=r"file\.net: it is"):
        read(top)


@pytest.mark.parametrize(
    "title",
    [
        "Version 4",
        "Title: a crossbar",
        "import os",
        "module test (a)",
        "# Qucs 0.0.19 /home/user/xbar.sch",
        "// a crossbar",
    ],
)
def test_a_title_may_read_like_one(tmp_path, title):
    path = tmp_path / "a.sp"
    path.write_text(f"{title}\nv1 a 0 1\nr1 a 0 1k\n.op\n.end\n")
    assert read(path).title == title


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (".alter", "HSPICE's change of the netlist"),
        (".data d r", "HSPICE's table of points"),
        (".hdl 'memristor.va'", "a Verilog-A file"),
        (".global_param r=1", "write .param"),
        (".preprocess replaceground true", "Xyce's"),
        (".mc 10 dc v(a) ymax", "sweep monte="),
        (".dcvolt a 1", "write .ic"),
        (".stpe param k 1 2 1", "did you mean .step"),
        (".measur dc x max v(a)", "did you mean .measure"),
        (".qqq", "remove it; operating points"),
    ],
)
def test_a_card_of_another_dialect_is_named(tmp_path, card, words):
    with pytest.raises(NetlistError, match=r":3: '\.\w+' [^\n]*is not supported: ") as caught:
        read_text(tmp_path, f"r1 a 0 1\n{card}")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ("b1 a 0 i=delay(v(a),1n)", "a delay, which needs memory"),
        ("b1 a 0 i=buf(v(a))", "write x > 0.5"),
        ("b1 a 0 i=agauss(0,1,3)*v(a)", "set a .param to it"),
        ("b1 a 0 i=sinnh(v(a))", "did you mean 'sinh'"),
        ("r1 a 0 {random(3)}", "LTspice's random value"),
        ("r1 a 0 {sqroot(4)}", "did you mean 'sqrt'"),
        ("r1 a 0 {hypot(3,4)}", "write sqrt(x*x+y*y)"),
        ("r1 a 0 {foobarbaz(3)}", "use one of abs, "),
    ],
)
def test_a_function_of_another_dialect_is_named(tmp_path, law, words):
    with pytest.raises(NetlistError) as caught:
        read_text(tmp_path, f"v1 a 0 1\n{law}")
    assert "is unknown: " in str(caught.value)
    assert words in str(caught.value)


OTHERS = (
    ".ac dec 10 1 1meg",
    ".tf v(b) v1",
    ".sens v(b)",
    ".noise v(b) v1 dec 10 1 1k",
    ".pz a 0 b 0 vol pz",
    ".four 1k v(b)",
    ".disto dec 10 1 1k",
    ".control\nac dec 10 1 1meg\nop\n.endc",
)


@pytest.mark.parametrize("card", OTHERS)
def test_other_analyses_are_left_out_beside_one_that_is_solved(card):
    text = f"title\nv1 a 0 1\nr1 a b 1k\nr2 b 0 3k\n{card}\n.op\n"
    answers = runs.from_netlist(io.StringIO(text), "auto")
    assert {one.kind for one in answers.results} == {"op"}
    for one in answers.results:
        np.testing.assert_allclose(one.voltages, [[1, 0.75]])
    word = card.removeprefix(".control\n").split()[0]
    assert [note for note in answers.notes if f": {word} " in note]


@pytest.mark.parametrize("card", [OTHERS[0], OTHERS[1], ".control\nac dec 10 1 1meg\n.endc"])
def test_alone_they_are_refused(tmp_path, card):
    with pytest.raises(NetlistError, match=r"is not supported \(a .*write \.op"):
        read_text(tmp_path, f"v1 a 0 1\nr1 a 0 1k\n{card}")
