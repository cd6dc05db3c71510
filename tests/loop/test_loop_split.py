"""What wires, amplifiers and cells each do to a loop that is recognised as a circuit that computes."""

import json

import numpy as np
import pytest
from cli_tools import assert_refused, call
from loop_tools import UNIT, amplifiers, crossbar, dominant, pair

from xbarsim import Crossbar
from xbarsim.loop import (
    Amplifier,
    CurrentSource,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    SignedPair,
    Transconductor,
    VoltageSource,
    close,
    eigenvector,
    inverse_loop,
    pseudo_inverse,
    pseudo_inverse_loop,
    read_loop,
    solve_inverse,
    split_errors,
    transimpedance,
    transimpedance_loop,
    write_loop,
)
from xbarsim.loop.held_nodes import NoCircuitError
from xbarsim.loop.loop_split import split_loop

N = 8
B = np.random.default_rng(1).uniform(-0.1, 0.1, N)
KINDS = ("inverse", "pseudo-inverse", "transimpedance", "eigenvector")


def ring_loop(array, amps, share=0.9):
    """The eigenvector circuit with its feedback, a little below what sustains a mode."""
    value = eigenvector(array, unit=UNIT, amplifier=amps).value
    arrays = [array.positive, array.negative] if isinstance(array, SignedPair) else [array]
    word, out, turned = ([f"{name}{k}" for k in range(N)] for name in ("s", "x", "t"))
    drives = (out, turned)
    parts = [JoinedArray(f"m{k}", item, {"word_left": word, "bit_bottom": drives[k]}) for k, item in enumerate(arrays)]
    for k in range(N):
        parts += [
            OpAmp(f"a{k}", "0", word[k], turned[k], amps[k]),
            # Either way round is the same resistor.
            Resistor(f"f{k}", *((word[k], turned[k]) if k % 2 else (turned[k], word[k])), 1 / (share * value * UNIT)),
            OpAmp(f"i{k}", "0", f"n{k}", out[k], amps[N + k]),
            Resistor(f"g{k}", turned[k], f"n{k}", 1 / UNIT),
            Resistor(f"h{k}", f"n{k}", out[k], 1 / UNIT),
        ]
    return Loop(*parts)


def loop_of(kind, array, amps):
    if kind == "inverse":
        return inverse_loop(array, B, unit=UNIT, amplifier=amps)
    if kind == "pseudo-inverse":
        return pseudo_inverse_loop(array, B, unit=UNIT, amplifier=amps)
    if kind == "transimpedance":
        return transimpedance_loop(array, B, feedback_ohms=5e3, amplifier=amps)
    return ring_loop(array, amps)


def by_circuits(kind):
    """The circuit by the function that builds it, in the place of finding it in a loop."""
    return lambda array, amps: {
        "inverse": lambda: solve_inverse(array, B, unit=UNIT, amplifier=amps, stable=False),
        "pseudo-inverse": lambda: pseudo_inverse(array, B, unit=UNIT, amplifier=amps, stable=False),
        "transimpedance": lambda: transimpedance(array, B, feedback_ohms=5e3, amplifier=amps, stable=False),
        "eigenvector": lambda: eigenvector(array, unit=UNIT, amplifier=amps),
    }[kind]()


def count_of(kind, signed):
    return (
        {"inverse": 1, "pseudo-inverse": 2, "transimpedance": 1, "eigenvector": 2}[kind]
        * N
        * (2 if signed and kind in ("inverse", "pseudo-inverse") else 1)
    )


