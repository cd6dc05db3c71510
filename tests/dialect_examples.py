"""Cards as people write them, for docs/reference/dialect.md: each is solved, and the page shows what came of it.

``python tests/dialect_examples.py`` writes the page's tables anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from io import StringIO
from pathlib import Path

from xbarsim.analysis.runs import from_netlist
from xbarsim.errors import XbarsimError
from xbarsim.netlist.behaviour.functions import LAWS
from xbarsim.netlist.reading import program, tolerances
from xbarsim.netlist.reading.cards import _ADDS_ELEMENTS
from xbarsim.netlist.reading.devicecards import DEVICES, MODEL_PARAMETERS
from xbarsim.netlist.reading.elements import UNSUPPORTED as NO_ELEMENTS
from xbarsim.netlist.reading.expressions import PARAMETERS, RANDOM
from xbarsim.netlist.reading.othercards import ANALYSES, OUTPUT
from xbarsim.netlist.reading.othercards import UNSUPPORTED as NO_CARDS
from xbarsim.netlist.reading.settings import _ELSEWHERE, OPTIONS
from xbarsim.netlist.values import parse_number

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "dialect.md"

AROUND = """title
vin in 0 1
rin in out 1k
rout out 0 1k
ra in a 1k
rb a b 1k
rc b 0 1k
"""
"""A circuit whose nodes in, out, a and b the examples use."""

ELEMENTS = {
    "r1 a b 1k": "ohms; 0 stays 0",
    "r1 a b '2k*(1+v(a,b)^2)'": "ohms by a law",
    "r1 a b rm l=10u w=1u\n.model rm r(rsh=100 tc1=1m)": "a model; also `res`",
    "r1 a b 1k tc=1m,1u temp=50 m=2": "temperature, parallel ones",
    "c1 a b 1p ic=0.5": "open at an operating point, or a state that is held; farads in `.tran`",
    "c1 a b cm l=10u w=1u\n.model cm c(cj=1m)": "a model; also `cap`",
    "l1 a b 1n": "short at an operating point, its current is reported",
    "l1 in a 1n\nl2 in b 1n\nk1 l1 l2 0.9": "coupling of two coils or more",
    "v1 c 0 dc 0.5\nr1 c a 1k": "volts",
    "i1 a 0 1u m=2": "amperes, parallel ones",
    "v1 c 0 pulse(0 1 1n 1n 1n 5n 20n)\nr1 c a 1k": "`pwl`, `sin`, `exp`, `sffm`, `am` too; at rest its first value",
    "v1 c 0 pwl(0 0 1n 1 +1n 0) r=0\nr1 c a 1k": "LTspice's steps and repetition",
    "e1 c 0 a b 2\nr1 c 0 1k": "volts by volts",
    "e1 c 0 poly(2) a 0 b 0 0 1 1\nr1 c 0 1k": "polynomials, of E, F, G and H",
    "e1 c 0 vol='2*v(a)'\nr1 c 0 1k": "volts by a law; also `value=`",
    "e1 c 0 table {v(a)}=(0,0)(1,2)\nr1 c 0 1k": "straight lines between points",
    "e1 c 0 opamp a b\nr1 c b 1k": "HSPICE's ideal amplifier",
    "f1 a 0 vin 2": "amperes by amperes",
    "g1 a 0 b 0 1m": "amperes by volts",
    "g1 a 0 cur='1m*tanh(v(b))'": "amperes by a law",
    "h1 c 0 vin 2\nr1 c 0 1k": "volts by amperes",
    "b1 a b i=1m*sinh(v(a,b)/0.25)": "amperes by a law",
    "b1 c 0 v=2*v(a)\nr1 c 0 1k": "volts by a law",
    "d1 a b dm\n.model dm d(is=1f n=1.2)": "diode of level 1",
    "m1 a in b 0 nm w=1u l=100n\n.model nm nmos(vto=0.4 kp=200u)": "transistor of level 1; `pmos` too",
    "s1 a b in 0 sm\n.model sm sw(vt=0.5 ron=1 roff=1meg)": "switch by volts; PSpice's smooth `vswitch`",
    "w1 a b vin wm\n.model wm csw(it=1u)": "switch by amperes; PSpice's smooth `iswitch`",
    "x1 a b cell r=2k\n.subckt cell p n r=1k\nr1 p n {r}\n.ends": "subcircuit, to any depth, also `params:`",
}
CARDS = {
    ".param g=1u h={2*g}": "also `.params`, `.parameters`; names may be used before they are set",
    ".func f(x) {2*x}": "also `.function`",
    ".global vdd": "nodes of that name are one at every depth",
    ".op": "operating point",
    ".dc vin 0 1 0.5": "sweep of a source, a resistor, `temp`, a parameter, `model(key)`; as many as wanted",
    ".dc vin lin 3 0 1": "HSPICE: `lin`, `dec`, `oct`, `poi`, also behind `sweep`",
    ".dc vin list 0 0.3 1": "LTspice and PSpice",
    ".step param q list 1k 2k\n.param q=1k\nr1 a 0 {q}": "LTspice; also start stop step, `dec`, `oct`",
    ".tran 1n 5n": "with `uic`, a start, a largest step; LTspice's forms",
    ".ic v(a)=0.5": "where `.tran` begins, and states that are held",
    ".nodeset v(a)=0.5": "where Newton's method begins",
    ".temp 50": "degrees Celsius",
    ".options reltol=1e-4": "see the list below",
    ".if (1 > 0)\nr1 a 0 1k\n.elseif (0)\n.else\n.endif": "conditions of parameters, in subcircuits too",
    ".measure op m1 find v(a)": "see the forms below; also `.meas`",
    ".print v(a) i(r9)\nr9 a 0 1k": "what there is not by itself is added; also `.plot`, `.probe`",
    ".save v(a)": "in `.tran` nothing else is kept",
    ".control\nop\nprint v(a)\n.endc": "see the commands below",
    ".csparam q=1": "a parameter for `.control`",
    ".title something": "no number depends on it",
    ".end": "the end; nothing may follow",
}
MEASURES = {
    ".dc vin 0 1 0.1\n.measure dc m find v(out) at=0.3": "a quantity at a place of the sweep",
    ".dc vin 0 1 0.1\n.measure dc m find v(out) when v(a)=0.3": "when another crosses a value, or a third",
    ".dc vin 0 1 0.1\n.measure dc m when v(a)=0.3 cross=1": "where; `rise=`, `fall=`, `cross=` a number or `last`",
    ".dc vin 0 1 0.1\n.measure dc m deriv v(out) at=0.3": "slope, `at=` or `when`",
    ".dc vin 0 1 0.1\n.measure dc m max v(out) from=0.1 to=0.9": "also `min`, `pp`, `max_at`, `min_at`",
    ".dc vin 0 1 0.1\n.measure dc m avg v(out)": "also `rms`, `integ`, of the straight lines between points",
    ".dc vin 0 1 0.1\n.measure dc m trig v(a) val=0.2 rise=1 targ v(a) val=0.4 rise=1": "the way between two crossings",
    ".op\n.measure op k find v(a)\n.measure op m param='2*k'": "an expression of measures and parameters",
    ".dc vin 0 1 0.1\n.measure m max par('v(a)*2')": "of an expression; without an analysis, as LTspice writes it",
    ".measure ac m max v(out)": "",
    ".op\n.measure op m max v(a) goal=1": "",
}
COMMANDS = {
    "op": "", "dc vin 0 1 0.5": "", "tran 1n 5n": "",
    "run": "the analysis cards", "alter rin = 2k\nop": "an element, or a waveform: `alter @v1[sin] = [ 0 1 1k ]`",
    "altermod dm is = 1f\nop": "a model's parameter",
    "alterparam q = 2\nreset\nop": "from the next `reset` on", "reset": "also `mc_source`",
    "set temp = 50\nop": "", "option temp = 50\nop": "", "let x = 2": "", "define f(x) (2*x)": "",
    "foreach v 1 2\nalter vin = $v\nop\nend": "", "repeat 2\nop\nend": "",
    "let k = 0\nwhile k < 2\nlet k = k + 1\nop\nend": "", "let k = 0\ndowhile k < 2\nlet k = k + 1\nend": "",
    "if 1 > 0\nop\nelse\nend": "", "meas op m find v(a)": "", "quit": "also `exit`, `bye`",
    "print v(a)": "", "source other.cir": "", "while v(a) < 1\nop\nend": "",
}  # fmt: skip
NUMBERS = ("4k7", "4.7k", "2.5ek", "1M", "1MEG", "1MΩ", "1mil", "1d3", "1F", "1A", "1kohm", "10_000", "0x10")


def without_place(text: str) -> str:
    """Return what is said of a line without the line."""
    return re.sub(r"^x\.sp:(\d+: )?", "", text)


def solved(text: str) -> tuple[list[str], str]:
    """Return the notes of a netlist, and the error that it ends with, empty if it has an answer."""
    stream = StringIO(text)
    stream.name = "x.sp"
    try:
        answers = from_netlist(stream, "auto")
    except XbarsimError as error:
        return [], without_place(str(error))
    problems = answers.errors
    return [without_place(note) for note in answers.notes], "; ".join(map(without_place, problems))


def code(text: str) -> str:
    """Return a card's lines as Markdown."""
    return "<br>".join(f"`{line}`" for line in text.replace("|", "\\|").splitlines())


