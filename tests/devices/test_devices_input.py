"""Bad devices: one line of InputError that names the argument, before anything is computed."""

import functools
import math

import numpy as np
import pytest
from newton_tools import DEVICES, uneven

import xbarsim
from xbarsim import Crossbar, Law, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import InputError

G = np.full((4, 5), 1e-4)
X = [-1.0, 0.0, 1.0]


def refused(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return str(caught.value)


POSITIVE = {
    "v0": [lambda v: Sinh(v), lambda v: Selector(1e-9, v)],
    "i0": [lambda v: Selector(v, 0.1)],
    "kp": [lambda v: Transistor(1.0, kp=v)],
    "a1": [lambda v: Yakopcic(v, 1.0, 1.0)],
    "a2": [lambda v: Yakopcic(1.0, v, 1.0)],
    "b": [lambda v: Yakopcic(1.0, 1.0, v)],
}
ANY = {
    "gate": [lambda v: Transistor(v)],
    "vto": [lambda v: Transistor(1.0, vto=v)],
    "lam": [lambda v: Transistor(1.0, lam=v)],
    "k": [lambda v: Law(lambda volts, g, k: (g * volts, g), k=v)],
}


@pytest.mark.parametrize("name", [*POSITIVE, *ANY])
def test_parameters(name):
    for make in (POSITIVE | ANY)[name]:
        refused(lambda make=make: make(math.nan), f"^{name} is nan")
        refused(lambda make=make: make(math.inf), f"^{name} is inf")
        refused(lambda make=make: make(-math.inf), f"^{name} is -inf")
        refused(lambda make=make: make([[1.0, 2.0], [math.nan, 3.0]]), rf"^{name}\[1, 0\] is nan")
        refused(lambda make=make: make("0.2"), f"^{name} must be real numbers")
        refused(lambda make=make: make(None), f"^{name} must be real numbers")
        refused(lambda make=make: make(1j), f"^{name} must be real numbers")
        refused(lambda make=make: make([[1.0, 2.0], [3.0]]), f"^{name} must be real numbers")
        refused(lambda make=make: make(np.ones((2, 2, 2))), rf"^{name} has shape \(2, 2, 2\)")
        if name in POSITIVE:
            refused(lambda make=make: make(0.0), f"^{name} is 0.0: it must be > 0")
            refused(lambda make=make: make([1.0, -2.0]), rf"^{name}\[1\] is -2.0: it must be > 0")


def test_lam_may_be_zero_and_not_less():
    Transistor(1.0, lam=0.0)
    refused(lambda: Transistor(1.0, lam=-0.1), "^lam is -0.1: it must be >= 0")


WRONG_SHAPES = {
    "v0": lambda: Sinh(np.ones((5, 4))),
    "i0": lambda: Selector(np.ones(4), 1.0),
    "gate": lambda: Transistor(np.ones((2, 5))),
    "lam": lambda: Transistor(1.0, lam=np.ones((4, 4))),
    "b": lambda: Yakopcic(1.0, 1.0, np.ones(3)),
    "k": lambda: Law(lambda v, g, k: (g * v, g), k=np.ones(4)),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_shapes(name):
    device = WRONG_SHAPES[name]()
    refused(lambda: Crossbar(G, device=device), rf"device.{name} has shape .* \(4, 5\)")
    refused(lambda: device.current(G, 0.1), rf"{name} has shape .* \(4, 5\)")


@pytest.mark.parametrize(
    "make",
    [lambda: Yakopcic(1.0, np.ones((3, 3)), 1.0), lambda: Yakopcic(np.ones(2), np.ones(3), 1.0)],
    ids=["a2", "a1 and a2"],
)
def test_shapes_of_a_ratio(make):
    refused(lambda: Crossbar(G, device=make()), r"a2 has shape|do not fit: a1 \(2,\), a2 \(3,\)")


@pytest.mark.parametrize("device", [Sinh, Table, "sinh", 3, object(), [Sinh(0.1)]], ids=lambda one: type(one).__name__)
def test_device_is_an_instance(device):
    refused(lambda: Crossbar(G, device=device), "^device is .*: it must be a device of xbarsim.devices")


REFUSING = {name: device for name, device in DEVICES.items() if name != "linear"} | {
    f"{name}, per cell": uneven(name, np.random.default_rng(0), G.shape) for name in ("sinh", "yakopcic", "transistor")
}


@pytest.mark.parametrize(
    "name",
    REFUSING,
)
def test_linear_methods_refuse_nonlinear_cells(name):
    device = REFUSING[name]
    crossbar = Crossbar(G, word_wire=1.0, device=device)
    kind = type(device).__name__
    refused(lambda: xbarsim.effective_conductance(crossbar), kind)
    refused(lambda: xbarsim.effective_conductance(crossbar, offset=True), kind)
    refused(lambda: xbarsim.port_admittance(crossbar), kind)
    for method in ("schur", "kron", "reference"):
        refused(
            lambda method=method: xbarsim.solve(crossbar, np.ones(4), method=method), f"method is '{method}'.*{kind}"
        )
    refused(lambda: xbarsim.solvers.reference.solve(crossbar, np.ones(4)), kind)


TABLES = [
    (lambda: Table([], []), "the curve has 0 points: it takes at least 3"),
    (lambda: Table([1.0], [1.0]), "the curve has 1 points"),
    (lambda: Table([-1.0, 1.0], [-1.0, 1.0]), "the curve has 2 points"),
    (lambda: Table(X, [-1.0, 0.0]), r"voltage has shape \(3,\) and current \(2,\)"),
    (lambda: Table([X], [X]), r"voltage has shape \(1, 3\)"),
    (lambda: Table(X, [-1.0, 0.0, -0.5]), r"current does not rise from 0 V \(0 A\) to 1 V \(-0.5 A\)"),
    (lambda: Table(X, [1.0, 0.0, -1.0]), "current does not rise from -1 V"),
    (lambda: Table([-1, 0, 0.5, 1], [-1, 0, 0.5, 0.5]), "current does not rise from 0.5 V"),
    (lambda: Table([0.1, 0.2, 0.3], [-0.1, 0.2, 0.3]), "current does not rise from 0 V"),
    (lambda: Table(X, [-1.0, 0.1, 1.0]), "current is 0.1 A at 0 V"),
    (lambda: Table([-1, 0, 1, 1], [-1, 0, 1, 2]), "voltage has 1 V twice"),
    (lambda: Table([-1, 0, math.nan], X), r"voltage\[2\] is nan"),
    (lambda: Table(X, [-1, 0, math.inf]), r"current\[2\] is inf"),
    (lambda: Table("abc", X), "voltage must be real numbers"),
    (lambda: Table(X, None), "current must be real numbers"),
    (lambda: Table(X, X, 0.0), "conductance is 0"),
    (lambda: Table(X, X, -1.0), "conductance is -1.0"),
    (lambda: Table(X, X, math.nan), "conductance is nan"),
    (lambda: Table(X, X, "big"), "conductance must be real"),
    (lambda: Table(X, X, odd=True), "voltage begins at -1 V: odd=True"),
]


@pytest.mark.parametrize(("make", "message"), TABLES, ids=[message for _, message in TABLES])
def test_tables(make, message):
    refused(make, "^" + message)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Table(X, X, [1.0, 2.0]),
        lambda: Table([1e-320, 0.2, 0.3], [1.0, 2.0, 3.0]),
        lambda: Table([1.0, 2.0, 3.0], [1e307, 1e308, 1.7e308]),
    ],
    ids=["two conductances", "1e-320 V", "1e308 A"],
)
def test_tables_beyond_reason(make):
    refused(make, "conductance|voltage|current")


