"""What a worker does to train a network of the zoo for a study."""

from __future__ import annotations

import io
from collections.abc import Mapping

from xbarsim.study.image_sets import image_set
from xbarsim.study.trial import Task, canonical


def train(task: Task, artifacts: Mapping[str, bytes]) -> bytes:
    """Return the weights of a network of the zoo, trained as settings say: a file of ``torch.save``."""
    import torch

    from xbarsim.nn import zoo
    from xbarsim.nn.training import Training, TrainSettings, usual_batch

    settings = task.settings
    data = image_set(canonical(settings["data"]), task.places.get("data"))
    usual = {"batch": usual_batch(data), "augment": data.name == "cifar10"}
    recipe = TrainSettings.from_dict(usual | dict(settings["settings"]))
    model = zoo.build(
        settings["model"], data.shape, len(data.classes), width=settings["width"], seed=recipe.seed
    )  # fmt: skip
    Training(model, data, recipe).run()
    buffer = io.BytesIO()
    torch.save(model.eval().state_dict(), buffer)
    return buffer.getvalue()
