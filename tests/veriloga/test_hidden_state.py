"""What a source keeps in variables between calls is found, and nothing else is taken for that."""

import pytest

from xbarsim.veriloga.hidden_state import hidden_variables, timed_words
from xbarsim.veriloga.va_words import allowed_range, module_words, words_of

UPDATE = (
    "analog function real update; input v; inout w; output y; real v, w, y; "
    "begin w = w + v; y = v; update = w; end endfunction"
)

KEPT = {
    "a sum": ("real y;", "y = y + V(p, n); I(p, n) <+ g * y;", ["y"]),
    "a sum from a first step": ("real y;", "@(initial_step) y = 1; y = y + V(p, n); I(p, n) <+ y;", ["y"]),
    "a sum from a declaration": ("real y = 1;", "y = y + V(p, n); I(p, n) <+ y;", ["y"]),
    "a time kept": ("real before, f;", "f = V(p, n) - before; I(p, n) <+ f; before = V(p, n);", ["before"]),
    "a sample": ("real v;", "@(initial_step) v = V(p, n); I(p, n) <+ g * v;", ["v"]),
    "a switch that stays": ("integer on;", "if (V(p, n) > 1) on = 1; I(p, n) <+ g * on;", ["on"]),
    "a way without": (
        "real y;", "case (g) 1: y = 1; 2, 3: y = g > 2 ? 2 : 3; endcase I(p, n) <+ y * V(p, n);", ["y"],
    ),
    "a way without in a block": (
        "integer k;", "begin : inner real y; if (g > 1) y = 1; I(p, n) <+ y; end", ["y"],
    ),
    "an event of its own": ("real y;", "@(cross(V(p, n))) y = g; I(p, n) <+ y;", ["y"]),
    "a while that may not run": ("real y;", "while (g > 1) y = 2; I(p, n) <+ y;", ["y"]),
    "two": ("real a, b;", "I(p, n) <+ a + b; a = V(p, n); b = a;", ["a", "b"]),
    "in an argument": ("real y;", '$strobe("%g", y); y = V(p, n); I(p, n) <+ y;', ["y"]),
    "a function's inout": (f"{UPDATE} real w, y;", "y = update(V(p, n), w, g); I(p, n) <+ g * w;", ["w"]),
    "a function's inout from a first step": (
        f"{UPDATE} real w, y;", "@(initial_step) w = 0.5; if (update(V(p, n), w, y) > 0) y = 1; I(p, n) <+ g * w;",
        ["w"],
    ),
    "a function's output": (f"{UPDATE} real w, y, z;", "w = y; z = update(V(p, n), w, y); I(p, n) <+ g * w;", ["y"]),
    "a function's output elsewhere": (
        f"{UPDATE} real w, y, z;", "w = 1; if (g > 1) z = update(g, w, y); I(p, n) <+ y * V(p, n);", ["y"],
    ),
    "an element": ("real y[0:2];", "I(p, n) <+ y[1]; y[1] = V(p, n);", ["y"]),
}  # fmt: skip

FRESH = {
    "assigned": ("real y;", "y = V(p, n); I(p, n) <+ g * y;"),
    "both ways": ("real y;", "if (g > 1) y = 1; else begin y = 2; end I(p, n) <+ g * y;"),
    "three ways": ("real y;", "if (g > 1) y = 1; else if (g > 0) y = 2; else y = 3; I(p, n) <+ y * V(p, n);"),
    "every case": ("real y;", "case (1) g > 2: y = 1; default y = 2; endcase I(p, n) <+ y;"),
    "a loop": (
        "integer k; real y[0:2];", "for (k = 0; k < 3; k = k + 1) y[k] = k; I(p, n) <+ y[1] * V(p, n);",
    ),
    "constants of a first step": ("real y;", "@(initial_step) begin y = 2 * g; end I(p, n) <+ y * V(p, n);"),
    "a constant that is declared": ("real y = 2;", "I(p, n) <+ y * V(p, n);"),
    "nothing assigned at all": ("real y;", "I(p, n) <+ (g + y) * V(p, n);"),
    "comparisons": ("real y;", "y = V(p, n) <= g; I(p, n) <+ y == 1 ? g : 0;"),
    "in a comment": ("real y;", "/* I(p, n) <+ y; */ y = 1; // y\n I(p, n) <+ y;"),
    "an attribute": ('(* desc="y", units="A" *) real y;', "y = V(p, n); I(p, n) <+ g * y;"),
    "a function's results": (
        f"{UPDATE} real w, y, z;", "w = V(p, n); z = update(min(g, 2), w, y); I(p, n) <+ g * (w + y);",
    ),
    "a function's result in a condition": (
        f"{UPDATE} real w, y;", "w = 0; if (update(V(p, n), w, y) > 0) w = 1; I(p, n) <+ g * y;",
    ),
    "a function's own": (
        "analog function real f; input y; real y, z; begin z = y; f = z; end endfunction real z;",
        "z = f(V(p, n)); I(p, n) <+ g * z;",
    ),
}  # fmt: skip


def words(declared: str, body: str) -> list[str]:
    other = "module other(p); real q; analog q = q + 1; endmodule"
    return module_words(words_of(f"{other} module cell(p, n); {declared} analog begin {body} end endmodule"), "cell")


@pytest.mark.parametrize(("declared", "body", "names"), KEPT.values(), ids=KEPT)
def test_values_that_are_kept_are_found(declared, body, names):
    assert hidden_variables(words(declared, body)) == names


@pytest.mark.parametrize(("declared", "body"), FRESH.values(), ids=FRESH)
def test_values_of_this_call_are_none(declared, body):
    assert hidden_variables(words(declared, body)) == []


def test_a_first_analog_block_counts_as_a_first_step():
    text = "module cell(p, n); real y; analog initial y = 2; analog I(p, n) <+ y * V(p, n); endmodule"
    assert hidden_variables(module_words(words_of(text), "cell")) == []


def test_what_depends_on_time_is_found():
    assert timed_words(words("", "I(p, n) <+ $abstime * absdelay(V(p, n), $rdist_normal(s, 0, 1)) * idtmod(g);")) == [
        "$abstime", "absdelay", "$rdist_normal", "idtmod",
    ]  # fmt: skip
    assert timed_words(words("", "I(p, n) <+ $vt * $temperature * V(p, n);")) == []


def test_ranges_are_as_they_are_written():
    reals, whole = "real a = 1.5e-3 from (0:inf), b = f(1, 2)", "integer k = 2 from [1:4] exclude 3"
    module = words(f"parameter {reals}; parameter {whole};", ";")
    assert allowed_range(module, "a") == "from (0:inf)"
    assert allowed_range(module, "b") == ""
    assert allowed_range(module, "k") == "from [1:4] exclude 3"
    assert allowed_range(module, "y") == ""
