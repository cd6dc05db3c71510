"""Chains of methods on chips: accuracy before and after, and what it took."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench, calibrated
from xbarsim.mitigation.chip_socket import ChipSocket
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.method import Chain, Method
from xbarsim.mitigation.needs import parts_of_larger
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realisation import laid_out, realise
from xbarsim.mitigation.record import Cost, Record
from xbarsim.mitigation.step_checks import check_step
from xbarsim.mitigation.unmitigated import Unmitigated
from xbarsim.nn.copies import copied
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.training import accuracy, inputs

_BATCH = 500
BASELINE = Chain((Unmitigated(),))

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, eq=False)
class Application:
    """What a chain came to on a chip: its plan, that on the chip, what it used, the curves that it noted, its time."""

    plan: Plan
    network: CrossbarNetwork
    ledger: Ledger
    trace: dict[str, list[float]]
    seconds: float


@dataclass
class _Stage:
    """What the first ``steps`` of a chain came to: their plan, what they used and noted, and their time."""

    plan: Plan
    ledger: Ledger
    trace: dict[str, list[float]]
    steps: int = 0
    seconds: float = 0.0

    def copy(self) -> _Stage:
        """Return one on which another chip's steps may go on."""
        return replace(self, ledger=copy.deepcopy(self.ledger), trace=dict(self.trace))


