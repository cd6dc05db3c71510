"""``seed`` and ``steady`` act, or a note says that they change nothing."""

from __future__ import annotations

import pytest
from cli_tools import assert_refused, call

PLAIN = "v1 a 0 1\nr1 a b 1k\nr2 b 0 3k\n.op"
DRAWN = ".param x=agauss(1k,100,1)\nv1 a 0 1\nr1 a 0 {x}\n.dc v1 1 1 1 sweep monte=3"
HELD = "v1 a 0 0.1\nb1 a 0 i={v(a)*v(s)*1e-3}\nc1 s 0 1 ic=0.5\nr1 s 0 1k\n.op"
OPEN = "v1 a 0 0.1\nr1 a b 1k\nr2 b 0 1k\nc1 b 0 1 ic=0.5\n.op"
ALTERED = "v1 a 0 1\nr1 a 0 1k\n.control\nlet x = 1k+10*sgauss(0)\nalter r1 = $&x\nop\n.endc"


@pytest.mark.parametrize(
    ("text", "arguments", "acts"),
    [
        (PLAIN, ("--seed", "3"), False),
        (OPEN, ("--seed", "0"), False),
        (DRAWN, ("--seed", "3"), True),
        (ALTERED, ("--seed", "3"), True),
        (PLAIN, ("--steady",), False),
        (OPEN, ("--steady",), False),
        (HELD, ("--steady",), True),
    ],
)
def test_a_setting_acts_or_is_said_to_change_nothing(capsys, tmp_path, text, arguments, acts):
    path = tmp_path / "n.sp"
    path.write_text(f"settings\n{text}\n.end\n", encoding="utf-8")
    plain, done = (call(capsys, "solve", "--netlist", path, "--format", "csv", *more) for more in ((), arguments))
    assert (plain.code, done.code) == (0, 0)
    assert (plain.out != done.out) == acts
    assert (f"note: {path}: {arguments[0]} " in done.err) != acts
    assert "changes nothing: no " not in plain.err


def test_a_seed_is_a_whole_number_from_0_on(capsys, tmp_path):
    path = tmp_path / "n.sp"
    path.write_text(f"settings\n{DRAWN}\n.end\n", encoding="utf-8")
    for seed in ("x", "-1", "1.5"):
        assert_refused(call(capsys, "solve", "--netlist", path, "--seed", seed), 2, "--seed", seed)