def escaped(text: str) -> str:
    """Return a text that neither ends a table's cell nor is marked up."""
    return re.sub(r"([|*_<])", r"\\\1", text)


def outcome(cards: str, text: str) -> str:
    """Return what came of cards among the circuit around, in the cell of a table."""
    notes, problem = solved(AROUND + cards + "\n")
    if problem:
        return f"**{'failed' if problem.startswith('.measure') else 'error'}**: {escaped(problem)}"
    said = (f"*{escaped(note.strip())}*" for note in notes if "no analysis is asked for" not in note)
    return " ".join([text, *said]).strip()


def examples(cards: dict[str, str], around: Callable[[str], str] = str) -> list[str]:
    """Return the rows of examples."""
    return [f"| {code(card)} | {outcome(around(card), text)} |" for card, text in cards.items()]


def in_control(commands: str) -> str:
    """Return commands in a block, with what they name."""
    diode = "d1 a b dm\n.model dm d(is=2f)\n" if "dm" in commands else ""
    return f"{diode}.param q=1\n.op\n.control\n{commands}\n.endc"


def number_row(text: str) -> str:
    """Return what a number is worth."""
    value = parse_number(text.lower())
    return f"| `{text}` | {outcome(f'r1 a b {text}', '') if value is None else f'{value:g}'} |"


