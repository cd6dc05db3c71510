"""Which model a name means where an element stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xbarsim.netlist.models.parameters import Ambient
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.devicecards import KINDS, ModelCard
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest


@dataclass(frozen=True)
class Context:
    """What an element's numbers depend on beside its card."""

    places: Places
    ambient: Ambient
    models: Mapping[str, ModelCard]
    notes: dict[str, int]


def find_model(name: str, item: Work, altered: Mapping[str, ModelCard]) -> tuple[ModelCard, Work] | list[str]:
    """Return a model and the expansion of the body that it stands in, the innermost one around; else all names.

    ``altered`` takes the place of models at the top.

    Parameters
    ----------
    name : str
        In lower case.
    item : Work
        The batch of instances of the body where the element stands.
    altered : mapping of str to ModelCard
        In the place of those at the top.
    """
    home: Work | None = item
    body: Body | None = item.body
    visible: list[str] = []
    while body is not None:
        while home is not None and home.body is not body:
            home = home.home
        if name in body.models:
            models = altered if body.parent is None and name in altered else body.models
            return models[name], home or item
        if home is not None and name in home.models:
            return home.models[name], home
        visible += body.models
        body = body.parent
    return visible


def model_of(element: str, name: str, item: Work, context: Context) -> tuple[ModelCard, Work]:
    """Return an element's model, and the expansion of the body that the model stands in.

    Parameters
    ----------
    element : str
        Its name, whose letter says which kinds of model it may have.
    name : str
        The model's, in lower case.
    item : Work
        The batch of instances of the body where the element stands.
    context : Context
        Models of a variant, and places.

    Raises
    ------
    CardError
        There is none of that name, or it is one of another kind of element.
    """
    match = find_model(name, item, context.models)
    if isinstance(match, list):
        close = closest(name, match)
        hint = f"did you mean '{close}'?" if close else f"define it with .model {clipped(name)} ..."
        raise CardError(f"{element}: the model '{clipped(name)}' is undefined: {hint}")
    model, kinds = match[0], KINDS[element[0]]
    if model.kind not in kinds:
        kind_names, where = " or ".join(kinds), context.places.where(model.origin)
        raise CardError(f"{element} takes a {kind_names}, and its model {model.name} ({where}) is a {model.kind}")
    return match
