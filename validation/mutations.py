"""Damage to a netlist's text: what editors, copies, scripts and typing errors do to files, and worse."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

_TOKEN = re.compile(rb"[^\s]+")

_JUNK = [
    b'(', b')', b'{', b'}', b"'", b'"', b'=', b',', b'+', b'-', b'*', b'/', b'**', b'^', b'?', b':', b'$', b';',
    b'\\', b'&', b'%', b'#', b'@', b'[', b']', b'<', b'>', b'|', b'~', b'!', b'0', b'gnd', b'1e', b'e5', b'1e400',
    b'-1e400', b'1e-400', b'nan', b'inf', b'-inf', b'1e9999999999', b'0x10', b'1/0', b'{1/0}', b'{', b"'1+'",
    b'{p+}', b'{sqrt(-1)}', b'{((((((1))))))}', b'{a}', b'{fa(1)}', b'{fa(1,2,3)}', b'dc', b'ac', b'pulse(',
    b'pwl()', b'pwl(1)', b'sin()', b'poly(1)', b'poly(2)', b'm=0', b'm=-1', b'm=', b'r=', b'=5', b'params:', b'.end',
    b'.ends', b'.subckt', b'.param', b'.op', b'.dc', b'.tran', b'.include', b'.lib', b'.func', b'.global', b'.model',
    b'.foo', b'.', b'+', b'x', b'r', b'v', b'*', b'\t', b'\x00', b'\xff\xfe', b'\xc3\xa9', b'\xe2\x84\xa6',
    b'\x1b[31m', b'\r', b'\x0c', b'\xa0', b'1k\xce\xa9',
]  # fmt: skip
_JUNK += [b"1" * 400, b"(" * 300, b"{" * 300, b"a" * 2000, b"-" * 200 + b"1", b"1+" * 500 + b"1"]

_NUMBERS = b"0 -1 1e30 1e-30 -0 1e308 1e309 4.9e-324 1meg 1M 1mil 1e3k 1.2.3".split()

_CARDS = [
    b'R1 a 0 1', b'Rz a b', b'Rz', b'R', b'V1 0 0 1', b'V1 a a 0', b'Vz n1 n2 1', b'Iz n1 n2', b'Cz n1 0 1p',
    b'Lz n1 0 1u', b'Ez n1 0 n1 0 1', b'Ez n1 0 n2', b'Gz n1 0 n1 0 -1', b'Fz n1 0 vz 2', b'Fz n1 0 v1 2',
    b'Hz n1 0 v1', b'Xz n1 n2 nothing', b'Xz n1', b'D1 a b dmod', b'M1 a b c d nmos', b'B1 a 0 v=v(a)',
    b'Q1 a b c q', b'K1 l1 l2 0.5', b'T1 a 0 b 0 z0=50', b'.subckt loop a\nX1 a loop\n.ends\nX9 n1 loop',
    b'.subckt z a b', b'.ends', b'.ends z', b'.param p=p', b'.param a=b b=a', b'.param', b'.param 5=3', b'.param x=',
    b'.param p={', b'.func f(x) {f(x)}\nRz n1 0 {f(1)}', b'.func f(x', b'.op extra', b'.dc', b'.dc V1 0 1',
    b'.dc V1 0 1 0', b'.dc V1 0 1 -0.1', b'.dc nothing 0 1 0.1', b'.dc V1 0 1 1e-9', b'.tran 1n', b'.tran 0 1',
    b'.tran 1 -1', b'.tran 1n 1', b'.ac dec 10 1 1k', b'.include', b'.include nothing.sub', b'.include .',
    b'.include 0.cir', b'.lib nothing.lib tt', b'.lib', b'.endl', b'.if (1)\nRz n1 0 1\n.endif',
    b'.control\nrun\n.endc', b'.end', b'.global 0', b'.global', b'.options gmin=1 rshunt=1', b'.temp 1000',
    b'.ic v(n1)=1', b'.nodeset v(n1)=5', b'.measure dc x', b'.meas op x find v(n1)', b'.save nothing', b'.print dc',
    b'+ more', b'+', b'* note', b'; note', b'$ note', b'// note', b'\\\\',
]  # fmt: skip


def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def _pick(rng: np.random.Generator, many: list) -> int:
    return int(rng.integers(len(many)))


def _tokens(rng: np.random.Generator, data: bytes) -> tuple[list[bytes], int, list[re.Match[bytes]]]:
    lines = _lines(data)
    k = _pick(rng, lines)
    return lines, k, list(_TOKEN.finditer(lines[k]))


def _replaced(lines: list[bytes], k: int, start: int, end: int, new: bytes) -> bytes:
    lines[k] = lines[k][:start] + new + lines[k][end:]
    return b"\n".join(lines)


def delete_token(rng: np.random.Generator, data: bytes) -> bytes:
    lines, k, tokens = _tokens(rng, data)
    if not tokens:
        return data
    return _replaced(lines, k, *tokens[_pick(rng, tokens)].span(), b"")


def duplicate_token(rng: np.random.Generator, data: bytes) -> bytes:
    lines, k, tokens = _tokens(rng, data)
    if not tokens:
        return data
    token = tokens[_pick(rng, tokens)]
    return _replaced(lines, k, token.end(), token.end(), b" " + token.group())


def swap_tokens(rng: np.random.Generator, data: bytes) -> bytes:
    lines, k, tokens = _tokens(rng, data)
    if len(tokens) < 2:
        return data
    words = [token.group() for token in tokens]
    i, j = (int(n) for n in rng.choice(len(words), 2, replace=False))
    words[i], words[j] = words[j], words[i]
    lines[k] = b" ".join(words)
    return b"\n".join(lines)


def token_from_elsewhere(rng: np.random.Generator, data: bytes) -> bytes:
    elsewhere = list(_TOKEN.finditer(data))
    lines, k, tokens = _tokens(rng, data)
    if not tokens or not elsewhere:
        return data
    return _replaced(lines, k, *tokens[_pick(rng, tokens)].span(), elsewhere[_pick(rng, elsewhere)].group())


def junk_token(rng: np.random.Generator, data: bytes) -> bytes:
    lines, k, tokens = _tokens(rng, data)
    junk = _JUNK[_pick(rng, _JUNK)]
    if not tokens:
        return _replaced(lines, k, 0, 0, junk)
    start, end = tokens[_pick(rng, tokens)].span()
    if rng.random() < 0.5:
        return _replaced(lines, k, start, end, junk)
    return _replaced(lines, k, end, end, (b" " if rng.random() < 0.5 else b"") + junk)


def flip_characters(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if changed:
            changed[_pick(rng, changed)] = int(rng.choice([*range(32, 127), 9, 10, 13]))
    return bytes(changed)


def binary(rng: np.random.Generator, data: bytes) -> bytes:
    at = int(rng.integers(len(data) + 1))
    return data[:at] + rng.integers(0, 256, int(rng.integers(1, 20)), dtype=np.uint8).tobytes() + data[at:]


def truncate(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def delete_line(rng: np.random.Generator, data: bytes) -> bytes:
    lines = _lines(data)
    del lines[_pick(rng, lines)]
    return b"\n".join(lines)


def duplicate_line(rng: np.random.Generator, data: bytes) -> bytes:
    lines = _lines(data)
    lines.insert(_pick(rng, lines), lines[_pick(rng, lines)])
    return b"\n".join(lines)


def swap_lines(rng: np.random.Generator, data: bytes) -> bytes:
    lines = _lines(data)
    i, j = _pick(rng, lines), _pick(rng, lines)
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def join_lines(rng: np.random.Generator, data: bytes) -> bytes:
    lines = _lines(data)
    k = _pick(rng, lines)
    return b"\n".join([*lines[:k], b" ".join(lines[k : k + 2]), *lines[k + 2 :]])


def break_line(rng: np.random.Generator, data: bytes) -> bytes:
    at = int(rng.integers(len(data) + 1))
    return data[:at] + b"\n" + data[at:]


def another_card(rng: np.random.Generator, data: bytes) -> bytes:
    lines = _lines(data)
    lines.insert(_pick(rng, lines), _CARDS[_pick(rng, _CARDS)])
    return b"\n".join(lines)


def another_number(rng: np.random.Generator, data: bytes) -> bytes:
    numbers = list(re.finditer(rb"(?<![\w.])[+-]?\d+\.?\d*(?:[eEdD][+-]?\d+)?\w*", data))
    if not numbers:
        return data
    start, end = numbers[_pick(rng, numbers)].span()
    value = rng.choice(
        ["0", "-1", "1e30", "1e-30", "-0", "1e308", "1e309", "4.9e-324", "1meg", "1M", "1mil", "1e3k", "1.2.3"]
    )
    return data[:start] + str(value).encode() + data[end:]


def unbalance(rng: np.random.Generator, data: bytes) -> bytes:
    places = [k for k, c in enumerate(data) if c in b"{}()'\"=,"]
    if not places:
        return data
    at = places[_pick(rng, places)]
    return data[:at] + (data[at : at + 1] * 2 if rng.random() < 0.3 else b"") + data[at + 1 :]


OPERATIONS: list[Callable[[np.random.Generator, bytes], bytes]] = [
    delete_token,
    duplicate_token,
    swap_tokens,
    token_from_elsewhere,
    junk_token,
    junk_token,
    flip_characters,
    binary,
    truncate,
    delete_line,
    duplicate_line,
    swap_lines,
    join_lines,
    break_line,
    another_card,
    another_number,
    another_number,
    unbalance,
]


def mutate(rng: np.random.Generator, data: bytes) -> bytes:
    """Return ``data`` after one to a few operations."""
    for _ in range(min(int(rng.geometric(0.6)), 5)):
        data = OPERATIONS[_pick(rng, OPERATIONS)](rng, data)
    return data
