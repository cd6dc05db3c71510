"""What a Verilog-A source asks of its simulator that a compiled model silently does without.

Verilog-A's variables keep their values from one time point to the next. OpenVAF compiles models as if none did (OSDI's
specification, "Hidden State"): a variable that is read before it has a value starts at 0 or at its initial value at
each call, and ``@(initial_step)`` is run at each call. A state kept so is lost, with numbers that look like any others.

A variable has a value where every way through the analog block has assigned one, as for compilers' warnings of
variables that may be uninitialised. Loops are taken to run at least once, but ``while``. A value that
``@(initial_step)`` or a declaration gives counts where nothing else assigns that variable, and nothing of the circuit
is in it. What is assigned nowhere is 0, for every simulator. A function assigns what is its ``output``, and reads and
assigns its ``inout``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TIMED = ("$abstime", "$realtime", "absdelay", "transition", "slew", "last_crossing", "$random", "$arandom", "idtmod")
"""What depends on more than a point's voltages and state; a state that jumps back is none between bounds."""

_DRAWS = "$rdist_"
_TYPES = ("real", "integer", "string")
_DIRECTIONS = ("input", "output", "inout")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass
class _Finding:
    """What is known of a module's variables.

    Attributes
    ----------
    variables : set of str
    initial : dict of str to bool
        Variables that get a value at the first step alone, and whether the circuit's voltages are in it.
    assigned : set of str
        Variables that are assigned at every step.
    unready : list of str
        Variables read where they may have no value of this step, in order.
    functions : dict of str to list of str
        Of each function, what its arguments are: "input", "output" or "inout".
    """

    variables: set[str] = field(default_factory=set)
    initial: dict[str, bool] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    unready: list[str] = field(default_factory=list)
    functions: dict[str, list[str]] = field(default_factory=dict)


def hidden_variables(module: list[str]) -> list[str]:
    """Return the variables of a module's words that keep values between calls, in the order in which they are read."""
    finding = _Finding()
    blocks = _declared(module, finding)
    for block in blocks:
        _Walk(block, finding).statement(set())
    hidden = []
    for name in finding.unready:
        stays = name in finding.assigned or finding.initial.get(name, False)
        if stays and name not in hidden:
            hidden.append(name)
    return hidden


def timed_words(module: list[str]) -> list[str]:
    """Return the words of a module that ask for more than voltages and states."""
    return list(dict.fromkeys(word for word in module if word in TIMED or word.startswith(_DRAWS)))


def _declared(module: list[str], finding: _Finding) -> list[list[str]]:
    """Fill the module's variables; return its analog blocks, without ``analog``."""
    blocks, k = [], 0
    while k < len(module):
        word = module[k]
        if word == "analog" and module[k + 1 : k + 2] == ["function"]:
            end = module.index("endfunction", k)
            name, directions = _signature(module[k:end])
            finding.functions[name] = directions
            k = end + 1
        elif word == "analog":
            start = k + 2 if module[k + 1 : k + 2] == ["initial"] else k + 1
            end = _statement_end(module, start)
            block = module[start:end]
            blocks.append(["@", "(", "initial_step", ")", *block] if start == k + 2 else block)
            k = end
        elif word in _TYPES and module[k - 1] not in ("parameter", "localparam", "aliasparam"):
            k = _declare(module, k + 1, finding)
        else:
            k += 1
    return blocks


def _signature(words: list[str]) -> tuple[str, list[str]]:
    """Return the name and the arguments' directions of ``analog function real name; input a, b; output c; ...``."""
    first = words.index(";")
    directions: list[str] = []
    for k in range(first, len(words)):
        if words[k] in _DIRECTIONS and words[k - 1] == ";":
            names = words[k + 1 : words.index(";", k)]
            directions += [words[k]] * (1 + names.count(","))
    return words[first - 1], directions


def _declare(words: list[str], k: int, finding: _Finding) -> int:
    """Take in ``a, b = 2, c[0:3];``; return what is after it."""
    depth, fresh, name = 0, True, ""
    while k < len(words) and words[k] != ";":
        word = words[k]
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0 and word == ",":
            fresh = True
        elif fresh:
            name, fresh = word, False
            finding.variables.add(name)
        elif depth == 0 and word == "=":
            finding.initial[name] = False
        k += 1
    return k + 1


def _statement_end(words: list[str], k: int) -> int:
    """Return where the statement that begins at k ends."""
    walk = _Walk(words, _Finding(), k)
    walk.statement(set())
    return walk.k


