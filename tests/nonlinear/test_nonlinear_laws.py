"""Laws of netlists: what they compute, their slopes, and which are of one form."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from xbarsim import Law
from xbarsim.netlist.behaviour import law_of, parse_law
from xbarsim.netlist.reading.cards import function_card
from xbarsim.netlist.refusals import CardError

A, B = mpf("0.37"), mpf("-0.61")
"""v(a) and v(b) of the random laws; no kink lies there."""

ROUNDING = 1e-12
"""Relative to the largest of all parts: some dozen operations of 1e-16 each, some of them as steep as 1e3."""

UNARY = {
    "abs": mpmath.fabs, "exp": mpmath.exp, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "atan": mpmath.atan, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "asinh": mpmath.asinh,
    "sqrt": mpmath.sqrt, "ln": mpmath.log, "log": mpmath.log, "log10": mpmath.log10, "asin": mpmath.asin,
    "acos": mpmath.acos, "acosh": mpmath.acosh, "atanh": mpmath.atanh, "sgn": mpmath.sign, "floor": mpmath.floor,
    "ceil": mpmath.ceil, "u": lambda x: mpf((mpmath.sign(x) + 1) / 2), "uramp": lambda x: max(x, mpf(0)),
    "u2": lambda x: min(max(x, mpf(0)), mpf(1)), "int": lambda x: mpf(int(x)), "sqr": lambda x: x * x,
}  # fmt: skip
BINARY = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "^": lambda x, y: abs(x) ** y,
    "min": min,
    "max": max,
    "pow": lambda x, y: abs(x) ** y,
    "pwr": lambda x, y: (-1 if x < 0 else 1) * abs(x) ** y,  # pwr(0,0) is 1 in ngspice
}
LEAVES = {
    "v(a)": lambda a, b: a,
    "v(b)": lambda a, b: b,
    "v(a,b)": lambda a, b: a - b,
    "p": lambda a, b: mpf("1.7"),
    "2.5": lambda a, b: mpf("2.5"),
    "300m": lambda a, b: mpf("0.3"),
}


def unary(name):
    return lambda inner: (f"{name}({inner[0]})", lambda a, b: UNARY[name](inner[1](a, b)))


def binary(name):
    def join(pair):
        (one, f), (other, g) = pair
        text = f"{name}({one},{other})" if name.isalpha() else f"({one}){name}({other})"
        return text, lambda a, b: BINARY[name](f(a, b), g(a, b))

    return join


def choice(three):
    (one, f), (two, g), (three, h) = three
    return f"({one})<({two})?({two}):({three})", lambda a, b: g(a, b) if f(a, b) < g(a, b) else h(a, b)


laws = st.recursive(
    st.sampled_from(list(LEAVES.items())),
    lambda inner: st.one_of(
        st.sampled_from(list(UNARY)).flatmap(lambda name: inner.map(unary(name))),
        st.sampled_from(list(BINARY)).flatmap(lambda name: st.tuples(inner, inner).map(binary(name))),
        st.tuples(inner, inner, inner).map(choice),
    ),
    max_leaves=8,
)


def evaluated(text, parameters=None, volts=None, functions=None):
    """Value, and slopes by the nodes' voltages."""
    parsed, literals, controls = parse_law(text, functions or {}, {})
    law = law_of(parsed)
    constants = law.constants(literals, (parameters or {"p": 1.7}).__getitem__, 27.0)
    at = {"a": A, "b": B, "0": mpf(0)} | (volts or {})
    named = [controls[k][1:] for k in law.controls]
    across = [np.array([float(at[one] - at[other])]) for one, other in named]
    value, slopes = law.template.evaluate(across, [np.broadcast_to(c, 1) for c in constants], 0.0)
    by_node = dict.fromkeys(at, 0.0)
    for (one, other), slope in zip(named, slopes, strict=True):
        by_node[one] += float(slope[0])
        by_node[other] -= float(slope[0])
    return float(value.ravel()[0]), by_node


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(laws)
def test_values_and_slopes(law):
    text, exact = law
    with mp.workdps(40):
        try:
            value = exact(A, B)
            assume(mpmath.im(value) == 0)
            by_a = mpmath.diff(lambda a: exact(a, B), A, h=mpf(10) ** -15)
            by_b = mpmath.diff(lambda b: exact(A, b), B, h=mpf(10) ** -15)
            # On a kink, or where it is steep enough for rounding to count.
            other = mpmath.diff(lambda a: exact(a, B), A, h=-(mpf(10) ** -15))
        except (ZeroDivisionError, OverflowError, TypeError, ValueError):
            assume(False)
        numbers = [mpf(mpmath.re(one)) for one in (value, by_a, by_b, other)]
    assume(all(mpmath.isfinite(one) and abs(one) < 1e6 for one in numbers))
    assume(all(mpmath.im(one) == 0 for one in (by_a, by_b)))
    assume(abs(numbers[1] - numbers[3]) <= 1e-9 * max(1, abs(numbers[1])))
    # So steep in numbers of its own that a rounding of these counts, as sin(exp(exp(2.5))).
    with mp.workdps(12):
        rounded = exact(A, B)
    assume(abs(mpf(mpmath.re(rounded)) - numbers[0]) < 3e-10 * (1 + abs(numbers[0])))
    got, slopes = evaluated(text)
    # Infinitely steep: as |x|^0.37 at 0.
    assume(all(map(math.isfinite, (got, *slopes.values()))))
    sizes = 1 + max(abs(float(one)) for one in numbers) ** 2
    # A number on a jump, as floor(2.5 - 1.5), may fall on either side of it.
    assume(
        abs(got - float(numbers[0])) < 1e-6 * sizes
        or ("floor" not in text and "ceil" not in text and "int" not in text)
    )
    assert got == pytest.approx(float(numbers[0]), rel=ROUNDING, abs=ROUNDING * sizes)
    assert slopes["a"] == pytest.approx(float(numbers[1]), rel=1e-8, abs=1e-8 * sizes)
    assert slopes["b"] == pytest.approx(float(numbers[2]), rel=1e-8, abs=1e-8 * sizes)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2^3^2", 64.0),
        ("-2^2", -4.0),
        ("2^-1*4", 2.0),
        ("2--3", 5.0),
        ("!0+1", 2.0),
        ("1?2:0?3:4", 2.0),
        ("0?2:0?3:4", 4.0),
        ("1?0?5:6:7", 6.0),
        ("1+2<2*2&&1||0", 1.0),
        ("1==1", 1.0),
        ("1<>1", 0.0),
        ("1k*1m", 1.0),
        ("2meg/1e6", 2.0),
        ("pow(-2,3)", 8.0),
        ("pwr(-2,3)", -8.0),
        ("(-2)**3", 8.0),
        ("pwl(-1,0,0,1,2,2,3)", -2.0),
        ("pwl(1.5,0,0,1,2,2,3)", 2.5),
        ("table(9,0,0,1,2,2,3)", 3.0),
        ("table(-9,0,1,1,2,2,3)", 1.0),
        ("u(0)", 0.5),
        ("temper", 27.0),
        ("time+hertz", 0.0),
        ("limit(5,0,2)", 2.0),
        ("ternary_fcn(0,1,2)", 2.0),
        ("round(2.5)-round(-2.5)+round(0.49999999999999994)", 6.0),
        ("nint(2.5)-nint(-3.5)", 6.0),
        ("(2>1)&(1>2)|(3>2)", 1.0),
        ("1|0&0", 1.0),
    ],
)
def test_constants_as_in_ngspice(text, value):
    assert evaluated(text)[0] == value