@pytest.mark.parametrize("function", [3, "f", None, (1, 2)], ids=repr)
def test_a_law_is_callable(function):
    refused(lambda: Law(function), "^function is .*: it must be callable")


UNCOMPILABLE = {
    "one value": (lambda v, g: g * v, {}),
    "words": (lambda v, g: ("a", "b"), {}),
    "complex": (lambda v, g: (g * v + 0j, g), {}),
    "no arguments": (lambda: (1.0, 1.0), {}),
    "a parameter that is not given": (lambda v, g, k: (g * v, g), {}),
    "a parameter too many": (lambda v, g: (g * v, g), {"k": 1.0}),
    "an unknown name": (lambda v, g: (unknown(v), g), {}),  # noqa: F821
    "None": (lambda v, g: (None, g), {}),
    "any keywords": (lambda v, g, **more: (g * v, g), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", UNCOMPILABLE)
def test_laws_that_numba_cannot_compile(case):
    function, parameters = UNCOMPILABLE[case]
    refused(lambda: Law(function, **parameters), "could not be compiled as a law")


@pytest.mark.slow
@pytest.mark.parametrize("case", UNCOMPILABLE)
def test_what_was_wrong_with_the_law(case):
    function, parameters = UNCOMPILABLE[case]
    assert "Pass" not in refused(lambda: Law(function, **parameters), "could not be compiled as a law")


class Calibrated:
    def __call__(self, v, g):
        return g * v, g


class Unhashable(Calibrated):
    __hash__ = None


@pytest.mark.parametrize(
    "function",
    [int, math.sin, functools.partial(lambda v, g, k: (g * v, g), k=1.0), Calibrated(), Unhashable()],
    ids=["class", "builtin", "partial", "object", "unhashable"],
)
def test_callables_that_are_no_functions(function):
    refused(lambda: Law(function), "function|compiled")


FILES = [
    ("v,i\n-1,-1\n0,0\n1,2\n", None),
    ("-1,-1\n0,0\n1,2", None),
    ("﻿v,i\n-1,-1\n0,0\n1,2\n", None),
    ("﻿-1,-1\n0,0\n1,2\n", None),
    ("# measured\n\nv,i # volts\n-1,-1 # first\n 0 , 0 \n1,2\n", None),
    ("v;i\n-1;-1\n0;0\n1;2\n", None),
    ("v\ti\r\n-1\t-1\r\n0\t0\r\n1\t2\r\n", None),
    ("-1,-1,9\n0,0,9\n1,2,9\n", "it has 3 columns: give them a heading"),
    ("V,I,t\n-1,-1,9\n0,0,9\n1,2,9\n", None),
    ("time,voltage,current\n0,-1,-1\n1,0,0\n2,1,2\n", None),
    ("t (s);I (mA);V (mV)\n0;-1000;-1000\n1;0;0\n2;2000;1000\n", None),
    ("I,V\n-1,-1\n0,0\n2,1\n", None),
    ("Cell 7, second sweep\nV,I\n[mV],[uA]\n-1000,-1e6\n0,0\n1000,2e6\n", None),
    ("Keithley 2400\n\nSource voltage\tMeasured current\n-1\t-1\n0\t0\n1\t2\n", None),
    ('"V","I"\n-1,-1\n0,0\n1,2\n', None),
    ("V I\n-1 -1\n0   0\n1 2\n", None),
    ("I V\n-1 -1\n0 0\n2 1\n", None),
    ("t,V,V\n0,-1,-1\n", "two columns in V"),
    ("t,x,I\n0,-1,-1\n1,0,0\n2,1,2\n", "it has 3 columns: give them a heading that says which"),
    ("1,2\n0,0\n-1,-1\n", None),
    ("", "it holds no points"),
    ("v,i\n", "it holds no points"),
    ("# only words\n", "it holds no points"),
    ("hello\n", "it holds no points"),
    ("1\n2\n3\n", ":1: '1' is not two numbers"),
    ("v,i\n-1,-1\nx,y\n1,2\n", ":3: 'x,y' is not two numbers"),
    ("v,i\n-1,-1\n0\n1,2\n", ":3: '0' is not two numbers"),
    ("v,i\nV,A\n-1,-1\n0,0\n1,2\n", None),
    ("v,i\n-1,-1\nV,A\n0,0\n1,2\n", ":3: 'V,A' is not two numbers"),
    ("-1,-1\n1,2\n", "the curve has 2 points"),
    ("-1,-1\n0,0\n1,-2\n", "current does not rise"),
    ("-1,-1\n0,nan\n1,2\n", r"current\[1\] is nan"),
    ("-1,-1\n0,0\ninf,2\n", r"voltage\[2\] is inf"),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_files(tmp_path, text, message):
    path = tmp_path / "cell.csv"
    path.write_text(text, "utf-8", newline="")
    if message is None:
        assert Table.from_csv(path) == Table([-1, 0, 1], [-1, 0, 2])
        assert Table.from_csv(str(path), 2.0).conductance == 2.0
    else:
        assert refused(lambda: Table.from_csv(path), message).startswith(str(path))


def test_files_that_are_none(tmp_path):
    refused(lambda: Table.from_csv(tmp_path / "none.csv"), "none.csv: there is no such file")
    refused(lambda: Table.from_csv(tmp_path), "it is a folder")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    refused(lambda: Table.from_csv(tmp_path / "binary"), "binary: it is not a text file")


def test_decimal_commas(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("1,2;0,1\n2,3;0,2\n3,4;0,5\n")
    refused(lambda: Table.from_csv(path), "comma|two numbers")


def test_an_instruments_offset_at_0_v_is_none():
    volts, amperes = np.array([-0.5, 0.0, 0.5]), np.array([-1e-5, 8e-11, 2e-5])
    assert Table(volts, amperes) == Table(volts, [-1e-5, 0.0, 2e-5])
    assert amperes[1] == 8e-11, "the caller's array is as it was"
    refused(lambda: Table(volts, [-1e-5, 4e-9, 2e-5]), "4e-09 A at 0 V: subtract the offset")
    refused(lambda: Table([-0.1, 0.0, 1e-4, 0.5], [-1e-6, 9e-10, -1e-9, 1e-5]), "does not rise")
