"""What the commands on networks that have weights share: options of the network, and its training if it has none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.network_options import dataset
from xbarsim.cli.option_types import Command, Count, Quantity, in_order, is_typed
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbarsim.cli.output import Output
    from xbarsim.nn.datasets import Dataset
    from xbarsim.nn.model_sources import Source

QUICK = ("digits", "mnist", "fashion-mnist")  # trained without being asked


def model_options() -> Callable[[Command], Command]:
    """Add the options that say which network, which ``chosen_source`` takes."""
    return in_order(
        click.option("--model", default="mlp", show_default=True, help="The network."),
        click.option("--weights", metavar="FILE", help="Its weights: a checkpoint, or a state dict of torch.save."),
        click.option(
            "--width", type=Quantity(above=0.0), default=1.0, show_default=True, help="Of a network of the zoo."
        ),
        click.option("--epochs", type=Count(least=1), default=None, help="Train for so long first [10]."),
    )


def check_width(model: str) -> None:
    """Refuse ``--width`` where it would change nothing."""
    from xbarsim.nn.zoo import MODELS

    if is_typed("width") and model not in MODELS:
        raise InputError(f"--width changes nothing: it is of a network of the zoo by name, not of {model}")


def chosen_source(
    options: dict[str, Any],
    output: Output,
    progress: Callable[[str], None],
    seconds: dict[str, float],
    *,
    cut: Callable[[Dataset], Dataset],
    check: Callable[[Source], object],
) -> Source:
    """Return the network with weights; one of the zoo is trained if it has none.

    Parameters
    ----------
    options : dict
        What ``model_options`` and ``data_options`` added.
    output, progress
        Where notes go, and who is told of what is being done.
    seconds : dict of str to float
        Filled with what took how long.
    cut : callable
        Returns the part of the data that is used.
    check : callable
        Refuses what cannot be done with the network, before it is trained.

    Raises
    ------
    InputError
        There is no such network, or it does not go with data or options.
    """
    from xbarsim.nn import model_sources

    start = time.perf_counter()
    progress("data")
    width, scaled = options["width"], options["mean"] is not None or options["std"] is not None
    data = cut(dataset(options["data"], options["data_folder"], options["mean"], options["std"]))
    source = model_sources.find(options["model"], data, weights=options["weights"], width=width, scaled=scaled)
    check(source)
    seconds["data and model"] = time.perf_counter() - start
    if is_typed("width") and source.width not in (None, width):
        raise InputError(f"--width is {width:g} and {source.weights} holds a network of width {source.width:g}")
    if source.trained:
        if is_typed("epochs"):
            raise click.UsageError("--epochs goes with a network that has no weights yet; this one has")
        return source
    start = time.perf_counter()
    source = _trained(source, options, output, progress)
    seconds["training"] = time.perf_counter() - start
    return source


def _trained(source: Source, options: dict[str, Any], output: Output, progress: Callable[[str], None]) -> Source:
    from dataclasses import replace

    from xbarsim.nn import zoo
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    data = source.dataset
    command = f"xbarsim train --model {options['model']} --data {options['data']} -o {options['model']}.pt"
    if options["epochs"] is None and data.name not in QUICK:
        raise InputError(
            f"{options['model']} has no weights, and training it on {data.name} takes long: {command}, "
            f"then --model {options['model']}.pt; or --epochs N trains it now"
        )
    length = {} if options["epochs"] is None else {"epochs": options["epochs"]}
    settings = TrainSettings(batch=usual_batch(data), augment=data.name == "cifar10", **length)
    output.note(f"{options['model']} has no weights, so it is trained first; {command} keeps them")
    model = zoo.build(options["model"], data.shape, len(data.classes), width=options["width"], seed=settings.seed)
    Training(model, data, settings).run(progress=lambda text: progress(f"training: {text}"))
    words = f"trained for {settings.epochs} epochs on {len(data.train)} images, seed {settings.seed}"
    return replace(source, model=model.eval(), weights=words, trained=True)
