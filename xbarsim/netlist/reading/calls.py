"""What an X card's parameters are inside its subcircuit, set in ngspice's order.

ngspice makes one list of a subcircuit's parameters: what ``.subckt`` and the ``.param`` inside define, each after those
that it names. A value that the X card gives takes its definition's place in the list. Plain numbers are set first, then
the rest in order, each evaluated among those that are set already and, past these, the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.language import Expression, UserFunction, names_of
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body, Instances, Parameter
from xbarsim.netlist.reading.scopes import Amount, Scope
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError, NetlistError
from xbarsim.netlist.suggest import clipped, closest


class Calls:
    """The parameters of instances, for all bodies of a netlist.

    Parameters
    ----------
    top : Body
        The top level.
    places : Places
        For messages.
    """

    def __init__(self, top: Body, places: Places) -> None:
        self.places = places
        self.multiplied = _multiplied(top)
        self.formals: dict[int, list[Parameter]] = {}

    def scope(self, group: Instances, body: Body, item: Work, cards: slice) -> tuple[Scope, Amount]:
        """Return the parameters inside instances, and their ``m=`` times the caller's.

        Parameters
        ----------
        group : Instances
            The X cards.
        body : Body
            The subcircuit.
        item : Work
            The caller, for one or several instances of it.
        cards : slice
            Which cards: several for one caller, one for several callers.
        """
        functions = body.visible_functions()
        if not (
            group.keys
            or body.defaults
            or body.parameters
            or functions
            or item.scope.functions
            or id(body) in self.multiplied
            or item.scope.draws is not None
        ):
            return item.scope, item.share
        scope = Scope(item.scope, functions, max(len(item.paths), len(group.names[cards])))
        formals = self._formals(body, functions)
        columns = {key: at for at, key in enumerate(group.keys)}
        self._check_keys(group, body, formals)
        fixed = {
            formal.name: group.fixed[columns[formal.name]]
            if formal.name in columns
            else not isinstance(formal.value, Expression)
            for formal in formals
        }
        for formal in sorted(formals, key=lambda formal: not fixed[formal.name]):
            if formal.name not in columns:
                scope.define(formal.name, self._evaluated([formal.value], [formal.origin], scope, functions))
                continue
            values = group.values[columns[formal.name]][cards]
            scope.define(formal.name, self._evaluated(values, group.origins[cards], scope, item.scope.functions))
        if "m" not in columns or id(body) not in self.multiplied:
            return scope, item.share
        times, origin = scope.values["m"], group.origins[0]
        if np.any(np.less_equal(times, 0)):
            raise self.places.error(f"{group.names[0]} has m={float(np.min(times)):g}: it must be > 0", origin)
        return scope, product(times, item.share, self.places, origin)

    def _formals(self, body: Body, functions: Mapping[str, UserFunction]) -> list[Parameter]:
        """Return a subcircuit's parameters in order."""
        if id(body) not in self.formals:
            last = {parameter.name: parameter for parameter in (*body.defaults, *body.parameters)}
            ordered = self._ordered(list(last.values()), functions)
            if id(body) in self.multiplied:
                ordered.append(Parameter("m", 1.0, body.origin))
            self.formals[id(body)] = ordered
        return self.formals[id(body)]

    def _ordered(self, parameters: list[Parameter], functions: Mapping[str, UserFunction]) -> list[Parameter]:
        """Sort parameters by the longest chain of names behind them; one that names itself means the caller's."""
        siblings = {parameter.name for parameter in parameters}
        waiting: dict[str, set[str]] = {}
        for parameter in parameters:
            names = names_of(parameter.value, functions) if isinstance(parameter.value, Expression) else ()
            waiting[parameter.name] = siblings.intersection(names) - {parameter.name}
        ordered: list[Parameter] = []
        while len(ordered) < len(parameters):
            ready = [parameter for parameter in parameters if parameter.name in waiting and not waiting[parameter.name]]
            if not ready:
                stuck = next(parameter for parameter in parameters if parameter.name in waiting)
                raise self.places.error(
                    f"the parameter '{clipped(stuck.name)}' is defined through itself: break the loop", stuck.origin
                )
            ordered += ready
            for parameter in ready:
                del waiting[parameter.name]
            defined = {parameter.name for parameter in ready}
            for prior in waiting.values():
                prior -= defined
        return ordered

    def _check_keys(self, group: Instances, body: Body, formals: list[Parameter]) -> None:
        """Refuse what the subcircuit does not know: ngspice drops it, LTspice takes it."""
        names = [formal.name for formal in formals]
        for key in group.keys:
            if key not in names:
                close = closest(key, names)
                hint = f"did you mean '{close}'?" if close else "remove it, or add it to the .subckt line"
                raise self.places.error(
                    f"{group.names[0]} gives '{clipped(key)}=', which is no parameter of {body.name}: {hint}",
                    group.origins[0],
                )

    def _evaluated(
        self, values: list[Value], origins: list[int], scope: Scope, functions: Mapping[str, UserFunction]
    ) -> Amount:
        """Return one value for all instances, or a column of one for each card."""
        by_text: dict[str, float] = {}
        numbers = []
        for row, (value, origin) in enumerate(zip(values, origins, strict=True)):
            if not isinstance(value, Expression):
                numbers.append(value)
                continue
            try:
                if len(values) == 1:
                    return scope.evaluate(value, functions)
                number = by_text.get(value.text)
                if number is None:
                    number, alike = scope.evaluate_row(value, functions, row)
                    if alike:
                        by_text[value.text] = number
            except CardError as error:
                raise self.places.error(str(error), origin) from None
            numbers.append(number)
        if numbers.count(numbers[0]) == len(numbers):
            return numbers[0]
        return np.array(numbers, dtype=np.float64)


def product(times: Amount, share: Amount, places: Places, origin: int) -> Amount:
    """Return ``m=`` inside an instance whose ``m=`` is ``share``.

    Parameters
    ----------
    times, share : float or array
        Both multipliers.
    places : Places
        For messages.
    origin : int
        File and line of the card.
    """
    if np.any(np.not_equal(times, 1)) and np.any(np.not_equal(share, 1)):
        raise two_multipliers(places, origin)
    return times * share


def two_multipliers(places: Places, origin: int) -> NetlistError:
    """Return the error of ``m=`` in an instance with ``m=``."""
    return places.error(
        "'m=' inside an instance with 'm=': ngspice takes the outer one, others the product; write one 'm='", origin
    )


def _multiplied(top: Body) -> set[int]:
    """Return the subcircuits that some X card gives ``m=`` to and that have no such parameter themselves.

    In ngspice ``m`` is then a parameter of theirs, 1 where it is not given.
    """
    multiplied: set[int] = set()
    bodies = [top]
    while bodies:
        caller = bodies.pop()
        bodies += caller.subcircuits.values()
        bodies += (branch for branches in caller.conditionals for _, branch in branches)
        for group in caller.instances.values():
            body = caller.find(group.subcircuit) if "m" in group.keys else None
            if body is not None and all(parameter.name != "m" for parameter in (*body.defaults, *body.parameters)):
                multiplied.add(id(body))
    return multiplied
