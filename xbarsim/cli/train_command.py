"""``xbarsim train``: parse, train, and leave a checkpoint whatever happens."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli.network_options import data_options, dataset, need_torch
from xbarsim.cli.option_types import Count, Quantity
from xbarsim.cli.option_words import option_words
from xbarsim.errors import InputError
from xbarsim.files import checked_target

if TYPE_CHECKING:
    from xbarsim.nn.checkpoint import Recipe
    from xbarsim.nn.training import Epoch, Training

_HELP = """Train a network of the zoo; the checkpoint is written whole, after each epoch and every minute.

\b
xbarsim train --model mlp --data mnist -o mlp.pt
xbarsim train --resume mlp.pt
xbarsim infer --model mlp.pt --data mnist

Models: mlp, lenet, vgg-small, resnet-8, binary-mlp, binary-vgg. Ctrl-C ends after the step in hand, with a
checkpoint; --resume goes on from there, with the same numbers as without a stop on the same machine.

Exit codes: 0 trained; 2 bad input; 130 stopped.
"""


@click.command(help=_HELP)
@click.option("--model", default=None, help="A network of the zoo.")
@data_options(None)
@click.option("--output", "-o", metavar="FILE", help="The checkpoint.")
@click.option("--resume", metavar="FILE", help="Go on with this checkpoint, as it was begun.")
@click.option("--overwrite", is_flag=True, help="Begin anew though the checkpoint exists.")
@click.option("--weights", metavar="FILE", help="Begin with these weights: a checkpoint's, or a state dict.")
@click.option(
    "--epochs", type=Count(least=1), default=None, help="Passes over the training images [10]; --resume may add some."
)
@click.option("--batch", type=Count(), default=None, help="Images a step [128; 32 of fewer than 10000 images].")
@click.option("--rate", type=Quantity(), default=None, help="Learning rate at the start [0.002].")
@click.option("--decay", type=Quantity(), default=None, help="Decay of weights [0].")
@click.option("--seed", type=Count(), default=None, help="Of first weights, order and crops [0].")
@click.option("--width", type=Quantity(above=0.0), default=None, help="Multiplies hidden units and channels [1].")
@click.option("--augment/--no-augment", default=None, help="Mirror and shift images [only of cifar10].")
@click.option("--limit", type=Count(least=1), default=None, help="Use the first N training images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON record at the end instead of lines.")
def train(resume: str | None, output: str | None, as_json: bool, **given: Any) -> None:
    """Train, print and save; ``_HELP`` says the rest."""
    need_torch()
    with option_words(options=("TrainSettings",)):
        if resume is None:
            path = checked_target(_new_path(output, given["overwrite"]))
            recipe, training = _begin(given)
        else:
            path = checked_target(output or resume)
            recipe, training = _resumed(resume, given)
    Checkpointed(path, recipe, training, as_json).run()


@dataclass
class Checkpointed:
    """A training with its file."""

    path: Path
    recipe: Recipe
    training: Training
    as_json: bool

    def run(self) -> None:
        """Train to the end or to a signal, and say how it went."""
        from xbarsim.cli import announce

        if not self.as_json:
            self._say_head()
        self._save()  # an unwritable path is said now
        with announce.stages(True) as progress, _signals() as caught:
            over = self.training.run(
                save=self._save, stop=lambda: bool(caught), progress=progress, report=self._say_epoch
            )
        if not over:
            done, steps = self.training.epoch + 1, f"step {self.training.step} of {self.training.steps}"
            click.echo(
                f"xbarsim: stopped in epoch {done}, {steps}; xbarsim train --resume {self.path} goes on there", err=True
            )
            raise click.exceptions.Exit(128 + caught[0])
        if self.as_json:
            click.echo(json.dumps(self._record(), indent=2))
        else:
            click.echo(f"{self.path}: xbarsim infer --model {self.path} --data {self.recipe.data}")

    def _save(self) -> None:
        from xbarsim.nn import checkpoint

        checkpoint.save(self.path, self.recipe, self.training)

    def _say_head(self) -> None:
        data, settings = self.training.dataset, self.training.settings
        count = sum(one.numel() for one in self.training.model.parameters())
        click.echo(
            f"{self.recipe.model} on {data.name}, {len(data.train)} images, {count} parameters; "
            f"rate {settings.rate:g}, batches of {settings.batch}, seed {settings.seed}"
        )
        click.echo(f"{'epoch':>5}  {'loss':>8}  {'test':>7}  {'seconds':>7}")
        for one in self.training.history:
            self._say_epoch(one)

    def _say_epoch(self, one: Epoch) -> None:
        if self.as_json:
            return
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        click.echo(f"{one.epoch:>5}  {one.loss:8.4f}  {one.accuracy:7.2%}  {one.seconds:7.1f}")

    def _record(self) -> dict[str, Any]:
        history = [vars(one) for one in self.training.history]
        return {
            "model": self.recipe.model,
            "width": self.recipe.width,
            "data": self.training.dataset.facts(),
            "settings": self.training.settings.to_dict(),
            "history": history,
            "accuracy": history[-1]["accuracy"],
            "checkpoint": str(self.path),
            "seconds": sum(one["seconds"] for one in history),
        }


def _new_path(output: str | None, overwrite: bool) -> Path:
    if output is None:
        raise click.UsageError("give --output FILE for the checkpoint, or --resume FILE")
    path = Path(output)
    if path.is_file() and not overwrite:
        raise click.UsageError(f"{path} exists: --resume {path} goes on with it, --overwrite begins anew")
    return path


def _begin(given: dict[str, Any]) -> tuple[Recipe, Training]:
    """Make a training from options."""
    from xbarsim.nn import zoo
    from xbarsim.nn.checkpoint import Checkpoint, Recipe, load_any, load_weights
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    for name in ("model", "data"):
        if given[name] is None:
            raise click.UsageError(f"give --{name}: {_choices(name)}")
    if given["model"] not in zoo.MODELS:
        raise InputError(f"model is {given['model']!r}: the zoo has {', '.join(zoo.MODELS)}")
    TrainSettings(**{name: given[name] for name in _SETTINGS if given[name] is not None})  # said before data are read
    data = dataset(given["data"], given["data_folder"], given["mean"], given["std"]).limited(train=given["limit"])
    chosen: dict[str, Any] = {"batch": usual_batch(data), "augment": data.name == "cifar10"}
    chosen |= {name: given[name] for name in _SETTINGS if given[name] is not None}
    settings = TrainSettings(**chosen)
    where = str(Path(given["data"]).resolve()) if Path(given["data"]).is_dir() else given["data"].lower()
    width = 1.0 if given["width"] is None else given["width"]
    recipe = Recipe.of(given["model"], data, width=width, data=where, limit=given["limit"])
    model = recipe.build(settings.seed)
    if given["weights"] is not None:
        read = load_any(given["weights"])
        load_weights(model, read.state["weights"] if isinstance(read, Checkpoint) else read, given["weights"])
    return recipe, Training(model, data, settings)


_SETTINGS = ("epochs", "batch", "rate", "decay", "seed", "augment")
_FIXED = ("model", "weights", "batch", "rate", "decay", "seed", "width", "augment", "limit", "mean", "std")


def _choices(name: str) -> str:
    if name == "data":
        from xbarsim.nn.datasets import NAMES

        return f"{', '.join(NAMES)}, or a folder"
    from xbarsim.nn import zoo

    return ", ".join(zoo.MODELS)


def _resumed(path: str, given: dict[str, Any]) -> tuple[Recipe, Training]:
    """Make a training from its checkpoint; only epochs may be more, and the data lie elsewhere."""
    from dataclasses import replace

    from xbarsim.nn import checkpoint
    from xbarsim.nn.training import Training, fingerprint

    for name in _FIXED:
        if given[name] is not None:
            raise click.UsageError(f"--{name} is the checkpoint's own: leave it out, or begin with --weights {path}")
    held = checkpoint.load(path)
    recipe, settings = held.recipe, held.settings
    if given["epochs"] is not None:
        if given["epochs"] < settings.epochs:
            raise click.UsageError(f"--epochs is {given['epochs']}: {path} has {settings.epochs}, or give more")
        settings = replace(settings, epochs=given["epochs"])
    data = dataset(given["data"] or recipe.data, given["data_folder"], None, None).limited(train=recipe.limit)
    data = replace(data, mean=recipe.mean, std=recipe.std)
    if fingerprint(data.train) != recipe.images:
        raise InputError(f"{path} was trained on other images than {data.source} has: give its own with --data")
    training = Training(recipe.build(), data, settings)
    try:
        training.load_state(held.state)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{path} is a damaged checkpoint ({error})") from None
    return recipe, training


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Catch the first Ctrl-C or SIGTERM into a list; the second has its usual meaning."""
    caught: list[int] = []
    kinds = [signal.SIGINT, signal.SIGTERM]
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def catch(kind: int, _: Any) -> None:
        caught.append(kind)
        for one, usual in before.items():
            signal.signal(one, usual)

    for kind, usual in before.items():
        if usual != signal.SIG_IGN:
            signal.signal(kind, catch)
    try:
        yield caught
    finally:
        for kind, usual in before.items():
            signal.signal(kind, usual)
