"""What an X card's parameters are inside its subcircuit: ngspice 39's answers as numbers, and asked again."""

from __future__ import annotations

import numpy as np
import pytest
from netlist_tools import needs_ngspice, read_text
from test_netlist_dialect import plots_of

from xbarsim.netlist import NetlistError

# cards above; what x0 gives; what .subckt defines; cards inside: p1 and p2 inside.
PARAMETERS = {
    "an earlier formal wins over the caller": (
        (".param p1=1 p2=2", "p1={p1+1} p2={p1+p2}", "p1=1.8 p2=1.3", ""), (2, 4)),
    "the order is that of .subckt, not of the X card": (
        (".param p1=1 p2=2", "p2={p1+p2} p1={p1+1}", "p1=1.8 p2=1.3", ""), (2, 4)),
    "a later formal does not": ((".param p1=1 p2=2", "p1={p1+1} p2={p1+p2}", "p2=1.3 p1=1.8", ""), (2, 3)),
    "a formal that is not given wins too": ((".param p1=1 p2=2", "p2={p1+p2}", "p1=1.8 p2=1.3", ""), (1.8, 3.8)),
    "a formal stands behind those that its default names": (
        (".param p1=1 p2=2", "p2={p1+p2}", "p1={p2*10} p2=3", ""), (30, 3)),
    "a default follows what is given": (("", "p2=5", "p1={p2*2} p2=1", ""), (10, 5)),
    "a default may name the caller's parameter of its name": ((".param p1=1 p2=2", "", "p1={p1+5}", ""), (6, 2)),
    "a number inside is set first": ((".param l=1", "p2={l}", "p1=1 p2=1", ".param l=5"), (1, 5)),
    "an expression inside in its turn": ((".param l=1", "p2={l}", "p1=1 p2=1", ".param l={p1*7}"), (1, 1)),
    "a number that is given is set first": ((".param p1=1 p2=2", "p2={p1} p1={-5}", "p2=1 p1=2", ""), (-5, -5)),
    "one in more parentheses is an expression": ((".param p1=1 p2=2", "p2={p1} p1={(5)}", "p2=1 p1=2", ""), (5, 1)),
    "what is given wins over a .param inside": (("", "p2=5", "p1=2 p2=1", ".param p2=8"), (2, 5)),
    "a .param inside wins over a default": (("", "", "p1=2 p2=1", ".param p1={p2*3}"), (3, 1)),
    "a .param inside is a formal": ((".param w=3", "p2={w} w={w+1}", "p1={w} p2=1", ".param w=8"), (4, 3)),
    "functions are the caller's": (
        (".param p1=1 p2=2\n.func f(x) {x*10+p2}", "p1={f(1)}", "p1=1 p2=3", ".func f(x) {x*100}"), (13, 3)),
    "their parameters are those inside": (
        (".param p1=1 p2=2\n.func f(x) {x*10+p2}", "p1={f(1)}", "p1=1 p2={f(5)}", ".func f(x) {x*100}"), (12, 500)),
    "m= is evaluated inside": ((".param p1=7 p2=2", "m={p1}", "p1=3", ""), (3, 2)),
    "m is a parameter where any card gives it": ((".param m=2 p2=1", "m=3", "p1={m}", ""), (3, 1)),
    "mil is milli, and the exponent's digits may lack": (("", "p1=1mil p2=2.5ek", "p1=1 p2=1", ""), (1e-3, 2500)),
    "also in .param and in a default": ((".param q=1mil", "p1={q}", "p1=1 p2=2.5eg", ""), (1e-3, 2.5e9)),
}  # fmt: skip


def text(case: str) -> str:
    above, given, formals, inside = PARAMETERS[case][0]
    cards = (
        f"{above}\nx0 s {given}\n.subckt s {formals}\n{inside}\nv1 o 0 {{p1}}\nv2 q 0 {{p2}}\nr1 o 0 1\nr2 q 0 1\n.ends"
    )
    return "\n".join(card for card in cards.split("\n") if card)


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_inside(tmp_path, case):
    circuit = read_text(tmp_path, text(case))
    values = dict(zip(circuit.names, circuit.values, strict=True))
    # The exponents of suffixes are added in decimal; one rounding is left.
    assert (values["v.x0.v1"], values["v.x0.v2"]) == pytest.approx(PARAMETERS[case][1], rel=4e-16)


