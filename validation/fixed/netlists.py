"""Netlists through the command line: dialects, laws, models, sweeps, states, control blocks, errors."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fixed.console import run
from fixed.record import Case

ROOT = Path(__file__).resolve().parents[2]

PLAIN = "g1 p n value={v(p,n)*(1e-3*v(s)+1e-6*(1-v(s)))}"
STATE = "v1 a 0 0.1\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends\n"
CONTROL = (
    "v1 a 0 0.6\nr1 a b 1k\nd1 b 0 dm\ne1 c 0 b 0 2\nr2 c 0 5k\n.model dm d(is=1e-12)\n.param k=2\nr3 a 0 {k*1k}\n"
    ".control\n{block}\n.endc\n"
)

STATES = {
    "leak": f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s 0 1 ic=0.25\nrs s 0 1g",
    "ic inside": f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s 0 1\n.ic v(s) = 0.25\nrs s 0 1g",
    "resistor": f"{PLAIN}\nes e 0 value={{10*v(p,n)}}\nrs e s 1k\ncs s 0 1 ic=0.25",
    "discharged": f"{PLAIN}\nbs s 0 i={{-3*v(p,n)*v(s)}}\ncs s 0 1p ic=0.25",
    "no initial value": f"{PLAIN}\ngs 0 s value={{1u*(v(p,n)-v(s))}}\ncs s 0 1\nrs s 0 1g",
    "ammeter": "b1 0 x i=1e18*v(p,n)\nvs x x1 0\ncs x1 0 1 ic=4k\nr1 p n r={v(x)}",
    "sdt": "b1 p n i={v(p,n)*(1m+sdt(v(p,n)))}\n",
    "idt": "b1 p n i={v(p,n)*idt(v(p,n),2m)}\n",
}

CONTROLS = {
    "alter": "op\nalter r1 = 2k\nop\nalter @r1[resistance] = 1k\nop\nalter v1 = 0.3\nop\nalter v1 dc = 0.5\nop",
    "foreach": "foreach k 1 2\nalter r1 = {$k * 1000}\nop\nend",
    "while": "let x = 1\nwhile x < 4\nalter r1 = x*1k\nop\nlet x = x + 1\nend",
    "repeat": "repeat 2\nop\nend",
    "if": "let x = 3\nif x > 2\nalter v1 = 0.2\nelse\nalter v1 = 0.1\nend\nop",
    "altermod": "op\naltermod dm is = 1e-9\nop\naltermod @dm[n] = 2\nop",
    "alterparam": "op\nalterparam k = 5\nop\nreset\nop",
    "temperature": "set temp = 100\nop\noption temp = -20\nop",
    "sweeps": "dc temp 0 100 50\ndc r1 1k 2k 1k v1 0.3 0.6 0.3\ntran 1n 3n",
    "define": "define half(x) (x/2)\nlet w = 5k\nalter r1 = half(w)+half(1k)\nop\nquit\nop",
    "prints": "op\nprint v(a) i(v1)\nplot v(a)\nwrdata x v(b)\nlet y = v(a)*2",
    "random": "alter r1 = 1k*(1+0.1*sgauss(0))\nop\nalter r1 = 1k*(1+0.1*sunif(0))\nop",
    "results": "op\nwhile v(a) < 1\nop\nend",
    "source": "source other.cir",
}


def decks() -> dict[str, str]:
    """Return the netlists of decks.txt by their headings, without titles; {crossbar} stands for an array."""
    text = Path(__file__).with_name("decks.txt").read_text("utf-8")
    parted = (section.partition("\n") for section in f"\n{text}".split("\n== ")[1:])
    return {name: deck.strip("\n").replace("{crossbar}", crossbar()) for name, _, deck in parted}


def crossbar(*, wires: bool = True, cell: str = "resistor", rows: int = 4, cols: int = 3, ends: str = "both") -> str:
    """Return an array by hand: cells of one kind, numbered ohms, other names at each end."""
    lines = []
    for i in range(rows):
        lines.append(f"v{i} in{i} 0 {0.2 + 0.11 * i:g}")
        if wires:
            lines.append(f"rd{i} in{i} w{i}_0 {5 + i}")
            lines += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} {1 + 0.1 * j:g}" for j in range(cols - 1)]
        for j in range(cols):
            a, b = (f"w{i}_{j}", f"b{i}_{j}") if wires else (f"in{i}", f"c{j}")
            lines.append(
                CELLS[cell].format(i=i, j=j, a=a, b=b, ohms=1000 * (1 + i) * (2 + j), g=1e-3 / (1 + i) / (2 + j))
            )
    for j in range(cols):
        foot = f"b{rows - 1}_{j}" if wires else f"c{j}"
        if wires:
            lines += [f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} {2 + 0.1 * i:g}" for i in range(rows - 1)]
        lines += [f"rs{j} {foot} o{j} 3", f"vs{j} o{j} 0 {0.3 if ends == 'half' and j else 0}"]
        if ends == "both" and wires:
            lines.append(f"rt{j} b0_{j} 0 7")
    gates = [f"vg{i} g{i} 0 {1.5 if i else 1.1}" for i in range(rows)] if cell in GATED else []
    return "\n".join([*lines, *gates, *CARDS.get(cell, "").splitlines()]) + "\n"


CELLS = {
    "resistor": "rc{i}_{j} {a} {b} {ohms}",
    "sinh": "bc{i}_{j} {a} {b} i={{{g}*0.3*sinh(v({a},{b})/0.3)}}",
    "sinh subcircuit": "xc{i}_{j} {a} {b} cell g={g}",
    "yakopcic": "xc{i}_{j} {a} {b} cell x={g}",
    "cubic": "bc{i}_{j} {a} {b} i={{{g}*(v({a},{b})+0.5*v({a},{b})^3)}}",
    "table": "bc{i}_{j} {a} {b} i={{{g}*pwl(v({a},{b}),-1,-2,0,0,0.3,0.2,1,3)}}",
    "selector": "rc{i}_{j} {a} x{i}_{j} {ohms}\nbc{i}_{j} x{i}_{j} {b} i={{1n*sinh(v(x{i}_{j},{b})/0.03)}}",
    "falling": "bc{i}_{j} {a} {b} i={{{g}*v({a},{b})*(v({a},{b})-1)*(v({a},{b})-1.5)+{g}*v({a},{b})}}",
    "diode": "rc{i}_{j} {a} x{i}_{j} {ohms}\ndc{i}_{j} x{i}_{j} {b} dm",
    "transistor": "rc{i}_{j} {a} x{i}_{j} {ohms}\nmc{i}_{j} x{i}_{j} g{i} {b} 0 acc w=10u l=1u",
    "leaky transistor": "rc{i}_{j} {a} x{i}_{j} {ohms}\nmc{i}_{j} x{i}_{j} g{i} {b} 0 acc w=10u l=1u",
    "bulk at source": "rc{i}_{j} {a} x{i}_{j} {ohms}\nmc{i}_{j} x{i}_{j} g{i} {b} {b} acc w=10u l=1u",
    "transistor with resistances": "rc{i}_{j} {a} x{i}_{j} {ohms}\nmc{i}_{j} x{i}_{j} g{i} {b} 0 acc w=10u l=1u",
    "frozen state": "xc{i}_{j} {a} {b} cell x={g}",
}
GATED = ("transistor", "leaky transistor", "bulk at source", "transistor with resistances")
CARDS = {
    "sinh subcircuit": ".subckt cell te be g=1e-4 v=0.25\n.param s={g*v}\nb1 te be i=s*sinh(v(te,be)/v)\n.ends",
    "yakopcic": ".subckt cell te be x=0.5\nb1 te be i=(v(te,be) >= 0 ? 0.1*x : 0.05*x)*sinh(3*v(te,be))\n.ends",
    "diode": ".model dm d(is=1e-12 n=1.5)",
    "transistor": ".model acc nmos(vto=0.5 kp=120u)\n.options gmin=1e-18",
    "leaky transistor": ".model acc nmos(level=1 vto=0.5 kp=120u gamma=0.4 phi=0.65 lambda=0.02 is=1e-10)",
    "bulk at source": ".model acc nmos(vto=0.5 kp=120u lambda=0.05)",
    "transistor with resistances": ".model acc nmos(vto=0.5 kp=120u rd=20 rs=30)",
    "frozen state": ".subckt cell p n x=0.1\ng1 p n value={v(p,n)*v(s)}\ngs 0 s value={v(p,n)}\ncs s 0 1 ic={x}\n.ends",
}  # fmt: skip


def solved(text: str, *options: object, form: str = "json") -> dict[str, Any]:
    """Solve a netlist's text, a title put before it."""
    return run("solve", "--netlist", "x.sp", "--format", form, *options, files={"x.sp": f"a title\n{text}\n"})


