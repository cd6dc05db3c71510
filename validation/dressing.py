"""A drawn circuit as netlist text, in habits of ngspice, HSPICE and LTspice users that both readers know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from drawing import GROUND, Drawn, Element, Instance, Scope
from netlist_habits import FACTORS, NODE_NAMES, SUFFIXES, UNITS


@dataclass
class Dress:
    """One netlist's habits, drawn when its text is made."""

    rng: np.random.Generator
    drawn: Drawn
    habit: dict[str, bool] = field(default_factory=dict)
    case: str = "lower"
    names: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    kinds: tuple[str, ...] = ("op",)
    span: float = 1e-3
    files: dict[str, str] = field(default_factory=dict)
    at_top: bool = True

    def text(self) -> str:
        """Return the netlist."""
        rng = self.rng
        choices = [("op",), ("dc",), ("op", "dc")] if self.drawn.memory else [("op",), ("dc",), ("op", "dc"), ("tran",)]
        self.kinds = choices[int(rng.integers(len(choices)))]
        self.span = float(10 ** rng.uniform(-9, 0))
        self.habit = {
            name: rng.random() < share
            for name, share in (
                ("expressions", 0.6), ("continued", 0.4), ("inline comments", 0.4), ("comment lines", 0.4),
                ("commas", 0.2), ("parentheses", 0.2), ("tabs", 0.2), ("hspice", 0.3), ("dc", 0.5), ("m", 0.1),
                ("odd numbers", 0.5), ("odd names", 0.5), ("forward", 0.6), ("functions", 0.3), ("indent", 0.2),
            )
        }  # fmt: skip
        self.case = str(rng.choice(["lower", "upper", "mixed"]))
        top = self.drawn.top
        top.parameters = [f"g{k}_{int(rng.integers(100))}" for k in range(int(rng.integers(1, 5)))]
        if not self.habit["expressions"]:
            top.parameters = []
        blocks = self._body(top, [])
        if self.drawn.globals:
            blocks.append([".global " + " ".join(self._node(n) for n in self.drawn.globals)])
        blocks += [[self._analysis(kind)] for kind in self.kinds]
        blocks += [[card] for card in self._idle()]
        order = rng.permutation(len(blocks)) if rng.random() < 0.7 else np.arange(len(blocks))
        lines = [line for k in order for line in blocks[int(k)]]
        lines = [line if line.lower().startswith((".inc", ".lib")) else self._line(line) for line in lines]
        title = str(rng.choice(["* a circuit", "R1 a 0 5", "a title", ".title of a kind", "V1 1 0 DC 3 ; no comment"]))
        lines = [title, *lines]
        if rng.random() < 0.7:
            lines.append(self._cased(".end"))
        end = "\r\n" if rng.random() < 0.15 else "\n"
        return end.join("\n".join(lines).split("\n")) + (end if rng.random() < 0.9 else "")

    # Scopes

    def _body(self, scope: Scope, above: list[str]) -> list[list[str]]:
        """Return blocks of cards that may stand in any order."""
        rng = self.rng
        functions = self._functions() if not above and self.habit["functions"] and scope.parameters else []
        if above and self.habit["expressions"] and rng.random() < 0.4:
            scope.parameters = [f"l{k}" for k in range(int(rng.integers(1, 3)))]
        local = [*scope.defaults, *scope.parameters]
        parameters = [p for p in above if p not in local] + local
        blocks = [[card] for card in functions] + self._parameter_cards(
            scope.parameters, [p for p in [*above, *scope.defaults] if p not in scope.parameters]
        )
        for k, element in enumerate(scope.elements):
            element.name = f"{element.letter}{self._tag(k)}"
        self.at_top = not scope.ports
        blocks += [[self._element(element, parameters)] for element in scope.elements]
        for k, instance in enumerate(scope.instances):
            instance.name = f"X{self._tag(k)}"
        blocks += [[self._instance(instance, parameters)] for instance in scope.instances]
        for sub in scope.subcircuits:
            block = self._subcircuit(sub, parameters)
            blocks.append(self._elsewhere(block) if not above and scope.name == "" and rng.random() < 0.2 else block)
        return blocks

    def _subcircuit(self, sub: Scope, above: list[str]) -> list[str]:
        rng = self.rng
        ports = " ".join(self._node(n) for n in sub.ports)
        keyword = "params: " if sub.defaults and rng.random() < 0.3 else ""
        defaults = " ".join(self._equals(p, self._default(p, sub, above)) for p in sub.defaults)
        blocks = self._body(sub, above)
        inner = [line for k in rng.permutation(len(blocks)) for line in blocks[int(k)]]
        close = ".ends" if rng.random() < 0.4 else f".ends {sub.name}"
        return [f".subckt {sub.name} {ports} {keyword}{defaults}".rstrip(), *inner, close]

    def _default(self, name: str, sub: Scope, above: list[str]) -> str:
        """A number, or an expression of the caller's parameters and of those further on in the same card."""
        rng = self.rng
        # An l may be the .param inside that is set from this one.
        names_allowed = [p for p in above if p not in sub.defaults and not p.startswith("l")]
        names_allowed += sub.defaults[sub.defaults.index(name) + 1 :]
        if self.habit["expressions"] and names_allowed and rng.random() < 0.2:
            return self._quoted(f"0.5+{rng.choice(names_allowed)}/4")
        return self._literal(rng.uniform(0.5, 2), "")

    def _elsewhere(self, block: list[str]) -> list[str]:
        """Move a block into a file of its own, or into a library's section."""
        rng = self.rng
        name = f"{'lib' if rng.random() < 0.5 else 'inc'}{len(self.files)}.sub"
        lines = [line for card in block for line in self._line(card).split("\n")]
        quote = str(rng.choice(["", "'", '"']))
        if name.startswith("inc"):
            self.files[name] = "\n".join(["* included", *lines, ""])
            return [f"{rng.choice(['.include', '.inc', '.INCLUDE'])} {quote}{name}{quote}"]
        second = [".lib other", "R_other_1 a b 1", ".endl"]
        mine = [".lib mine", *lines, str(rng.choice([".endl", ".endl mine"]))]
        sections = [*mine, *second] if rng.random() < 0.5 else [*second, *mine]
        self.files[name] = "\n".join(["* a library", *sections, ""])
        return [f".lib {quote}{name}{quote} {rng.choice(['mine', 'MINE'])}"]

    def _parameter_cards(self, names: list[str], above: list[str]) -> list[list[str]]:
        rng = self.rng
        parameters = list(above)
        cards = []
        for name in names:
            value = self._literal(rng.uniform(0.5, 2), "")
            if parameters and rng.random() < 0.4:
                first, second = (str(p) for p in rng.choice(parameters, 2))
                value = self._quoted(f"0.5+({first}+{second})/8")
            cards.append(f".param {self._equals(name, value)}")
            parameters.append(name)
        if len(cards) > 1 and rng.random() < 0.3:
            first, second = cards[:2]
            cards[:2] = [first + " " + second.removeprefix(".param ")]
        if self.habit["forward"]:
            cards = cards[::-1]
        return [cards] if cards else []

    def _functions(self) -> list[str]:
        self.functions = ["fa({p})", "fb({p},{q})"]
        form = str(self.rng.choice([".func {} {{{}}}", ".func {}={{{}}}", ".func {}='{}'", ".param {}={{{}}}"]))
        return [form.format("fa(x)", "1+x/3"), form.format("fb(x,y)", "x*y/(x+y)")]

    # Cards

    def _element(self, element: Element, parameters: list[str]) -> str:
        rng, letter = self.rng, element.letter
        nodes = self._nodes(element.nodes)
        if letter in "EG":
            control = [self._node(n) for n in element.control]
            between = ", " if self.habit["parentheses"] and rng.random() < 0.3 else " "
            text = between.join(control)
            text = f"({text})" if between == ", " or (self.habit["parentheses"] and rng.random() < 0.3) else text
            return f"{element.name} {nodes} {self._gain(text, element, parameters, nodes)}"
        if letter in "FH":
            return f"{element.name} {nodes} {self._gain(element.control.name, element, parameters, nodes)}"
        if letter in "VI":
            return f"{element.name} {nodes} {self._source(element, parameters)}"
        value = self._value(element.value, parameters, letter)
        tail = ""
        if letter == "R":
            if self.habit["hspice"] and rng.random() < 0.5:
                value = f"{rng.choice(['R', 'r', 'R '])}={value}"
            if self.habit["m"] and rng.random() < 0.3:
                tail = str(rng.choice([" m=2", " M = 3", " ac=1k", " noisy=0", " m={2}"]))
        elif rng.random() < 0.3:
            value = str(rng.choice([f"{letter}={value}", f"{value} ic=0.1"]))
        return f"{element.name} {nodes} {value}{tail}"

    def _gain(self, control: str, element: Element, parameters: list[str], nodes: str) -> str:
        rng, letter = self.rng, element.letter
        value = self._value(element.value, parameters, letter)
        if self.at_top and "(" not in nodes + control and value[0] not in "{'" and rng.random() < 0.1:
            # In a subcircuit, beside parentheses, an expression or m= ngspice takes the word for a node.
            return {"E": "VCVS", "F": "CCCS", "G": "VCCS", "H": "CCVS"}[letter] + f" {control} {value}"
        if letter in "FG" and not self.habit["odd names"] and rng.random() < 0.1:
            # Of a polynomial E or H ngspice makes a device of another name; brackets are its own there.
            return f"{rng.choice(['POLY(1)', 'poly(1)'])} {control} 0 {float(element.value)!r}"
        tail = " m=2" if letter in "FG" and self.habit["m"] and rng.random() < 0.3 else ""
        return f"{control} {value}{tail}"

    def _source(self, element: Element, parameters: list[str]) -> str:
        rng = self.rng
        value = self._value(element.value, parameters, element.letter)
        if self.habit["dc"] and rng.random() < 0.6:
            value = str(rng.choice(["DC {}", "dc {}", "DC={}", "DC = {}"])).format(value)
        if rng.random() < 0.1:
            value += str(rng.choice([" AC 1", " ac 1 0", " AC 0.5 90"]))
        if element.wave and rng.random() < (0.7 if "tran" in self.kinds else 0.1):
            wave = self._wave(element.value)
            value = wave if rng.random() < 0.5 else f"{value} {wave}"
        return value

    def _wave(self, size: float) -> str:
        """A waveform whose times are about the length of the sequence."""
        rng, span = self.rng, self.span

        def t(low: float, high: float) -> str:
            return self._literal(span * rng.uniform(low, high), "")

        def v() -> str:
            return self._literal(size * rng.uniform(-1.5, 1.5), "")

        kind = str(rng.choice(["pwl", "pulse", "sin", "exp"]))
        if kind == "pwl":
            times = np.sort(rng.uniform(0.02, 1.2, int(rng.integers(1, 6)))) + np.arange(1, 6)[:1] * 0
            times = [0.0, *np.maximum.accumulate(times + 0.02 * np.arange(times.size))]
            words = [w for time in times for w in (self._literal(span * time, ""), v())]
        elif kind == "pulse":
            words = [v(), v(), t(0, 0.3), t(0.01, 0.1), t(0.01, 0.1), t(0.1, 0.3), t(0.6, 0.9)]
            words = words[: int(rng.integers(3, 8))]
        elif kind == "sin":
            frequency = self._literal(rng.uniform(0.5, 4) / span, "")
            words = [v(), v(), frequency, t(0, 0.3), self._literal(rng.uniform(0, 2) / span, ""), "30"]
            words = words[: int(rng.integers(3, 7))]
        else:
            words = [v(), v(), t(0, 0.3), t(0.05, 0.2), t(0.4, 0.6), t(0.05, 0.2)]
        between = ", " if rng.random() < 0.3 else " "
        name = self._cased(kind)
        text = between.join(words)
        return f"{name}({text})" if rng.random() < 0.8 else f"{name} ( {text} )"

    def _instance(self, instance: Instance, parameters: list[str]) -> str:
        rng = self.rng
        nodes = " ".join(self._node(n) for n in instance.nodes)
        keyword = "params: " if instance.parameters and rng.random() < 0.3 else ""
        settings = []
        for name in instance.parameters:
            value = self._literal(rng.uniform(0.5, 2), "")
            if parameters and rng.random() < 0.4:
                value = self._quoted(f"0.5+{rng.choice(parameters)}/4")
            settings.append(self._equals(name, value))
        return f"{instance.name} {nodes} {instance.sub.name} {keyword}{' '.join(settings)}".rstrip()

    def _analysis(self, kind: str) -> str:
        rng = self.rng
        swept = [source for source in self.drawn.top.elements if source.letter in "VI" and source.wave]
        if kind == "tran":
            step = self.span / rng.uniform(8, 40)
            times = [self._literal(second, "") for second in (step, self.span, rng.uniform(0, 0.5) * self.span, step)]
            return " ".join([".tran", *times[: int(rng.choice([2, 2, 3, 4]))]])
        if kind == "op" or not swept:
            return ".op"
        words = [".dc"]
        for k in rng.permutation(len(swept))[: int(rng.integers(1, 3))]:
            source, steps = swept[int(k)], int(rng.integers(1, 11))
            start = source.value * rng.uniform(-1, 1)
            step = source.value * rng.choice([0.1, 0.25, 0.3, 1 / 3, rng.uniform(0.05, 0.5)]) * rng.choice([-1, 1])
            stop = start + step * (steps + rng.choice([0, 0, 0, 0.3, 0.7]))
            words += [source.name, *(self._literal(value, "") for value in (start, stop, step))]
        return " ".join(words)

    def _idle(self) -> list[str]:
        """Cards that change no number."""
        rng = self.rng
        cards = [".options reltol=1e-4", ".temp 27", ".option noacct", ".save all", ".width out=132"]
        return [card for card in cards if rng.random() < 0.06]

    # Words

    def _tag(self, k: int) -> str:
        forms = ["{}", "{}", "_{}", "c[{}]", "x{}y", "{}.1"] if self.habit["odd names"] else ["{}"]
        return str(self.rng.choice(forms)).format(k)

    def _node(self, name: str) -> str:
        if name == GROUND:
            return str(self.rng.choice(["0", "0", "0", "gnd", "GND", "Gnd"]))
        if name not in self.names:
            k = len(self.names) + 1
            form = str(self.rng.choice(NODE_NAMES)) if self.habit["odd names"] else "n{k}"
            self.names[name] = form.format(k=k)
        return self._cased(self.names[name])

    def _nodes(self, nodes: list[str]) -> str:
        rng = self.rng
        words = [self._node(n) for n in nodes]
        between = ", " if self.habit["commas"] and rng.random() < 0.5 else " "
        text = between.join(words)
        return f"({text})" if self.habit["parentheses"] and rng.random() < 0.5 else text

    def _equals(self, name: str, value: str) -> str:
        return f"{self._cased(name)}{self.rng.choice(['=', '=', ' = ', '= '])}{value}"

    def _quoted(self, text: str) -> str:
        return "{" + text + "}" if self.rng.random() < 0.5 else f"'{text}'"

    def _value(self, value: float, parameters: list[str], letter: str) -> str:
        rng = self.rng
        if parameters and rng.random() < 0.4:
            p, q = (str(name) for name in rng.choice(parameters, 2))
            form = str(rng.choice(FACTORS + 3 * self.functions))
            number = self._literal(value, "")
            return self._quoted(f"{number}*({form.format(p=p, q=q)})")
        if self.habit["expressions"] and rng.random() < 0.05:
            return self._quoted(f"{self._literal(value, '')} * 2/ 2")
        return self._literal(value, letter)

    def _literal(self, value: float, letter: str) -> str:
        """A number; without a letter, one that an expression may hold too."""
        rng = self.rng
        digits = int(rng.integers(2, 9))
        choice = int(rng.integers(8 if self.habit["odd numbers"] else 3))
        if value == 0:
            return str(rng.choice(["0", "0.0", "0e0", ".0"]))
        if choice in (0, 7):
            return repr(float(value))
        if choice == 1:
            return f"{value:.{digits}g}"
        if choice == 2 or not letter:
            return self._suffixed(value, digits, letter)
        if choice == 3:
            mantissa, exponent = f"{value:.{digits}e}".split("e")
            # ngspice stops at the sign of a d's exponent.
            letters = ["e", "E", "d", "D"] if letter == "R" and int(exponent) >= 0 else ["e", "E"]
            return (
                f"{mantissa}{rng.choice(letters)}{int(exponent) if rng.random() < 0.5 or letter == 'R' else exponent}"
            )
        if choice == 4 and 1 <= abs(value) < 1e13:
            suffix = max((s for s in ("k", "meg", "g") if abs(value) >= SUFFIXES[s]), key=SUFFIXES.get, default="")
            if suffix:
                return f"{int(value / SUFFIXES[suffix])}{self._cased(suffix)}{int(rng.integers(1, 10))}"
            return f"{int(value)}."
        if choice == 5 and letter == "R":
            return f"{value / 2.54e-5:.{digits}g}{self._cased('mil')}"
        if choice == 6 and value > 0:
            return f"+{value:.{digits}g}"
        return self._suffixed(value, digits, letter)

    def _suffixed(self, value: float, digits: int, letter: str) -> str:
        rng = self.rng
        fitting = [s for s, scale in SUFFIXES.items() if 0.05 <= abs(value) / scale < 5e4]
        suffix = str(rng.choice(fitting)) if fitting else ""
        text = f"{value / SUFFIXES[suffix]:.{digits}g}{self._cased(suffix)}"
        unit = str(rng.choice(UNITS[letter])) if letter in UNITS and rng.random() < 0.3 else ""
        # 1F is a femto, and no unit may make another suffix.
        if "e" in text.lower().replace("meg", "") or (not suffix and unit[:1].lower() in "tgkmunpf"):
            unit = ""
        return text + unit

    def _cased(self, text: str) -> str:
        if self.case == "upper":
            return text.upper()
        if self.case == "mixed":
            return "".join(c.upper() if up else c for c, up in zip(text, self.rng.random(len(text)) < 0.4, strict=True))
        return text

    # Lines

    def _line(self, card: str) -> str:
        rng = self.rng
        if self.case != "lower":
            card = self._recased(card)
        if self.habit["tabs"] and rng.random() < 0.5:
            card = card.replace(" ", "\t", int(rng.integers(1, 4)))
        if self.habit["continued"] and rng.random() < 0.3:
            card = self._continued(card)
        if self.habit["indent"] and rng.random() < 0.3:
            card = "  " + card
        if self.habit["inline comments"] and rng.random() < 0.25:
            card += str(rng.choice(["  ; note", " $ R1 a b", " ; it's {odd", "\t; x", " $ end"]))
        if self.habit["comment lines"] and rng.random() < 0.15:
            card += "\n" + str(rng.choice(["* R9 a b 1k", "*", "", "   ", "*.end", "* it's"]))
        return card

    def _recased(self, card: str) -> str:
        """Turn letters; file names are none here."""
        if self.case == "upper" and self.rng.random() < 0.8:
            return card.upper()
        return "".join(
            c.swapcase() if flip else c for c, flip in zip(card, self.rng.random(len(card)) < 0.15, strict=True)
        )

    def _continued(self, card: str) -> str:
        """Break at blanks that stand outside quotes, braces and parentheses."""
        rng = self.rng
        depth, quoted, places = 0, False, []
        for at, c in enumerate(card):
            depth += (c in "({") - (c in ")}")
            quoted ^= c == "'"
            if c in " \t" and depth == 0 and not quoted and at > 0:
                places.append(at)
        if not places:
            return card
        for at in sorted({int(k) for k in rng.choice(places, int(rng.integers(1, 3)))}, reverse=True):
            between = str(rng.choice(["\n+ ", "\n+", "\n  + ", "\n* note\n+ ", "\n\n+ "], p=[0.5, 0.2, 0.1, 0.1, 0.1]))
            card = card[:at] + between + card[at + 1 :]
        return card
