"""``xbarsim train``: parse, train, and leave a checkpoint whatever happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from xbarsim.cli import announce
from xbarsim.cli.model_options import check_width
from xbarsim.cli.network_options import check_torch, data_options, dataset
from xbarsim.cli.option_types import Count, Quantity
from xbarsim.cli.option_words import option_words
from xbarsim.cli.output import Output, output_options
from xbarsim.cli.stop_signals import signals
from xbarsim.cli.through_option import OPTIONS, through_options, training_chip
from xbarsim.errors import InputError
from xbarsim.files import checked_target
from xbarsim.text_table import aligned, comma_separated

if TYPE_CHECKING:
    from xbarsim.nn.checkpoint import Recipe
    from xbarsim.nn.circuit_training import TrainingChip
    from xbarsim.nn.datasets import Dataset
    from xbarsim.nn.training import Epoch, Training, TrainSettings

_HELP = """Train a network, in torch or through a chip; its checkpoint is written whole, after epochs and each minute.

\b
xbarsim train --model mlp --data mnist -o mlp.pt
xbarsim train --resume mlp.pt
xbarsim infer --model mlp.pt --data mnist
xbarsim train --model mynets.py:build --data digits -o mine.pt
xbarsim train --model mlp --data digits --through rram-64 \\
    --set wires.word=10 --set wires.bit=10 -o wired.pt
xbarsim train --model mynets.py:build --weights mine.pt --data digits \\
    --through rram-64-8bit --chip-seed 3 -o fitted.pt

Models: mlp, lenet, vgg-small, resnet-8, resnet-18, binary-mlp, binary-vgg, linear, or module:function (or
file.py:function) that returns a torch module. Ctrl-C ends after the step in hand, with a checkpoint; --resume goes on
from there, with the same numbers as without a stop on the same machine.

--through runs each step, and each epoch's accuracy, through the crossbars of one chip, with exact gradients of the
circuit; the checkpoint holds torch's weights. Cells are written anew at each step, the scale that of the weights as
they are. Gradients pass levels, slices and converters straight, and stop at stuck cells and where a converter clips;
ranges are calibrated before the first step and after each epoch. BatchNorm is digital, and infer leaves it so only
with --digital NAME. Refused: cells that drift, binarised networks, layers that share a weight.

Exit codes: 0 trained; 2 bad input; 130 stopped.
"""


@click.command(help=_HELP)
@click.option("--model", default=None, help="A network of the zoo, or module:function.")
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
@click.option("--width", type=Quantity(above=0.0), default=None, help="Of a network of the zoo [1].")
@click.option("--augment/--no-augment", default=None, help="Mirror and shift images [only of cifar10].")
@click.option("--limit", type=Count(least=1), default=None, help="Use the first N training images.")
@through_options()
@output_options(quiet="Print the last accuracy alone.", file=False)
def train(resume: str | None, output: str | None, **options: Any) -> None:
    """Train, print and save; ``_HELP`` says the rest."""
    check_torch()
    answer = Output.of(options)
    with option_words(options["changes"], ("TrainSettings",)):
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
    def _chip(self) -> TrainingChip | None:
        return getattr(self.training, "chip", None)

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
        if self._chip is not None:
            click.echo(f"through the circuits of chip {self._chip.seed}, accuracies too")
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
        words = () if self._chip is None else self._chip.words
        return " ".join(
            [f"{self.path}: xbarsim infer --model {self.path} --data {self.recipe.data}", *map(quote, words)]
        )

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
            "through": None if self._chip is None else self._chip.to_dict(),
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
    from xbarsim.nn import builders, zoo
    from xbarsim.nn.checkpoint import Checkpoint, Recipe, load_any, load_weights
    from xbarsim.nn.model_sources import check_takes
    from xbarsim.nn.training import TrainSettings, usual_batch

    for name in ("model", "data"):
        if options[name] is None:
            raise click.UsageError(f"give --{name}: {_choices(name)}")
    own_code = options["model"] not in zoo.MODELS
    if own_code and not builders.is_builder(options["model"]):
        raise InputError(
            f"model is {options['model']!r}: the zoo has {', '.join(zoo.MODELS)}; "
            "or give module:function, or file.py:function"
        )
    check_width(options["model"])
    typed = {name: options[name] for name in _SETTINGS if options[name] is not None}
    TrainSettings(**typed)  # a bad one is said before data are read
    chip = training_chip(options)
    data = dataset(options["data"], options["data_folder"], options["mean"], options["std"]).limited(
        train=options["limit"]
    )
    usual = {"batch": usual_batch(data), "augment": data.name == "cifar10"}
    settings = TrainSettings(**usual | typed)
    place = str(Path(options["data"]).resolve()) if Path(options["data"]).is_dir() else options["data"].lower()
    width = 1.0 if options["width"] is None else options["width"]
    name = builders.lasting(options["model"]) if own_code else options["model"]
    recipe = Recipe.of(name, data, width=width, data=place, limit=options["limit"])
    model = recipe.build(settings.seed)
    if own_code:
        check_takes(model, options["model"], data)
    if options["weights"] is not None:
        weights = load_any(options["weights"])
        load_weights(
            model, weights.state["weights"] if isinstance(weights, Checkpoint) else weights, options["weights"]
        )
    return recipe, _training(model, data, settings, chip)


def _training(model: Any, data: Dataset, settings: TrainSettings, chip: TrainingChip | None) -> Training:
    from xbarsim.nn.circuit_training import CircuitTraining
    from xbarsim.nn.training import Training

    return Training(model, data, settings) if chip is None else CircuitTraining(model, data, settings, chip)


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
    from xbarsim.nn.circuit_training import TrainingChip
    from xbarsim.nn.training import fingerprint

    for name, option in ({name: name for name in _FIXED} | OPTIONS).items():
        if options[name] not in (None, ()):
            raise click.UsageError(f"--{option} is the checkpoint's own: leave it out, or begin with --weights {path}")
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
    circuit = saved.state.get("circuit")
    with _damage(path):
        chip = None if circuit is None else TrainingChip.from_dict(circuit["chip"])
    training = _training(saved.model(), data, settings, chip)
    with _damage(path):
        training.load_state(saved.state)
    return recipe, training


@contextmanager
def _damage(path: str) -> Iterator[None]:
    """Say what a checkpoint holds that cannot be."""
    try:
        yield
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{path} is a damaged checkpoint ({error})") from None
