"""A compiled model set up as a cell: two terminals, and at most one inner node, which is a state."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.kernels import compact_laws
from xbarsim.kernels.compact_laws import BIT, GROUND, NOWHERE, STATE, WORD, CompactCell, CompactLaws
from xbarsim.veriloga.osdi_library import (
    INTEGER,
    REAL,
    STRING,
    Description,
    ModelParameter,
    OsdiModule,
    SetUpResult,
    SimulatorParameters,
    Situation,
    errors_of,
)  # fmt: skip

Array = NDArray[np.float64]
Block = NDArray[np.uint8]
Value = float | int | str

SIMULATOR = {"gmin": 1e-12, "tnom": 27.0, "scale": 1.0, "shrink": 0.0, "sourceScaleFactor": 1.0}
"""What ``$simparam`` gives, as SPICE has them; of other names the model's own default counts."""

_ALIGNED = 64
_VOLTS = (0.1, -0.37)
_SHIFT = 0.25
_AGREE = 1e-9
_STEP = 1e-4


class CompactModel:
    """A model whose parameters are set; its laws are native functions.

    Parameters
    ----------
    module : OsdiModule
    values : mapping of str to Value
        Parameters that all cells share; the others have their defaults.
    of_cells : sequence of (str, bool)
        Parameters of which each cell has its own value, in the order in which laws take them, and whether the model
        takes 1 over that. Their defaults stand for them until then.
    temperature : float
        Kelvin.
    bounds : (float, float) or None
        Between which the state is.
    ranges : mapping of str to str
        What the source says of parameters' values, for messages.

    Attributes
    ----------
    state : str
        The name of the node that is a state; empty where there is none.
    laws : CompactLaws

    Raises
    ------
    InputError
        The model has other than two terminals, more than a state inside, a charge at its terminals, currents that do
        not balance or that depend on more than a difference; a parameter is unknown, of another type or out of range;
        or the model itself gives up.
    """

    def __init__(
        self,
        module: OsdiModule,
        values: Mapping[str, Value],
        of_cells: Sequence[tuple[str, bool]],
        temperature: float,
        bounds: tuple[float, float] | None,
        ranges: Mapping[str, str],
    ) -> None:
        self.module = module
        self._c: Description = module.c
        self._values = dict(values)
        self._ranges = ranges
        self._temperature = temperature
        if module.terminals != 2:
            names = ", ".join(node.name for node in module.nodes[: module.terminals])
            raise InputError(
                f"the Verilog-A model {module.name} has {module.terminals} terminals ({names}): "
                "a cell has 2, one at the word line and one at the bit line"
            )
        self._names = (ctypes.c_char_p * (len(SIMULATOR) + 1))(*(name.encode() for name in SIMULATOR), None)
        self._numbers = (ctypes.c_double * len(SIMULATOR))(*SIMULATOR.values())
        self._no_names = (ctypes.c_char_p * 1)(None)
        self._texts: list[Any] = []
        self._model, self._instance = self._set_up({})
        self._places = self._placed()
        self.state = next((module.nodes[k].name for k, place in enumerate(self._places) if place == STATE), "")
        self._check_charges()
        self._point_at_scratch()
        self._check_points(bounds)
        self.laws = CompactLaws(self._cell(of_cells, self._bend(bounds)), bool(self.state))

    def check_values(self, values: Mapping[str, float]) -> None:
        """Check values that a cell has of its own.

        Raises
        ------
        InputError
            One is out of the range that the model gives, or it makes other nodes one.
        """
        _, instance = self._set_up(values)
        first, count = self._c.collapsed_offset, len(self.module.collapsible)
        if (instance[first : first + count] != self._instance[first : first + count]).any():
            several = ", ".join(f"{name} {value:g}" for name, value in values.items())
            raise InputError(
                f"the Verilog-A model {self.module.name} joins other nodes where {several} than where they are its "
                "defaults: all cells have the same nodes"
            )

    def _set_up(self, of_cell: Mapping[str, float]) -> tuple[Block, Block]:
        """Return blocks of a model and of an instance with all parameters, and what the model derives of them."""
        c, values = self._c, {**self._values, **of_cell}
        model, instance = _block(c.model_size), _block(c.instance_size)
        for name, value in values.items():
            entry = self.module.parameter(name)
            assert entry is not None  # whoever gives parameters looks them up
            self._put(entry, value, model, instance)
        result = SetUpResult()
        simulator, answer = ctypes.byref(self._simulator()), ctypes.byref(result)
        _function(c.setup_model, None, *[ctypes.c_void_p] * 4)(None, _start(model), simulator, answer)
        self._check_result(result, values)
        signature = (*[ctypes.c_void_p] * 3, ctypes.c_double, ctypes.c_uint32, *[ctypes.c_void_p] * 2)
        set_up = _function(c.setup_instance, None, *signature)
        set_up(None, _start(instance), _start(model), self._temperature, 2, simulator, answer)
        self._check_result(result, values)
        return model, instance

    def _put(self, entry: ModelParameter, value: Value, model: Block, instance: Block) -> None:
        c = self._c
        flags = compact_laws.SET | (compact_laws.OF_INSTANCE if entry.of_instance else 0)
        access = _function(c.access, ctypes.c_void_p, *[ctypes.c_void_p] * 2, *[ctypes.c_uint32] * 2)
        place = access(_start(instance), _start(model), entry.number, flags)
        if entry.type == STRING:
            self._texts.append(ctypes.c_char_p(str(value).encode()))
            ctypes.c_void_p.from_address(place).value = ctypes.cast(self._texts[-1], ctypes.c_void_p).value
        elif entry.type == INTEGER:
            ctypes.c_int32.from_address(place).value = int(value)
        else:
            ctypes.c_double.from_address(place).value = float(value)

    def _check_result(self, result: SetUpResult, values: Mapping[str, Value]) -> None:
        if result.flags & compact_laws.FATAL:
            raise InputError(self._gave_up("while it was set up"))
        for number in errors_of(result):
            entry = next(entry for entry in self.module.parameters if entry.number == number)
            value = values.get(entry.name, "its default")
            text = f"{value:g}" if isinstance(value, float | int) else str(value)
            limits = self._ranges.get(entry.name, "")
            allowed = f"the model says {limits}" if limits else "the model does not take that"
            raise InputError(f"{entry.name} is {text}: {allowed}")

    def _gave_up(self, when: str) -> str:
        message = next(iter(self.module.library.messages), "")
        return f"the Verilog-A model {self.module.name} gave up {when}" + (f": {message}" if message else "")

    def _placed(self) -> list[int]:
        """Return the place of each node, after parameters made some nodes one.

        Raises
        ------
        InputError
            There are nodes inside that are no state, or several.
        """
        c, nodes = self._c, self.module.nodes
        group = [*range(len(nodes)), len(nodes)]  # the last is ground
        for k, (first, second) in enumerate(self.module.collapsible):
            if self._instance[c.collapsed_offset + k]:
                old, new = group[first], group[len(nodes) if second is None else second]
                group = [new if entry == old else entry for entry in group]
        if group[0] == group[1]:
            raise InputError(f"the Verilog-A model {self.module.name} joins its terminals, with these parameters")
        places = {group[len(nodes)]: GROUND} | {group[0]: WORD, group[1]: BIT}
        if len(places) < 3:
            raise InputError(f"the Verilog-A model {self.module.name} ties a terminal to ground: a cell is between two")
        inner = [name for name in dict.fromkeys(group) if name not in places]
        names = ", ".join(nodes[k].name for k in inner)
        if len(inner) > 1:
            flows = [nodes[k].name for k in inner if nodes[k].is_flow]
            hint = f"; {flows[0]} is a current that the source reads: read a variable that holds it" if flows else ""
            raise InputError(
                f"the Verilog-A model {self.module.name} has {len(inner)} unknowns inside ({names}): a cell has one at "
                "most, its state; write I(x) <+ ddt(V(x)) - f for it, I(p, n) <+ ... for the current, and variables "
                f"for the rest{hint}"
            )
        if inner and not nodes[inner[0]].has_charge:
            raise InputError(
                f"the Verilog-A model {self.module.name} has the inner node {names} without a ddt() of its own: "
                "only a state may be inside; write the current of the two terminals without it"
            )
        places |= dict.fromkeys(inner, STATE)
        return [places[group[k]] for k in range(len(nodes))]

    def _check_charges(self) -> None:
        """Check that nothing but a state's own charge depends on time.

        Raises
        ------
        InputError
            A terminal has a charge, or a state's depends on the cell's voltage.
        """
        for entry in self.module.entries:
            row, column = self._places[entry.row], self._places[entry.column]
            if not entry.has_charge or row == GROUND:
                continue
            if row == WORD or (row == BIT and not self.state):
                raise InputError(
                    f"the Verilog-A model {self.module.name} has a charge at its terminals, a ddt() in their current: "
                    "a cell has a current alone; leave it out, and give the crossbar the capacitance"
                )
            if column == WORD:
                raise InputError(
                    f"the Verilog-A model {self.module.name} has a state whose ddt() depends on the cell's voltage: "
                    "a cell's state moves by a function of voltage and state"
                )

    def _point_at_scratch(self) -> None:
        """Tell the instance where unknowns are, and where its slopes go when it is tried."""
        c, start = self._c, _start(self._instance)
        self._slopes, self._capacitances = np.zeros((2, 4, 4))
        self._states = np.zeros(max(c.state_count, 1))
        for k, place in enumerate(self._places):
            ctypes.c_uint32.from_address(start + c.places_offset + 4 * k).value = place
        for k in range(c.state_count):
            ctypes.c_uint32.from_address(start + c.states_offset + 4 * k).value = k
        for k, entry in enumerate(self.module.entries):
            place = 8 * (4 * self._places[entry.row] + self._places[entry.column])
            ctypes.c_uint64.from_address(start + c.slopes_offset + 8 * k).value = _start(self._slopes) + place
            if entry.charge_offset != NOWHERE:
                target = ctypes.c_uint64.from_address(start + entry.charge_offset)
                target.value = _start(self._capacitances) + place

    def _try(self, volts: float, low: float, x: float) -> tuple[Array, Array, float]:
        """Return currents into nodes, their slopes, and the state's Q', with the terminals at ``low + volts`` and low.

        Raises
        ------
        InputError
            The model gives up.
        """
        c = self._c
        instance, model = _start(self._instance), _start(self._model)
        unknowns = np.array([low + volts, low, x, 0.0])
        self._slopes[:], self._capacitances[:] = 0.0, 0.0
        situation = Situation(self._simulator(), 0.0, _start(unknowns), _start(self._states), _start(self._states), 0)
        situation.flags = compact_laws.EVALUATION
        evaluate = _function(c.evaluate, ctypes.c_uint32, *[ctypes.c_void_p] * 4)
        if evaluate(None, instance, model, ctypes.byref(situation)) & compact_laws.FATAL:
            raise InputError(self._gave_up(f"at {volts:g} V"))
        currents = np.zeros(4)
        _function(c.load_currents, None, *[ctypes.c_void_p] * 3)(instance, model, _start(currents))
        _function(c.load_slopes, None, *[ctypes.c_void_p] * 2)(instance, model)
        _function(c.load_capacitances, None, *[ctypes.c_void_p] * 2, ctypes.c_double)(instance, model, 1.0)
        return currents, self._slopes.copy(), float(self._capacitances[STATE, STATE])

    def _check_points(self, bounds: tuple[float, float] | None) -> None:
        """Check at some points that the current is between the terminals, and of their difference.

        Raises
        ------
        InputError
            It is not.
        """
        middle = 0.5 * sum(bounds) if bounds else 0.5
        for volts in (0.0, *_VOLTS):
            currents, _, _ = self._try(volts, 0.0, middle)
            into, back = currents[WORD], currents[BIT]
            if not np.isfinite(currents).all():
                continue  # the law says where, if a solution leads there
            room = _AGREE * max(abs(into), abs(back), abs(currents[STATE]))
            if min(abs(into + back), abs(into + back + currents[STATE])) > room:
                raise InputError(
                    f"the Verilog-A model {self.module.name} takes {into:g} A at its first terminal and gives "
                    f"{-back:g} A at its second: a cell's current goes from one to the other, write I(p, n) <+ ..."
                )
            moved = [self._try(volts, _SHIFT, middle + up)[0][WORD] for up in ({0.0, _SHIFT} if self.state else {0.0})]
            if min(abs(current - into) for current in moved) > _AGREE * abs(into) + _AGREE**2:
                raise InputError(
                    f"the Verilog-A model {self.module.name} takes another current where both terminals are "
                    f"{_SHIFT:g} V higher: a cell's depends on their difference, write V(p, n)"
                )

    def _bend(self, bounds: tuple[float, float] | None) -> float:
        """Return how far from a state to look for the slope of Q'; 0 where Q is straight.

        Raises
        ------
        InputError
            Q' is 0, so that the state is none.
        """
        if not self.state or bounds is None:
            return 0.0
        spots = [(volts, bounds[0] + part * (bounds[1] - bounds[0])) for volts in _VOLTS for part in (0.1, 0.5, 0.83)]
        capacitances = {self._try(volts, 0.0, x)[2] for volts, x in spots}
        if 0.0 in capacitances:
            raise InputError(
                f"the Verilog-A model {self.module.name} has the inner node {self.state} whose ddt() does not depend "
                "on it: write I(x) <+ ddt(V(x)) - f"
            )
        return 0.0 if len(capacitances) == 1 else _STEP * (bounds[1] - bounds[0])

    def _cell(self, of_cells: Sequence[tuple[str, bool]], bend: float) -> CompactCell:
        c, places = self._c, self._places
        numbers = []
        for name, inverse in of_cells:
            entry = self.module.parameter(name)
            assert entry is not None
            numbers.append((entry.number, entry.of_instance, inverse))
        return CompactCell(
            evaluate=c.evaluate, access=c.access, setup_model=c.setup_model, setup_instance=c.setup_instance,
            load_currents=c.load_currents, load_slopes=c.load_slopes, load_capacitances=c.load_capacitances,
            model=_start(self._model), instance=_start(self._instance),
            model_size=c.model_size, instance_size=c.instance_size, temperature=self._temperature,
            names=ctypes.addressof(self._names), values=ctypes.addressof(self._numbers),
            no_names=ctypes.addressof(self._no_names), states=c.state_count, slopes_offset=c.slopes_offset,
            entries=tuple(
                (places[entry.row], places[entry.column], entry.charge_offset) for entry in self.module.entries
            ),
            collapsed=(c.collapsed_offset, len(self.module.collapsible)), of_cells=tuple(numbers), bend=bend,
        )  # fmt: skip

    def _simulator(self) -> SimulatorParameters:
        numbers = ctypes.cast(self._numbers, ctypes.POINTER(ctypes.c_double))
        names, empty = (ctypes.cast(texts, ctypes.POINTER(ctypes.c_char_p)) for texts in (self._names, self._no_names))
        return SimulatorParameters(names, numbers, empty, empty)


def checked_value(entry: ModelParameter, value: Any) -> Value:
    """Return a parameter's value in its type.

    Raises
    ------
    InputError
        It is of another.
    """
    if entry.type == STRING:
        if not isinstance(value, str):
            raise InputError(f"{entry.name} is {value!r}: the model takes a text")
        return value
    if isinstance(value, str | bool | np.bool_) or not np.isfinite(value):
        raise InputError(f"{entry.name} is {value!r}: the model takes a number")
    number = float(value)
    if entry.type == INTEGER:
        if number != int(number) or abs(number) >= 2.0**31:
            raise InputError(f"{entry.name} is {number:g}: the model takes a whole number")
        return int(number)
    assert entry.type == REAL
    return number


def _block(size: int) -> Block:
    """Return so many bytes at an address that any number may lie at."""
    whole = np.zeros(size + _ALIGNED, np.uint8)
    first = -whole.ctypes.data % _ALIGNED
    return whole[first : first + size]


def _start(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


def _function(address: int, returned: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(returned, *arguments)(address)
