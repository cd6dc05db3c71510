"""Laws of compiled compact models: native functions that call a model's own through OSDI, by its addresses.

A model that a Verilog-A compiler made works on two blocks of memory, of the model and of an instance, which a simulator
fills with parameters, sets up and hands to ``eval``. The functions here have the forms that :mod:`laws` and
:mod:`state_laws` call, and do for a cell what a simulator does for an instance, at one point::

    static    void f(double v, double *q, double *i, double *slope)       q: g, then the cell's own parameters
    frozen    void f(double v, double *q, double *i, double *slope)       q: g, g0, x, dx/dg, own parameters
    tilt      the same, of di/dx instead of i; its slope is left 0
    current   void f(double v, double *q, double *out)                    q: x, own parameters; out: i, di/dv, di/dx
    motion    void f(double v, double *q, double *out)                    out: f, df/dv, df/dx

**State.** An inner node x whose current is ``I(v, x) + d/dt Q(x) = 0`` is a state that moves by ``f = -I / Q'``, so
that ``df/dv = -(dI/dv) / Q'`` and ``df/dx = -(dI/dx) / Q' + I Q'' / Q'^2``; models tell Q', and where Q is not
straight Q'' is a difference of two. A frozen cell's x follows its conductance, ``x + (g - g0) dx/dg``.

**Threads.** Each call copies the prepared blocks to its own stack, so any number of threads may call at once. A model's
``eval`` has no memory of its own: what is not in those blocks is in the arrays that it is handed.

**Units.** Volts, amperes and siemens; x in what the model has its node in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir

# None has types that a checker could follow.
_llvm: Any = binding
_ir: Any = ir

NOWHERE = 0xFFFFFFFF
"""The offset of what is not there."""

WORD, BIT, STATE, GROUND = range(4)
"""Places of nodes in the vectors of unknowns and of currents."""

SET, OF_INSTANCE = 1, 4
"""How a parameter is accessed."""

FATAL = 2
"""Of what ``eval`` returns."""

EVALUATION = 1 | 2 | 4 | 8 | 8192
"""Currents, charges, their slopes; as in a transient, so that integrals move."""

_BYTE, _WORD, _LONG, _REAL = (_ir.IntType(8), _ir.IntType(32), _ir.IntType(64), _ir.DoubleType())
_BYTES, _REALS = _BYTE.as_pointer(), _REAL.as_pointer()
_VOID = _ir.VoidType()
_ALIGNED = 16


@dataclass(frozen=True)
class CompactCell:
    """Where a model's functions and prepared blocks of memory are; all addresses must stay valid.

    Attributes
    ----------
    evaluate, access, setup_model, setup_instance : int
        Addresses of the model's functions.
    load_currents, load_slopes, load_capacitances : int
        Addresses of ``load_residual_resist``, ``load_jacobian_resist`` and ``load_jacobian_react``.
    model, instance : int
        Addresses of the blocks, set up with all parameters but those of single cells.
    model_size, instance_size : int
        Bytes.
    temperature : float
        Kelvin.
    names, values, no_names : int
        Addresses of the simulator's parameters, ended by null, of their numbers, and of a list that ends at once.
    states : int
        How many numbers limiting functions ask for.
    slopes_offset : int
        Where an instance has the addresses that slopes are added at, entry by entry.
    entries : tuple of (int, int, int)
        Of each entry its row's and its column's place, and where the instance has its charge's address, or ``NOWHERE``.
    collapsed : (int, int)
        Where an instance says which nodes it has collapsed, and how many bytes that takes.
    of_cells : tuple of (int, bool, bool)
        Of each parameter that cells have of their own its number, whether it is an instance's, and whether the model
        takes 1 over it.
    bend : float
        How far from x to look for Q''; 0 where Q is straight.
    """

    evaluate: int
    access: int
    setup_model: int
    setup_instance: int
    load_currents: int
    load_slopes: int
    load_capacitances: int
    model: int
    instance: int
    model_size: int
    instance_size: int
    temperature: float
    names: int
    values: int
    no_names: int
    states: int
    slopes_offset: int
    entries: tuple[tuple[int, int, int], ...]
    collapsed: tuple[int, int]
    of_cells: tuple[tuple[int, bool, bool], ...]
    bend: float = 0.0


class CompactLaws:
    """The native functions of a cell; addresses are valid while the object lives.

    Attributes
    ----------
    static, frozen, tilt, current, motion : int
        Their addresses; of a cell without a state only the first is there.
    """

    def __init__(self, cell: CompactCell, state: bool) -> None:
        text = str(_Writer(cell, state).module)
        _llvm.initialize_native_target()
        _llvm.initialize_native_asmprinter()
        machine = _llvm.Target.from_default_triple().create_target_machine(jit=True)
        self._engine = _llvm.create_mcjit_compiler(_llvm.parse_assembly(text), machine)
        self._engine.finalize_object()
        address = self._engine.get_function_address
        self.static: int = 0 if state else address("static")
        self.frozen: int = address("frozen") if state else 0
        self.tilt: int = address("tilt") if state else 0
        self.current: int = address("current") if state else 0
        self.motion: int = address("motion") if state else 0


class _Writer:
    """Writes the functions of a cell as LLVM's intermediate code."""

    def __init__(self, cell: CompactCell, state: bool) -> None:
        self.cell = cell
        self.module = _ir.Module("compact")
        self.module.triple = _llvm.get_process_triple()
        self._copy = self.module.declare_intrinsic("llvm.memcpy", [_BYTES, _BYTES, _LONG])
        self._free = _ir.Function(self.module, _ir.FunctionType(_VOID, [_BYTES]), "free")
        self._point = self._write_point()
        if state:
            self._write("frozen", 4, self._fill_frozen)
            self._write("tilt", 4, self._fill_tilt)
            self._write("current", 3, self._fill_current)
            self._write("motion", 3, self._fill_motion)
        else:
            self._write("static", 4, self._fill_static)

    def _write(self, name: str, count: int, fill: Callable[..., None]) -> None:
        signature = _ir.FunctionType(_VOID, [_REAL, *[_REALS] * (count - 1)])
        function = _ir.Function(self.module, signature, name)
        builder = _ir.IRBuilder(function.append_basic_block())
        fill(builder, *function.args)
        builder.ret_void()

    def _fill_static(self, builder: Any, v: Any, q: Any, i: Any, slope: Any) -> None:
        out = self._at(builder, v, _REAL(0.0), q)
        builder.store(_number(builder, out, 0), i)
        builder.store(_number(builder, out, 1), slope)

    def _fill_frozen(self, builder: Any, v: Any, q: Any, i: Any, slope: Any) -> None:
        out = self._at_conductance(builder, v, q)
        builder.store(_number(builder, out, 0), i)
        builder.store(_number(builder, out, 1), slope)

    def _fill_tilt(self, builder: Any, v: Any, q: Any, i: Any, slope: Any) -> None:
        builder.store(_number(builder, self._at_conductance(builder, v, q), 2), i)
        builder.store(_REAL(0.0), slope)

    def _at_conductance(self, builder: Any, v: Any, q: Any) -> Any:
        """Return what ``_at`` does, of a cell whose state follows its conductance."""
        more = builder.fsub(_number(builder, q, 0), _number(builder, q, 1))
        x = builder.fadd(_number(builder, q, 2), builder.fmul(more, _number(builder, q, 3)))
        return self._at(builder, v, x, _beyond(builder, q, 4))

    def _fill_current(self, builder: Any, v: Any, q: Any, out: Any) -> None:
        values = self._at(builder, v, _number(builder, q, 0), _beyond(builder, q, 1))
        for place in range(3):
            builder.store(_number(builder, values, place), _beyond(builder, out, place))

    def _fill_motion(self, builder: Any, v: Any, q: Any, out: Any) -> None:
        x, further = _number(builder, q, 0), _beyond(builder, q, 1)
        values = self._at(builder, v, x, further)
        into, per_v, per_x, charge = (_number(builder, values, place) for place in range(3, 7))
        f = builder.fneg(builder.fdiv(into, charge))
        fx = builder.fneg(builder.fdiv(per_x, charge))
        if self.cell.bend:
            step = _REAL(self.cell.bend)
            beside = [
                _number(builder, self._at(builder, v, move(x, step), further), 6)
                for move in (builder.fsub, builder.fadd)
            ]
            bend = builder.fdiv(builder.fsub(beside[1], beside[0]), _REAL(2.0 * self.cell.bend))
            fx = builder.fsub(fx, builder.fmul(f, builder.fdiv(bend, charge)))
        builder.store(f, out)
        builder.store(builder.fneg(builder.fdiv(per_v, charge)), _beyond(builder, out, 1))
        builder.store(fx, _beyond(builder, out, 2))

    def _at(self, builder: Any, v: Any, x: Any, values: Any) -> Any:
        """Return seven numbers at a point: i, di/dv, di/dx, I, dI/dv, dI/dx, Q'; none is one where the model fails."""
        out = builder.alloca(_REAL, 7)
        builder.call(self._point, [v, x, values, out])
        return out

    def _write_point(self) -> Any:
        """Write the function behind ``_at``."""
        cell = self.cell
        function = _ir.Function(self.module, _ir.FunctionType(_VOID, [_REAL, _REAL, _REALS, _REALS]), "point")
        function.linkage = "internal"
        v, x, values, out = function.args
        builder = _ir.IRBuilder(function.append_basic_block())
        instance = self._copied(builder, cell.instance, cell.instance_size)
        model, good = self._prepared(builder, instance, values)
        slopes, charges = (_zeros(builder, 16) for _ in range(2))
        for place, (row, column, charge) in enumerate(cell.entries):
            entry = 4 * row + column
            _put_address(builder, instance, cell.slopes_offset + 8 * place, _beyond(builder, slopes, entry))
            if charge != NOWHERE:
                _put_address(builder, instance, charge, _beyond(builder, charges, entry))
        unknowns = _zeros(builder, 4)
        builder.store(v, unknowns)
        builder.store(x, _beyond(builder, unknowns, STATE))
        returned = self._call(
            builder, cell.evaluate, _WORD, [_address(0), instance, model, self._information(builder, unknowns)]
        )
        fine = builder.icmp_unsigned("==", builder.and_(returned, _WORD(FATAL)), _WORD(0))
        good = builder.and_(good, fine)
        currents = _zeros(builder, 4)
        self._call(builder, cell.load_currents, _VOID, [instance, model, _bytes(builder, currents)])
        self._call(builder, cell.load_slopes, _VOID, [instance, model])
        self._call(builder, cell.load_capacitances, _VOID, [instance, model, _REAL(1.0)])
        numbers = [
            _number(builder, currents, WORD), _number(builder, slopes, 4 * WORD + WORD),
            _number(builder, slopes, 4 * WORD + STATE), _number(builder, currents, STATE),
            _number(builder, slopes, 4 * STATE + WORD), _number(builder, slopes, 4 * STATE + STATE),
            _number(builder, charges, 4 * STATE + STATE),
        ]  # fmt: skip
        for place, number in enumerate(numbers):
            builder.store(builder.select(good, number, _REAL(float("nan"))), _beyond(builder, out, place))
        builder.ret_void()
        return function

    def _prepared(self, builder: Any, instance: Any, values: Any) -> tuple[Any, Any]:
        """Set up what parameters of the cell's own change; return the model's block, and whether all is well."""
        cell = self.cell
        model, good = _address(cell.model), _ir.IntType(1)(1)
        if not cell.of_cells:
            return model, good
        of_model = any(not of_instance for _, of_instance, _ in cell.of_cells)
        if of_model:
            model = self._copied(builder, cell.model, cell.model_size)
        for place, (number, of_instance, inverse) in enumerate(cell.of_cells):
            flags = SET | (OF_INSTANCE if of_instance else 0)
            target = self._call(builder, cell.access, _BYTES, [instance, model, _WORD(number), _WORD(flags)])
            value = _number(builder, values, place)
            value = builder.fdiv(_REAL(1.0), value) if inverse else value
            builder.store(value, builder.bitcast(target, _REALS))
        names = builder.bitcast(self._simulator(builder), _BYTES)
        if of_model:
            result = _zeros(builder, 2)
            self._call(builder, cell.setup_model, _VOID, [_address(0), model, names, _bytes(builder, result)])
            good = builder.and_(good, self._faultless(builder, result))
        result = _zeros(builder, 2)
        arguments = [_address(0), instance, model, _REAL(cell.temperature), _WORD(2), names, _bytes(builder, result)]
        self._call(builder, cell.setup_instance, _VOID, arguments)
        good = builder.and_(good, self._faultless(builder, result))
        offset, size = cell.collapsed
        for place in range(offset, offset + size):
            as_prepared = builder.load(_address_at(builder, _address(cell.instance), place))
            as_set_up = builder.load(_address_at(builder, instance, place))
            good = builder.and_(good, builder.icmp_unsigned("==", as_prepared, as_set_up))
        return model, good

    def _faultless(self, builder: Any, result: Any) -> Any:
        """Return whether a set-up told no error; its list of them is freed."""
        head = builder.load(builder.bitcast(result, _LONG.as_pointer()))
        count = builder.lshr(head, _LONG(32))
        faultless = builder.icmp_unsigned("==", count, _LONG(0))
        with builder.if_then(builder.not_(faultless), likely=False):
            errors = builder.load(builder.bitcast(_beyond(builder, result, 1), _BYTES.as_pointer()))
            builder.call(self._free, [errors])
        return faultless

    def _information(self, builder: Any, unknowns: Any) -> Any:
        """Return the address of an ``OsdiSimInfo``."""
        states = _zeros(builder, max(self.cell.states, 1))
        info = _zeros(builder, 9)
        self._put_simulator(builder, info)
        _put_address(builder, _bytes(builder, info), 40, unknowns)
        _put_address(builder, _bytes(builder, info), 48, states)
        _put_address(builder, _bytes(builder, info), 56, states)
        flags = _address_at(builder, _bytes(builder, info), 64)
        builder.store(_WORD(EVALUATION), builder.bitcast(flags, _WORD.as_pointer()))
        return _bytes(builder, info)

    def _simulator(self, builder: Any) -> Any:
        """Return the address of an ``OsdiSimParas``."""
        paras = _zeros(builder, 4)
        self._put_simulator(builder, paras)
        return paras

    def _put_simulator(self, builder: Any, target: Any) -> None:
        cell, start = self.cell, _bytes(builder, target)
        for offset, address in ((0, cell.names), (8, cell.values), (16, cell.no_names), (24, cell.no_names)):
            _put_address(builder, start, offset, _address(address))

    def _copied(self, builder: Any, address: int, size: int) -> Any:
        block = builder.alloca(_BYTE, max(size, 1))
        block.align = _ALIGNED
        builder.call(self._copy, [block, _address(address), _LONG(size), _ir.IntType(1)(0)])
        return block

    @staticmethod
    def _call(builder: Any, address: int, returned: Any, arguments: list[Any]) -> Any:
        signature = _ir.FunctionType(returned, [argument.type for argument in arguments])
        function = builder.inttoptr(_LONG(address), signature.as_pointer())
        return builder.call(function, arguments)


def _address(value: int) -> Any:
    return _ir.Constant(_LONG, value).inttoptr(_BYTES)


def _address_at(builder: Any, start: Any, offset: int) -> Any:
    return builder.gep(start, [_LONG(offset)])


def _put_address(builder: Any, start: Any, offset: int, value: Any) -> None:
    place = builder.bitcast(_address_at(builder, start, offset), _BYTES.as_pointer())
    builder.store(_bytes(builder, value), place)


def _bytes(builder: Any, pointer: Any) -> Any:
    return pointer if pointer.type == _BYTES else builder.bitcast(pointer, _BYTES)


def _beyond(builder: Any, reals: Any, place: int) -> Any:
    return builder.gep(reals, [_LONG(place)])


def _number(builder: Any, reals: Any, place: int) -> Any:
    return builder.load(_beyond(builder, reals, place))


def _zeros(builder: Any, count: int) -> Any:
    block = builder.alloca(_REAL, count)
    block.align = _ALIGNED
    for place in range(count):
        builder.store(_REAL(0.0), _beyond(builder, block, place))
    return block
