"""``xbarsim train``: parse, train, and leave a checkpoint whatever happens."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.network_options import check_torch, data_options, dataset
from xbarsim.cli.option_types import Count, Quantity
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.cli.stop_signals import signals
from xbarsim.errors import InputError
from xbarsim.files import checked_target
from xbarsim.text_table import aligned, comma_separated

if TYPE_CHECKING:
    from xbarsim.nn.checkpoint import Recipe
    from xbarsim.nn.training import Epoch, Training

_HELP = """Train a network of the zoo; the checkpoint is written whole, after each epoch and every minute.

\b
xbarsim train --model mlp --data mnist -o mlp.pt
xbarsim train --resume mlp.pt
xbarsim infer --model mlp.pt --data mnist

Models: mlp, lenet, vgg-small, resnet-8, resnet-18, binary-mlp, binary-vgg, linear. Ctrl-C ends after the step in hand,
with a checkpoint; --resume goes on from there, with the same numbers as without a stop on the same machine.

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
@output_options(quiet="Print the last accuracy alone.", file=False)
def train(resume: str | None, output: str | None, **options: Any) -> None:
    """Train, print and save; ``_HELP`` says the rest."""
    check_torch()
    answer = Output.of(options)
    with option_words(options=("TrainSettings",)):
        if resume is None:
            path = checked_target(_new_path(output, options["overwrite"]))
            recipe, training = _begin(options)
        else:
            path = checked_target(output or resume)
            recipe, training = _resumed(resume, options)
    Checkpointed(path, recipe, training, answer).run()


@dataclass(frozen=True)
class Checkpointed:
    """A training with its file; a table of it is printed line by line as it goes."""

    path: Path
    recipe: Recipe
    training: Training
    output: Output

    def run(self) -> None:
        """Train to the end or to a signal, and say how it went."""
        self._say_head()
        self._save()
        with announce.stages(not self.output.quiet) as progress, signals() as caught:
            over = self.training.run(
                save=self._save, stop=lambda: bool(caught), progress=progress, report=self._say_epoch
            )
        if not over:
            epoch, steps = self.training.epoch + 1, f"step {self.training.step} of {self.training.steps}"
            announce.say(
                f"xbarsim: stopped in epoch {epoch}, {steps}; xbarsim train --resume {self.path} goes on there"
            )
            raise click.exceptions.Exit(128 + caught[0])
        self.output.deliver(self)

    def _save(self) -> None:
        from xbarsim.nn import checkpoint

        checkpoint.save(self.path, self.recipe, self.training)

    @property
    def _talks(self) -> bool:
        return self.output.form == "table" and not self.output.quiet

    def _say_head(self) -> None:
        if not self._talks:
            return
        data, settings = self.training.dataset, self.training.settings
        count = sum(tensor.numel() for tensor in self.training.model.parameters())
        click.echo(
            f"{self.recipe.model} on {data.name}, {len(data.train)} images, {count} parameters; "
            f"rate {settings.rate:g}, batches of {settings.batch}, seed {settings.seed}"
        )
        self._say_row("epoch", "loss", self.training.watched, "seconds")
        for epoch in self.training.history:
            self._say_epoch(epoch)

    def _say_epoch(self, epoch: Epoch) -> None:
        if not self._talks:
            return
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        self._say_row(f"{epoch.epoch}", f"{epoch.loss:.4f}", f"{epoch.accuracy:.2%}", f"{epoch.seconds:.1f}")

    def _say_row(self, *cells: str) -> None:
        width = max(len(self.training.watched), 7)
        click.echo(aligned([cells], (">5", ">8", f">{width}", ">7"))[0])

    def as_table(self) -> str:
        """Return the last line, which says what the checkpoint is good for."""
        return f"{self.path}: xbarsim infer --model {self.path} --data {self.recipe.data}"

    def as_numbers(self) -> str:
        """Return the accuracy after the last epoch."""
        return f"accuracy {self.training.history[-1].accuracy!r}"

    def as_csv(self) -> str:
        """Return a row for each epoch."""
        history = [vars(epoch) for epoch in self.training.history]
        return comma_separated([history[0], *(epoch.values() for epoch in history)])

    def as_json(self) -> str:
        """Return settings, data and every epoch."""
        history = [vars(epoch) for epoch in self.training.history]
        record = {
            "model": self.recipe.model,
            "width": self.recipe.width,
            "data": self.training.dataset.facts(),
            "settings": self.training.settings.to_dict(),
            "history": history,
            "accuracy": history[-1]["accuracy"],
            "checkpoint": str(self.path),
            "seconds": sum(epoch["seconds"] for epoch in history),
        }
        return json.dumps(record, indent=2)


