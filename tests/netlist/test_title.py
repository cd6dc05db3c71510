"""First lines that were meant to be in the circuit, and titles that only look a little like elements."""

from __future__ import annotations

import pytest
from cli_tools import call
from netlist_tools import read_text

from xbarsim.netlist import read

REST = "\nV2 b 0 1\nR1 b c 1k\nR3 c 0 1k\n.op\n.end\n"

MEANT = """\
V1 a 0 1
R1 a b 10k
Rload out 0 {rl}
vin in 0 dc 1
V1 in 0 PULSE(0 1 1n 1n 1n 5n 10n)
I1 0 a 1u
C1 a 0 1p ic=0.2
Cint x 0 1
L1 a b 1n
B1 a 0 i=1m*v(a)
X1 a b cell
xcell<0> w b mem ron=1k
D1 a 0 dmod
M1 d g s b nch w=1u l=1u
E1 a 0 b 0 10
G1 a 0 value={1m*v(a)}
H1 a 0 v1 2
r1 ( a b ) 1k
.param rl=1k
.PARAM x = 3
.include 'models.lib'
.op
.model d1 d(is=1p)
.subckt a b c
.dc v1 0 1 0.1
.options gmin=1e-15
""".splitlines()

TITLES = """\

* a comment
Crossbar 4x4 with 2 ohm wires
read of the left array
driver and sense
a 1T1R cell
Memristor crossbar, HP model
crossbar_64x64
X
Voltage divider
RRAM read 1 of 4 at 0.2 V
.title of it
.TITLE 'of it'
Example 3: half select
IR drop of long lines
Dies ist ein Versuch
Measurement 7 (room temperature)
1T1R
Leakage
Gate swept
HfO2 cell
V/2 scheme
xbar
M. Muster, 2024
E-beam array no. 5
""".splitlines()


@pytest.mark.parametrize("line", MEANT)
def test_a_first_line_that_was_meant_is_pointed_out(tmp_path, line):
    """ngspice drops it in silence too, and the circuit that is left may well have an answer."""
    path = tmp_path / "c.sp"
    path.write_text(line + REST, encoding="utf-8")
    circuit = read(path)
    (note,) = [note for note in circuit.notes if "the first line is the title" in note]
    assert note.startswith(f"{path}:1: ")
    assert line in note
    assert circuit.names == ["v2", "r1", "r3"]


@pytest.mark.parametrize("line", TITLES)
def test_a_title_is_just_a_title(tmp_path, line):
    path = tmp_path / "c.sp"
    path.write_text(line + REST, encoding="utf-8")
    assert not read(path).notes


def test_the_note_reaches_the_user(capsys, tmp_path):
    path = tmp_path / "c.sp"
    path.write_text("V1 a 0 1" + REST, encoding="utf-8")
    done = call(capsys, "solve", "--netlist", path)
    assert done.code == 0
    assert "reads like an element: 'V1 a 0 1'" in done.err


def test_the_first_line_of_an_included_file_counts(tmp_path):
    (tmp_path / "part.sp").write_text("R9 b 0 1k\n", encoding="utf-8")
    circuit = read_text(tmp_path, f".include {tmp_path / 'part.sp'}" + REST)
    assert "r9" in circuit.names
    assert not circuit.notes