def file_case(path: Path, *options: object) -> dict[str, Any]:
    values = run("solve", "--netlist", path, "--format", "json", *options)
    return {
        name: value.replace(f"{path.parent}/", "") if isinstance(value, str) else value
        for name, value in values.items()
    }


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    texts = decks()
    for name, text in texts.items():
        bank[name] = partial(solved, text)
    for cell in CELLS:
        for wires in (True, False):
            for ends in ("both", "half", "plain"):
                text = crossbar(wires=wires, cell=cell, ends=ends)
                name = f"array of {cell}{'' if wires else ', no wires'}, {ends}"
                bank[name] = partial(solved, text)
            bank[f"{name}, table"] = partial(solved, text, form="table")
            bank[f"{name}, swept"] = partial(solved, text + ".dc v1 -0.3 0.6 0.3 v0 0 0.2 0.1")
        bank[f"array of {cell}, shuffled"] = partial(
            solved, "\n".join(sorted(crossbar(cell=cell).splitlines(), key=hash_of))
        )
    for method in ("schur", "kron", "reference"):
        bank[f"array by {method}"] = partial(solved, crossbar(), "--method", method)
    for name, cell in STATES.items():
        for options in ((), ("--steady",)):
            bank[f"state {name} {' '.join(options)}"] = partial(solved, STATE.replace("{cell}", cell), *options)
        bank[f"state {name}, swept"] = partial(solved, STATE.replace("{cell}", cell) + ".dc v1 -0.2 0.2 0.1")
    for name, block in CONTROLS.items():
        bank[f"control {name}"] = partial(solved, CONTROL.replace("{block}", block))
        bank[f"control {name}, table"] = partial(solved, CONTROL.replace("{block}", block), form="table")
    for seed in (0, 3):
        for name in (deck for deck in texts if deck.startswith("monte carlo")):
            bank[f"{name}, seed {seed}"] = partial(solved, texts[name], "--seed", seed)
    for form in ("table", "csv", "raw"):
        for name in ("diode", "dc of two", "measures", "step and dc", "crossbar of two swept"):
            bank[f"{name} as {form}"] = partial(solved, texts[name], "-o", f"y.{form}", form=form)
    bank["quiet"] = partial(solved, crossbar(), "-q", form="table")
    bank["nodes"] = partial(solved, crossbar(), "--nodes", "w0_*", "--nodes", "b?_1")
    bank["standard input"] = partial(run, "solve", "--netlist", "-", stdin=f"title\n{crossbar()}")
    bank["an include"] = partial(
        run, "solve", "--netlist", "x.sp", "--format", "json",
        files={"x.sp": "t\nv1 a 0 1\n.include y.sp\n.lib z.lib fast\n", "y.sp": "r1 a b 1k\n",
               "z.lib": ".lib slow\nr2 b 0 2k\n.endl\n.lib fast\nr2 b 0 3k\n.endl\n"},
    )  # fmt: skip
    files = [path for folder in ("examples", "tests") for path in (ROOT / folder).rglob("*.sp")]
    files = sorted((path for path in files if path.parent.name != "include"), key=lambda path: path.name)
    for path in files:
        bank[f"file {path.name}"] = partial(file_case, path)
    return bank


def hash_of(line: str) -> int:
    """Return a number that puts lines in an order of its own, the same in every process."""
    return sum(37**k % 1009 * ord(letter) for k, letter in enumerate(line)) % 9973