def refused_cards() -> Iterable[str]:
    """Yield the rows of cards that other simulators have."""
    for card in sorted(NO_CARDS):
        yield f"| `{card}` | {outcome(card + ' x', '')} |"


def words(names: Iterable[str]) -> str:
    """Return names in a cell of a table."""
    return " ".join(f"`{name}`" for name in sorted(names)).replace("|", "\\|")


def parameter_rows() -> Iterable[str]:
    """Yield the parameters of models and elements."""
    for kind, names in MODEL_PARAMETERS.items():
        refused = ", ".join(f"`{key}` ({why})" for key, why in sorted(names.refused.items()))
        yield f"| `.model x {kind}` | {words(names.model)} | {words(names.memory)} | {refused} |"
    for letter, device in DEVICES.items():
        yield f"| `{letter}` | {words(device.parameters.device)} | | |"


@cache
def tables() -> dict[str, tuple[str, list[str]]]:
    """Return the page's tables by name: heading and rows."""
    plain, error = "| card | |", "| card | |"
    return {
        "elements": (plain, examples(ELEMENTS)),
        "no elements": (
            error, [f"| `{letter}1` | {outcome(f'{letter}1 a b 0', '')} |" for letter in sorted(NO_ELEMENTS)]
        ),
        "numbers": ("| as a value | |", [number_row(text) for text in NUMBERS]),
        "models": ("| | operating points depend on | `.tran` depends on | refused |", list(parameter_rows())),
        "cards": (plain, examples(CARDS)),
        "analyses": ("| card | |", [f"| `{card}` | {kind} |" for card, kind in sorted(ANALYSES.items())]),
        "output": ("| cards that are noted and ignored |", [f"| {words(OUTPUT)} |"]),
        "no cards": (error, list(refused_cards())),
        "options": ("| option | |", option_rows()),
        "functions": ("| where | functions |", [
            f"| in laws | {words(LAWS.functions)} |", f"| operators of laws, loosest first | {levels(LAWS.levels)} |",
            f"| in parameters | {words(PARAMETERS.functions)} |",
            f"| operators of parameters | {levels(PARAMETERS.levels)} |", f"| random | {words(RANDOM)} |",
        ]),
        "measures": (plain, examples(MEASURES)),
        "commands": ("| in `.control` | |", [*examples(COMMANDS, in_control), *other_commands()]),
    }  # fmt: skip


def levels(bindings: dict[str, int]) -> str:
    """Return operators from the loosest to the tightest."""
    groups: dict[int, list[str]] = {}
    for symbol, level in bindings.items():
        groups.setdefault(level, []).append("-x" if symbol == "*-x" else symbol)
    parts = (" ".join(f"`{symbol}`" for symbol in dict.fromkeys(group)) for _, group in sorted(groups.items()))
    return ", ".join(parts).replace("|", "\\|")


def option_rows() -> list[str]:
    """Return what ``.options`` knows."""
    return [
        f"| {words(OPTIONS)} | devices |",
        f"| {words(tolerances.TOLERANCES)} | integration in `.tran` |",
        "| `seed` | random draws |",
        f"| {words(tolerances.UNREAD)} | of transients elsewhere: noted there |",
        *(f"| `{name}` | {outcome(f'.options {name}=1', '')} |" for name in (*_ELSEWHERE, *_ADDS_ELEMENTS)),
        f"| any other | {outcome('.options itl1=100', '')} |",
    ]


def other_commands() -> list[str]:
    """Return what a block may have besides."""
    return [
        f"| {words(program.REQUESTS)} | asks for output |",
        f"| {words(program.OTHER_ANALYSES)} | left out with a note, as their cards are |",
        f"| {words(program.HARMLESS)} | taken, and nothing depends on it |",
    ]


def table(name: str) -> str:
    """Return a table of the page with its marks."""
    heading, rows = tables()[name]
    return "\n".join([f"<!-- {name} -->", heading, "|---" * (heading.count("|") - 1) + "|", *rows, "<!-- end -->"])


MARKED = re.compile(r"<!-- (?!end)([\w ]+) -->\n.*?<!-- end -->", re.S)


def with_tables(page: str) -> str:
    """Return a page with its tables written anew."""
    return MARKED.sub(lambda match: table(match[1]), page)


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(with_tables(text), "utf-8")
    sys.stdout.write("written\n" if with_tables(text) != text else "as it was\n")