@dataclass
class Harness:
    """Runs chains; it alone sees the test set and makes chips from seeds.

    Parameters
    ----------
    model : nn.Module
        As torch has it.
    dataset : Dataset
        With a validation split.
    hardware : Hardware
        The kind of chips.
    method_seed : int
        The methods' own randomness.
    progress : callable, optional
        Told of what is being done.

    Raises
    ------
    InputError
        There is no validation split, or the model cannot be put on the hardware.
    """

    model: nn.Module
    dataset: Dataset
    hardware: Hardware
    method_seed: int = 0
    progress: Progress = silent
    _before: dict[tuple[int, Any], float] = field(default_factory=dict)
    _blind: tuple[Any, _Stage] = field(init=False)

    def __post_init__(self) -> None:
        for name, kind in (("model", nn.Module), ("dataset", Dataset)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(f"{name} is {getattr(self, name)!r}: it must be a {kind.__name__}")
        if self.dataset.validation is None:
            raise InputError("data have no validation images: take dataset.split(validation=5000)")
        if isinstance(self.method_seed, bool) or not isinstance(self.method_seed, int) or self.method_seed < 0:
            raise InputError(f"method_seed is {self.method_seed!r}: it must be a whole number, at least 0")
        self.model = copied(self.model).eval()
        self._network = laid_out(Plan.of(self.model), self.hardware)
        self._check_outputs()
        self._calls = self._vectors_an_image()
        self._blind = None, _Stage(Plan.of(self.model), Ledger.of(0), {})

    def _check_outputs(self) -> None:
        shape, classes = " x ".join(map(str, self.dataset.shape)), len(self.dataset.classes)
        try:
            with torch.no_grad():
                # A norm without running statistics wants more images than one.
                images = inputs(self.dataset, self.dataset.train, slice(0, 2))
                outputs = self.model(images)
        except Exception as error:
            first = str(error).strip().split("\n")[0][:200]
            raise InputError(f"model does not take {self.dataset.name}'s images of {shape}: {first}") from None
        count = len(images)
        if not isinstance(outputs, torch.Tensor) or outputs.shape != (count, classes):
            form = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
            raise InputError(
                f"model gives {form} for {count} images of {shape}: it must be ({count}, {classes}), one a class"
            )

    def check(self, chains: Sequence[Chain]) -> None:
        """Check, before any work, that all chains can be applied; raises InputError as ``Method.check``.

        Parameters
        ----------
        chains : sequence of Chain
            All that are to be applied.
        """
        for chain in chains:
            chain.check(self.model, self._network, len(self.dataset.train))

    def ideal(self) -> float:
        """Return torch's accuracy on test images."""
        return accuracy(self.model, self.dataset, self.dataset.test, _BATCH)

    def base_plan(self, chain: Chain) -> Plan:
        """Return the plan that changes nothing, on chips with the spare rows that a chain wants.

        Parameters
        ----------
        chain : Chain
            Methods, one after the other.
        """
        spare, by = chain.spare_rows
        return Plan.of(self.model, spare, by, list(self._network.layers))

    def _first_plan(self, chain: Chain) -> Plan:
        plan = self.base_plan(chain)
        return plan.with_digital_norms() if chain.digital_norms else plan

    def accuracy(self, network: CrossbarNetwork) -> float:
        """Return a network's accuracy on test images; converters' ranges are found on training images first.

        Parameters
        ----------
        network : CrossbarNetwork
            With a chip.
        """
        return accuracy(calibrated(network, self.dataset), self.dataset, self.dataset.test, _BATCH)

    def apply(self, chain: Chain, seed: int) -> Application:
        """Return what a chain comes to on a chip; its first steps, if they know no chip, are taken once for all.

        Parameters
        ----------
        chain : Chain
            Methods, one after the other.
        seed : int
            Of the chip.
        """
        blind = self._blind_stage(chain)
        stage = blind.copy()
        base = self.base_plan(chain)
        truth: CrossbarNetwork | None = None
        socket = ChipSocket(self.hardware, seed, stage.ledger, partial(calibrated, dataset=self.dataset), base)
        start = time.perf_counter()
        for number, step in enumerate(chain.steps[blind.steps :], blind.steps):
            knowledge = None
            if step.needs.knows != "hardware":
                truth = truth or realise(base, self.hardware, seed=seed)
                knowledge = KnownChips.of(truth, self.hardware, step.needs.knows)
            self._take(number, step, stage, knowledge, socket)
        seconds = blind.seconds + time.perf_counter() - start
        return Application(stage.plan, socket.network(stage.plan), stage.ledger, stage.trace, seconds)

    def blind_stage(self, chain: Chain) -> Any:
        """Return what the first steps of a chain that know no chip come to: for ``adopt``, also in another process.

        Parameters
        ----------
        chain : Chain
            Methods, one after the other.
        """
        self._blind_stage(chain)
        return self._blind

    def adopt(self, stage: Any) -> None:
        """Take what ``blind_stage`` gave of a harness of the same network, data, hardware and seed.

        Parameters
        ----------
        stage
            What the other harness gave.
        """
        self._blind = stage

    def _blind_stage(self, chain: Chain) -> _Stage:
        """Return what the first steps of a chain that neither know nor run a chip come to, on whatever chip."""
        count = 0
        while count < len(chain.steps) and chain.steps[count].is_blind:
            count += 1
        key = chain.steps[:count], chain.spare_rows, chain.digital_norms
        if key != self._blind[0]:
            start = time.perf_counter()
            stage = _Stage(self._first_plan(chain), Ledger.of(len(self.dataset.train)), {}, steps=count)
            for number, step in enumerate(chain.steps[:count]):
                self._take(number, step, stage, None, None)
            stage.seconds = time.perf_counter() - start
            self._blind = key, stage
        return self._blind[1]

    def _take(
        self, number: int, step: Method, stage: _Stage, knowledge: KnownChips | None, socket: ChipSocket | None
    ) -> None:
        """Take a step of a chain: the stage then has its plan, what it used, and what it noted."""
        words = np.random.SeedSequence(self.method_seed, spawn_key=(number,)).generate_state(1, np.uint64)
        bench = Bench(
            step.needs, step.name, self.hardware, self.dataset, seed=int(words[0]), ledger=stage.ledger,
            knowledge=knowledge, socket=socket,
        )  # fmt: skip
        before, fingerprint, trace = stage.plan, stage.plan.fingerprint(), stage.trace
        with stage.ledger.counting_steps(), torch.random.fork_rng(devices=[]), one_torch_thread():
            torch.manual_seed(int(words[0] >> np.uint64(1)))
            stage.plan = step.apply(before, bench)
        check_step(step.name, before, fingerprint, stage.plan)
        trace |= {name if name not in trace else f"{step.name}.{name}": line for name, line in bench.trace.items()}

    def record(self, chain: Chain, seed: int) -> Record:
        """Return what a chain brings on a chip.

        Parameters
        ----------
        chain : Chain
            Methods, one after the other.
        seed : int
            Of the chip.

        Raises
        ------
        XbarsimError
            A circuit is not solved, training diverges, or something cannot be reached; the message says what.
        """
        where = f"{chain.label}, chip {seed}"
        self.progress(where)
        before = self._accuracy_before(chain, seed)
        applied = self.apply(chain, seed)
        after = before if chain.steps == BASELINE.steps else self.accuracy(applied.network)
        cost = Cost.of(applied.plan, applied.network, applied.ledger, self._calls)
        return Record(seed, before, after, cost, applied.trace, applied.seconds)

    def remember(self, chain: Chain, record: Record) -> None:
        """Take the accuracy before from a record, so that the same chip is not measured again.

        Parameters
        ----------
        chain : Chain
            Methods, one after the other.
        record : Record
            Of the same chip.
        """
        self._before[record.seed, chain.spare_rows] = record.before

    def _accuracy_before(self, chain: Chain, seed: int) -> float:
        key = seed, chain.spare_rows
        if key not in self._before:
            self._before[key] = self.accuracy(realise(self.base_plan(chain), self.hardware, seed=seed))
        return self._before[key]

    def _vectors_an_image(self) -> dict[str, int]:
        """Return how many vectors each layer multiplies for an image: positions of a convolution."""
        reference: nn.Module = self._network.to_torch().eval()
        modules = dict(reference.named_modules())
        if parts_of_larger(self.model, self._network):
            # Torch has no modules for gates of recurrent layers and projections of attention.
            exact = Hardware(tiles=self.hardware.tiles, fidelity="ideal")
            reference = network = realise(Plan.of(self.model), exact)
            modules = dict(network.layers)
        counts: dict[str, int] = {}
        handles = []
        for name, layer in self._network.layers.items():
            module = modules[name] if name in modules else modules[""]
            handles.append(module.register_forward_hook(_counter(counts, name, layer.outputs)))
        try:
            with torch.no_grad():
                reference(inputs(self.dataset, self.dataset.train, slice(0, 2)))
        finally:
            for handle in handles:
                handle.remove()
        return {name: count // min(2, len(self.dataset.train)) for name, count in counts.items()}


def _counter(counts: dict[str, int], name: str, outputs: int) -> Any:
    def count(module: nn.Module, arguments: Any, out: torch.Tensor) -> None:
        counts[name] = counts.get(name, 0) + out.numel() // outputs

    return count


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Have torch add up in one order, whatever the machine and the number of processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