@pytest.mark.parametrize("case", PARAMETERS)
@needs_ngspice
@pytest.mark.ngspice
def test_parameters_inside_are_those_of_ngspice(tmp_path, case):
    path = tmp_path / "a.sp"
    path.write_text(f"title\n{text(case)}\n.op\n.end\n")
    theirs = plots_of(path)[0]
    # ngspice passes 16 digits on as text.
    assert (theirs["v(x0.o)"][0], theirs["v(x0.q)"][0]) == pytest.approx(PARAMETERS[case][1], rel=1e-14)


NESTED = (
    ".param p=1 q=2\nx0 a s p={q}\n.subckt s a p=3 q=4\nx1 a u p={p+q} r={p}\n.ends\n"
    ".subckt u a r=6 p=5\nv1 o1 0 {p}\nv2 o2 0 {r}\nv3 o3 0 {q}\nr1 o1 0 1\nr2 o2 0 1\nr3 o3 0 1\nr4 a 0 1\n.ends"
)


@needs_ngspice
@pytest.mark.ngspice
def test_nested_levels(tmp_path):
    """x0 sets p = q = 4; in u, q is that of s, r = 4 (of s, as p is set later), and p = 4 + 4."""
    path = tmp_path / "a.sp"
    path.write_text(f"title\n{NESTED}\n.op\n.end\n")
    theirs = plots_of(path)[0]
    circuit = read_text(tmp_path, NESTED)
    ours = dict(zip(circuit.names, circuit.values, strict=True))
    assert [ours[f"v.x0.x1.v{k}"] for k in (1, 2, 3)] == [8, 4, 4]
    assert [theirs[f"v(x0.x1.o{k})"][0] for k in (1, 2, 3)] == [8, 4, 4]


def test_what_a_subcircuit_does_not_know_is_refused(tmp_path):
    definition = ".subckt s a r=1 l=2\nr1 a 0 {r}\n.ends\n"
    with pytest.raises(NetlistError, match=r":5: x1 gives 'rr=', which is no parameter of s: did you mean 'r'"):
        read_text(tmp_path, definition + "x1 a s rr=5")
    with pytest.raises(NetlistError, match=r":5: x1 gives 'k=', which is no parameter of s"):
        read_text(tmp_path, ".subckt s a\nr1 a 0 5\n.ends\nx1 a s k=5")


CELL = ".param q=2\n.subckt cell a b r=1 s={r*2}\nr1 a b {r}\nr2 a b {s}\n.ends\n"


def ohms(circuit) -> dict[str, float]:
    return dict(zip(circuit.names, circuit.values, strict=True))


def test_runs_of_expressions_are_what_each_alone_is(tmp_path):
    """The fast path of X cards and the slow one, which a blank in the braces asks for, give the same circuit."""
    rng = np.random.default_rng(8)
    forms = [
        "r={{{a}*q}} s={{r+{b}}}",
        "r='{a}+q' s={b}",
        "r={{{a}}} s={{r}}",
        "r={a} s={{r/q+{b}}}",
        "r={a}k",
        "s={{q}}",
    ]
    cards = [
        f"x{k} n{k} m{k} cell " + str(rng.choice(forms)).format(a=int(rng.integers(1, 9)), b=int(rng.integers(1, 9)))
        for k in range(200)
    ]
    fast = read_text(tmp_path, CELL + "\n".join(cards))
    slow = read_text(
        tmp_path, CELL + "\n".join(card.replace("{", "{ ").replace("='", "=' ") + " ; x" for card in cards)
    )
    assert ohms(fast) == ohms(slow)
    assert dict(zip(fast.names, fast.origins.tolist(), strict=True)) == dict(
        zip(slow.names, slow.origins.tolist(), strict=True)
    )


def test_a_run_names_the_line_of_an_error(tmp_path):
    cards = [f"x{k} n{k} m{k} cell r={{q*{k}}}" for k in range(1, 6)]
    for bad, what in (("{q*4k7}", "4k7"), ("{q*zz}", "zz"), ("{q/(q-2)}", "division by zero")):
        broken = [*cards[:3], f"x9 n9 m9 cell r={bad}", *cards[3:]]
        with pytest.raises(NetlistError, match=what) as error:
            read_text(tmp_path, CELL + "\n".join(broken))
        assert error.value.line == 10