class _Walk:
    """Goes through statements, with the variables that have values."""

    def __init__(self, words: list[str], finding: _Finding, k: int = 0) -> None:
        self.words = words
        self.finding = finding
        self.k = k
        self._first_step = False

    def statement(self, ready: set[str]) -> set[str]:
        """Go through a statement at which ``ready`` have values; return which have after it."""
        word = self._word()
        if word == "begin":
            return self._block(ready)
        if word == "if":
            return self._if(ready)
        if word in ("while", "repeat"):
            self.k += 1
            ready = self._condition(ready)
            after = self.statement(ready)
            return ready if word == "while" else after
        if word == "for":
            return self._for(ready)
        if word == "case":
            return self._case(ready)
        if word == "@":
            return self._event(ready)
        return self._simple(ready)

    def _word(self) -> str:
        return self.words[self.k] if self.k < len(self.words) else ""

    def _block(self, ready: set[str]) -> set[str]:
        self.k += 1
        if self._word() == ":":
            self.k += 2
        while self._word() not in ("end", ""):
            if self._word() in _TYPES:
                self.k = _declare(self.words, self.k + 1, self.finding)
            elif self._word() in ("parameter", "localparam", "genvar"):
                self.k = self._after_semicolon()
            else:
                ready = self.statement(ready)
        self.k += 1
        return ready

    def _if(self, ready: set[str]) -> set[str]:
        self.k += 1
        ready = self._condition(ready)
        then = self.statement(ready)
        if self._word() != "else":
            return ready
        self.k += 1
        return then & self.statement(ready)

    def _for(self, ready: set[str]) -> set[str]:
        self.k += 2
        start = self.k
        end = self._closing(start)
        first = self.words.index(";", start, end)
        second = self.words.index(";", first + 1, end)
        ready = self._assignment(start, first, ready)
        ready = self._read(first + 1, second, ready)
        self.k = end + 1
        ready = self.statement(ready)
        return self._assignment(second + 1, end, ready)

    def _case(self, ready: set[str]) -> set[str]:
        self.k += 1
        ready = self._condition(ready)
        ways, whole = [], False
        while self._word() not in ("endcase", ""):
            start = self.k
            if self._word() == "default":
                whole = True
                self.k += 1
                self.k += self._word() == ":"
            else:
                self.k = self._colon(start)
                self._read(start, self.k, ready)
                self.k += 1
            ways.append(self.statement(ready))
        self.k += 1
        return set.intersection(*ways) if ways and whole else ready

    def _event(self, ready: set[str]) -> set[str]:
        """Go through ``@(event) statement``: at the first step alone, or at times of its own."""
        self.k += 1
        start = self.k
        if self._word() == "(":
            self.k = self._closing(start + 1) + 1
        else:
            self.k += 1
        outer, self._first_step = self._first_step, "initial_step" in self.words[start : self.k]
        self.statement(ready)
        self._first_step = outer
        return ready

    def _simple(self, ready: set[str]) -> set[str]:
        """Go through an assignment, a contribution or a task, up to its semicolon."""
        start = self.k
        end = self._after_semicolon() - 1
        self.k = end + 1
        return self._assignment(start, end, ready)

    def _assignment(self, start: int, end: int, ready: set[str]) -> set[str]:
        """Go through words that assign, or only read; return which variables have values then."""
        sign = self._sign(start, end)
        name = self.words[start] if start < end else ""
        if sign < 0 or name not in self.finding.variables:
            return self._read(start, end, ready)
        ready = self._read(start + 1, sign, ready)
        ready = self._read(sign + 1, end, ready)
        return self._assign(name, sign, end, ready)

    def _assign(self, name: str, start: int, end: int, ready: set[str]) -> set[str]:
        """Take in that a variable gets a value by the words from start to end."""
        if self._first_step:
            of_circuit = any(self.words[k + 1] == "(" and self.words[k] in ("V", "I") for k in range(start, end - 1))
            self.finding.initial[name] = self.finding.initial.get(name, False) or of_circuit
            return ready
        self.finding.assigned.add(name)
        return ready | {name}

    def _read(self, start: int, end: int, ready: set[str]) -> set[str]:
        """Go through an expression; return which variables have values after it, those too that functions assign."""
        assigned = [
            (place, direction)
            for k in range(start, end - 1)
            for place, direction in self._arguments(k)
            if direction != "input" and self.words[place] in self.finding.variables
        ]
        outputs = {place for place, direction in assigned if direction == "output"}
        for k in range(start, end):
            # What is read at the first step is what others assign there too, or nothing.
            fresh = self._first_step or self.words[k] not in self.finding.variables or self.words[k] in ready
            if not fresh and k not in outputs:
                self.finding.unready.append(self.words[k])
        for place, _ in assigned:
            ready = self._assign(self.words[place], start, end, ready)
        return ready

    def _arguments(self, k: int) -> list[tuple[int, str]]:
        """Return where the arguments of a function called at k begin, and what they are; none where none is called."""
        directions = self.finding.functions.get(self.words[k], [])
        if not directions or self.words[k + 1] != "(":
            return []
        places, depth = [k + 2], 0
        for j in range(k + 2, self._closing(k + 2)):
            depth += (self.words[j] in _OPENING) - (self.words[j] in _CLOSING)
            if depth == 0 and self.words[j] == ",":
                places.append(j + 1)
        return list(zip(places, directions, strict=False))

    def _condition(self, ready: set[str]) -> set[str]:
        """Go through ``(...)``."""
        end = self._closing(self.k + 1)
        ready = self._read(self.k + 1, end, ready)
        self.k = end + 1
        return ready

    def _closing(self, start: int) -> int:
        """Return where the bracket closes that was opened right before ``start``."""
        depth = 1
        for k in range(start, len(self.words)):
            depth += (self.words[k] in _OPENING) - (self.words[k] in _CLOSING)
            if depth == 0:
                return k
        return len(self.words)

    def _sign(self, start: int, end: int) -> int:
        """Return where the ``=`` of an assignment is, -1 where there is none."""
        depth = 0
        for k in range(start, end):
            depth += (self.words[k] in _OPENING) - (self.words[k] in _CLOSING)
            if depth == 0 and self.words[k] == "=":
                return k
        return -1

    def _colon(self, start: int) -> int:
        """Return where the colon after a case's values is."""
        depth, choices = 0, 0
        for k in range(start, len(self.words)):
            depth += (self.words[k] in _OPENING) - (self.words[k] in _CLOSING)
            choices += self.words[k] == "?"
            if depth == 0 and self.words[k] == ":":
                if choices == 0:
                    return k
                choices -= 1
        return len(self.words)

    def _after_semicolon(self) -> int:
        try:
            return self.words.index(";", self.k) + 1
        except ValueError:
            return len(self.words)