def both_of(rng, signed):
    """A programmed array and the one that it was meant to be."""
    matrix = dominant(rng, N, signed)
    # One eigenvalue is the largest, and real.
    matrix[0, 0] += 1.0
    off = 1.0 + 0.02 * rng.standard_normal((N, N))
    if signed:
        meant = pair(rng, matrix)
        programmed = SignedPair(*(part.with_cells(part.conductance * off) for part in (meant.positive, meant.negative)))
        return programmed, meant, matrix
    meant = crossbar(rng, matrix)
    return meant.with_cells(meant.conductance * off), meant, matrix


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_split_is_that_of_the_circuits_function(kind, signed):
    """A loop says which circuit it is: all answers are those of the function that builds it."""
    rng = np.random.default_rng(5)
    programmed, meant, matrix = both_of(rng, signed)
    amps = amplifiers(rng, count_of(kind, signed))
    split = split_loop(close(loop_of(kind, programmed, amps), stable=False), loop_of(kind, meant, amps))
    assert split.circuit.kind == kind
    expected = split_errors(by_circuits(kind), programmed, target=meant, amplifier=amps)
    for cause in ("ideal", "cells", "wires", "amplifiers", "together"):
        theirs = getattr(expected, cause)
        assert getattr(split.errors, cause) == pytest.approx(theirs, abs=1e-9 * np.abs(theirs).max()), cause
    if kind in ("inverse", "pseudo-inverse"):
        assert split.errors.ideal == pytest.approx(np.linalg.solve(matrix, B), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_each_part_acts_alone(kind):
    """Twice the wires move the share of wires, twice the gain that of amplifiers, and nothing else."""
    rng = np.random.default_rng(6)
    programmed, meant, _ = both_of(rng, False)
    circuit = {name: getattr(programmed, name) for name in ("word_wire", "bit_wire", "driver", "sense")}
    longer = Crossbar(programmed.conductance, **{name: 2 * ohms for name, ohms in circuit.items()})
    count = count_of(kind, False)
    slow, strong = ([Amplifier(gain=gain)] * count for gain in (1e3, 2e3))
    target = loop_of(kind, meant, slow)

    def shares(array, amps, aim=target):
        return split_loop(close(loop_of(kind, array, amps), stable=False), aim).errors.relative()

    base, wired = shares(programmed, slow), shares(longer, slow, loop_of(kind, meant, slow))
    assert wired["wires"] > 1.5 * base["wires"]
    assert wired["cells"] == pytest.approx(base["cells"], rel=1e-9)
    better = shares(programmed, strong)
    assert better["amplifiers"] == pytest.approx(base["amplifiers"] / 2, rel=0.02)
    assert [better[cause] for cause in ("cells", "wires")] == pytest.approx([base["cells"], base["wires"]], rel=1e-9)
    exact = split_loop(close(loop_of(kind, meant, slow), stable=False), target).errors
    assert exact.relative()["cells"] < min(1e-12, exact.doubt["cells"]), "rounding is told as what it is"
    assert max(exact.doubt.values()) < 1e-10
    assert base["cells"] > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_netlists_are_recognised(tmp_path, kind):
    """With offsets, input and output resistances as elements of their own."""
    rng = np.random.default_rng(7)
    programmed, _, _ = both_of(rng, True)
    amps = amplifiers(rng, count_of(kind, True))
    loop = loop_of(kind, programmed, amps)
    write_loop(loop, tmp_path / "loop.sp")
    ours, theirs = (split_loop(close(item, stable=False)) for item in (loop, read_loop(tmp_path / "loop.sp")))
    assert theirs.circuit.kind == kind
    for cause in ("ideal", "wires", "amplifiers", "together"):
        assert getattr(theirs.errors, cause) == pytest.approx(
            getattr(ours.errors, cause), abs=1e-9 * np.abs(ours.errors.ideal).max()
        ), cause
    assert theirs.errors.cells is None
    assert list(theirs.errors.relative()) == ["wires", "amplifiers", "together"]


def test_currents_and_feedback_beside_the_array_count():
    """``(A + share) x = i``: amperes in place of volts through resistors, and a feedback of each amplifier's own."""
    rng = np.random.default_rng(8)
    matrix = dominant(rng, N, False)
    lines = range(N)
    nodes = {"word_right": [f"s{k}" for k in lines], "bit_top": [f"x{k}" for k in lines]}
    array = Crossbar(matrix * UNIT, ends={})
    joined = JoinedArray("m", array, {"word_left": nodes["word_right"], "bit_bottom": nodes["bit_top"]})
    parts = [OpAmp(f"a{k}", "0", f"s{k}", f"x{k}", Amplifier(gain=1e4)) for k in lines]
    parts += [CurrentSource(f"i{k}", f"s{k}", "0", B[k] * UNIT) for k in lines]
    parts += [Resistor(f"f{k}", f"s{k}", f"x{k}", 1.0 / (0.3 * UNIT)) for k in lines]
    split = split_loop(close(Loop(joined, *parts)))
    assert split.circuit.kind == "inverse"
    assert split.errors.ideal == pytest.approx(np.linalg.solve(matrix + 0.3 * np.eye(N), B), rel=1e-9)


def odd(*parts, **kw):
    rng = np.random.default_rng(9)
    loop = inverse_loop(crossbar(rng, dominant(rng, N, False)), kw.get("b", B), unit=UNIT, amplifier=Amplifier(1e4))
    return loop.with_parts(*parts)


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (lambda: odd(Transconductor("g", "x0", "0", "x1", "0", 1e-5)), "g has no place in such a circuit"),
        (lambda: odd(Resistor("r", "sum0", "far", 1e3), Resistor("q", "far", "x3", 1e3)), "fixes node far"),
        (lambda: odd(b=np.zeros(N)), "its inputs are at 0"),
        (lambda: odd(VoltageSource("v", "x0", "far", 0.1), Resistor("q", "far", "0", 1e3)), "v is between two nodes"),
        (lambda: odd(b=np.stack([B, B])), "2 points"),
        (
            lambda: Loop(VoltageSource("v", "a", "0", 1.0), Resistor("r", "a", "s", 1e3), Resistor("f", "s", "o", 1e3),
                         OpAmp("u", "0", "s", "o", Amplifier(1e4))),
            "no amplifier holds a line of an array",
        ),
        (
            lambda: Loop(VoltageSource("v", "a", "0", 1.0), OpAmp("u", "a", "o", "o", Amplifier(1e4)),
                         Resistor("r", "o", "0", 1e3), Resistor("q", "a", "0", 1e3)),
            "u has not one input at ground",
        ),
    ],
)  # fmt: skip
def test_what_is_no_such_circuit_is_told(loop, message):
    with (
        pytest.raises(NoCircuitError, match=message)
        if "points" not in message
        else pytest.raises(Exception, match=message)
    ):
        split_loop(close(loop(), stable=False))