@pytest.mark.parametrize("text", ["1/hertz", "v(a)+time/time", "v(a)*hertz^-temper", "temper/hertz"])
def test_what_has_no_value_is_not_finite(text):
    """No error of Python's comes through."""
    assert not math.isfinite(evaluated(text, volts={"a": 1.0})[0])


def test_literals_are_exact():
    """ngspice rounds them to 11 digits."""
    assert evaluated("0.12345678901234567")[0] == 0.12345678901234567


@pytest.mark.parametrize(
    ("text", "slope"),
    [("abs(v(a))", 1), ("uramp(v(a))", 1), ("max(v(a),0)", 0), ("min(v(a),0)", 1), ("v(a)^2", 0), ("u(v(a))", 0)],
)
def test_one_sided_slopes(text, slope):
    assert evaluated(text, volts={"a": 0.0})[1]["a"] == slope


def test_functions():
    name, half = function_card("half(x) {x/2+p}")
    functions = {name: half, "twice": function_card("twice(x) {4*half(x)}")[1]}
    value, slopes = evaluated("twice(v(a))*half(2)", {"p": 3.0}, {"a": 5.0}, functions)
    assert value == 4 * 5.5 * 4
    assert slopes["a"] == 8.0


def test_equal_forms_are_one_template():
    known = {}
    texts = [
        "g*v0*sinh(v(te,be)/v0)",
        "1e-4*0.25*sinh( v(a,b)/0.25 )",
        "{x}*y*sinh((v(p)-v(q))/z)",
        "2k*sinh(v(c,d)/{r})",
    ]
    templates = [law_of(parse_law(text, {}, known)[0]).template for text in texts]
    assert all(one is templates[0] for one in templates)
    assert law_of(parse_law("g*v0*cosh(v(te,be)/v0)", {}, known)[0]).template is not templates[0]
    # The same shape of words is read once.
    assert parse_law("3*sinh(v(a,b)/4)", {}, known)[0] is parse_law("5*sinh(v(c,d)/6)", {}, known)[0]