def _new_path(output: str | None, overwrite: bool) -> Path:
    if output is None:
        raise click.UsageError("give --output FILE for the checkpoint, or --resume FILE")
    path = Path(output)
    if path.is_file() and not overwrite:
        raise click.UsageError(f"{path} exists: --resume {path} goes on with it, --overwrite begins anew")
    return path


def _begin(options: dict[str, Any]) -> tuple[Recipe, Training]:
    """Make a training from options."""
    from xbarsim.nn import zoo
    from xbarsim.nn.checkpoint import Checkpoint, Recipe, load_any, load_weights
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    for name in ("model", "data"):
        if options[name] is None:
            raise click.UsageError(f"give --{name}: {_choices(name)}")
    if options["model"] not in zoo.MODELS:
        raise InputError(f"model is {options['model']!r}: the zoo has {', '.join(zoo.MODELS)}")
    typed = {name: options[name] for name in _SETTINGS if options[name] is not None}
    TrainSettings(**typed)  # a bad one is said before data are read
    data = dataset(options["data"], options["data_folder"], options["mean"], options["std"]).limited(
        train=options["limit"]
    )
    usual = {"batch": usual_batch(data), "augment": data.name == "cifar10"}
    settings = TrainSettings(**usual | typed)
    place = str(Path(options["data"]).resolve()) if Path(options["data"]).is_dir() else options["data"].lower()
    width = 1.0 if options["width"] is None else options["width"]
    recipe = Recipe.of(options["model"], data, width=width, data=place, limit=options["limit"])
    model = recipe.build(settings.seed)
    if options["weights"] is not None:
        weights = load_any(options["weights"])
        load_weights(
            model, weights.state["weights"] if isinstance(weights, Checkpoint) else weights, options["weights"]
        )
    return recipe, Training(model, data, settings)


_SETTINGS = ("epochs", "batch", "rate", "decay", "seed", "augment")
_FIXED = ("model", "weights", "batch", "rate", "decay", "seed", "width", "augment", "limit", "mean", "std")


def _choices(name: str) -> str:
    if name == "data":
        from xbarsim.nn.datasets import NAMES

        return f"{', '.join(NAMES)}, or a folder"
    from xbarsim.nn import zoo

    return ", ".join(zoo.MODELS)


def _resumed(path: str, options: dict[str, Any]) -> tuple[Recipe, Training]:
    """Make a training from its checkpoint; only epochs may be more, and the data lie elsewhere."""
    from dataclasses import replace

    from xbarsim.nn import checkpoint
    from xbarsim.nn.training import Training, fingerprint

    for name in _FIXED:
        if options[name] is not None:
            raise click.UsageError(f"--{name} is the checkpoint's own: leave it out, or begin with --weights {path}")
    saved = checkpoint.load(path)
    recipe, settings = saved.recipe, saved.settings
    if options["epochs"] is not None:
        if options["epochs"] < settings.epochs:
            raise click.UsageError(f"--epochs is {options['epochs']}: {path} has {settings.epochs}, or give more")
        settings = replace(settings, epochs=options["epochs"])
    data = dataset(options["data"] or recipe.data, options["data_folder"], None, None).limited(train=recipe.limit)
    data = replace(data, mean=recipe.mean, std=recipe.std)
    if fingerprint(data.train) != recipe.images:
        raise InputError(f"{path} was trained on other images than {data.source} has: give its own with --data")
    training = Training(recipe.build(), data, settings)
    try:
        training.load_state(saved.state)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{path} is a damaged checkpoint ({error})") from None
    return recipe, training