def test_the_command_splits_errors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(10)
    programmed, meant, _ = both_of(rng, False)
    amps = amplifiers(rng, N)
    loops = {"made.sp": loop_of("inverse", programmed, amps), "meant.sp": loop_of("inverse", meant, amps)}
    for name, loop in loops.items():
        write_loop(loop, name)
    shares = split_loop(close(read_loop("made.sp")), read_loop("meant.sp")).errors.relative()
    words = ("loop", "--netlist", "made.sp", "--bandwidth", "1meg")
    record = json.loads(call(capsys, *words, "--target", "meant.sp", "--format", "json").out)
    assert record["computes"] == "inverse"
    assert {row["cause"]: row["relative"] for row in record["errors"]} == pytest.approx(shares, rel=1e-9)
    assert sorted(record["ideal"]) == sorted(record["outputs"])
    table = call(capsys, *words, "--target", "meant.sp").out
    assert "computes as an inverse" in table
    assert f"cells             {shares['cells']:.2e}" in table
    assert max(map(len, table.splitlines())) <= 80
    alone = json.loads(call(capsys, *words, "--format", "json").out)
    assert [row["cause"] for row in alone["errors"]] == ["wires", "amplifiers", "together"]


def test_targets_that_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(11)
    programmed, _, _ = both_of(rng, False)
    amps = amplifiers(rng, N)
    write_loop(loop_of("inverse", programmed, amps), "made.sp")
    (tmp_path / "plain.sp").write_text("inverting\nv1 a 0 1\nr1 a b 1k\ne1 o 0 0 b 1e4\nr2 b o 1k\n.op\n")
    refused = call(capsys, "loop", "--netlist", "made.sp", "--target", "plain.sp")
    assert_refused(refused, 2, "made.sp: errors are not told from --target plain.sp", "no array like array0")
    refused = call(capsys, "loop", "--netlist", "plain.sp", "--target", "made.sp")
    assert_refused(refused, 2, "plain.sp: errors are not told", "no amplifier holds a line of an array")
    record = json.loads(call(capsys, "loop", "--netlist", "plain.sp", "--format", "json").out)
    assert (record["computes"], record["ideal"], record["errors"]) == (None, None, None)
    assert record["reason"] == "no amplifier holds a line of an array"
    assert_refused(call(capsys, "loop", "--netlist", "made.sp", "--target", "no.sp"), 2, "no.sp")


@pytest.mark.parametrize("lines", [2, 3, 4, 7])
def test_small_netlists_are_recognised_too(tmp_path, lines):
    """Of fewer cells than arrays need to save time: nobody begins with 64."""
    rng = np.random.default_rng(10 + lines)
    array = Crossbar(dominant(rng, lines, False) * UNIT, word_wire=2.0, bit_wire=3.0)
    loop = inverse_loop(array, rng.uniform(0.1, 0.2, lines), unit=UNIT, amplifier=Amplifier(gain=1e4))
    write_loop(loop, tmp_path / "loop.sp")
    again = read_loop(tmp_path / "loop.sp")
    assert [part.crossbar.shape for part in again.arrays] == [(lines, lines)]
    ours, theirs = (split_loop(close(item, stable=False)) for item in (loop, again))
    assert theirs.circuit.kind == "inverse"
    assert theirs.errors.wires == pytest.approx(ours.errors.wires, rel=1e-9)
    assert theirs.errors.together == pytest.approx(ours.errors.together, rel=1e-9)