def test_many_laws_at_once():
    parsed, _, _ = parse_law("g*sinh(v(a,b)/0.25)", {}, {})
    law = law_of(parsed)
    g, v = np.array([1e-6, 1e-3, 2.0]), np.array([-1.0, 0.0, 0.3])
    constants = law.constants([0.25], {"g": g}.__getitem__, 27.0)
    value, (slope,) = law.template.evaluate([v], [np.broadcast_to(c, 3) for c in constants], 0.0)
    np.testing.assert_allclose(value, g * np.sinh(v / 0.25), rtol=1e-14)
    np.testing.assert_allclose(slope, g * np.cosh(v / 0.25) / 0.25, rtol=1e-14)


@pytest.mark.slow
def test_a_law_for_a_crossbar():
    parsed, literals, _ = parse_law("(v(a,b)>=0?3u:2u)*sinh(4*v(a,b))", {}, {})
    law = law_of(parsed)
    constants = law.constants(literals, {}.__getitem__, 27.0)
    device = Law(law.template.law(), **{f"c{k}": float(value) for k, value in enumerate(constants)})
    volts = np.array([[0.3, -0.2]])
    expected = np.array([[3e-6, 2e-6]]) * np.sinh(4 * volts)
    np.testing.assert_allclose(device.current(np.ones((1, 2)), volts), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("v(a)+", "ends where"),
        ("(v(a)", "not closed"),
        ("v(a))", "no opening"),
        ("{v(a))", "no opening"),
        ("v(a) v(b)", "operator is missing before 'v(b)'"),
        ("2 3k", "operator is missing before '3k'"),
        ("*v(a)", "'*' stands where"),
        ("f(v(a))", "unknown"),
        ("sinn(v(a))", "did you mean 'sin'"),
        ("sin(v(a),2)", "takes 1 argument"),
        ("v(a,b,c)", "takes one node or two"),
        ("i(a,b)", "takes one element"),
        ("1,2", "outside"),
        ("1?2", "no ':'"),
        ("1:2", "no '?'"),
        ("v(a)%2", "no operator"),
        ("1e999", "no number"),
        ("pwl(v(a),1,2)", "two pairs"),
        ("a=b", "no operator"),
    ],
)
def test_what_is_no_law(text, words):
    with pytest.raises(CardError) as caught:
        parse_law(text, {}, {})
    assert words in str(caught.value)


@pytest.mark.slow
def test_long_laws():
    """Nothing recurses, and equal parts are computed once."""
    many = "+".join(["v(a)"] * 20_000)
    value, slopes = evaluated(many, volts={"a": 1.0})
    assert (value, slopes["a"]) == (20_000.0, 20_000.0)
    deep = "(" * 20_000 + "v(a)" + ")" * 20_000
    assert evaluated(deep, volts={"a": 1.0})[0] == 1.0
