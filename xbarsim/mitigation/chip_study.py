"""Chains of methods on several chips of one hardware: what is tried, by how many processes, and what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from xbarsim.errors import InputError, XbarsimError
from xbarsim.mitigation.harness import BASELINE, Harness, Progress, one_torch_thread, silent
from xbarsim.mitigation.method import Chain
from xbarsim.mitigation.record import Record
from xbarsim.mitigation.worker_processes import ProcessEnd, checked_jobs, outcomes
from xbarsim.nn.chip_spread import varies
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.hardware import Hardware
from xbarsim.nonideal.streams import whole

Finished = Mapping[tuple[str, int], Record]
Report = Callable[[Chain, Record], None]

_MOST_CHIPS = 100_000


@dataclass(frozen=True)
class Failure:
    """A chain that came to no end on a chip.

    Attributes
    ----------
    label : str
        Which.
    seed : int
        On which.
    message : str
        Why.
    """

    label: str
    seed: int
    message: str


@dataclass(frozen=True)
class ChainResult:
    """A chain on all chips.

    Attributes
    ----------
    chain : Chain
        The methods.
    records : tuple of Record
        Of each chip, in the order of seeds; those that failed are not in it.
    """

    chain: Chain
    records: tuple[Record, ...]

    @property
    def mean(self) -> float | None:
        """Mean accuracy after; None of no chip."""
        return float(np.mean([record.after for record in self.records])) if self.records else None

    @property
    def deviation(self) -> float:
        """Sample standard deviation over chips; 0 of one."""
        return float(np.std([record.after for record in self.records], ddof=1)) if len(self.records) > 1 else 0.0


@dataclass(frozen=True)
class Study:
    """Chains on the chips of one hardware.

    Attributes
    ----------
    ideal : float
        Torch's accuracy.
    results : tuple of ChainResult
        ``none`` first.
    failures : tuple of Failure
        What did not come to an end.
    seeds : tuple of int
        The chips that were tried.
    alike : bool
        Whether chips of this hardware cannot differ, so that one stands for all.
    seconds : float
        In all.
    """

    ideal: float
    results: tuple[ChainResult, ...]
    failures: tuple[Failure, ...] = ()
    seeds: tuple[int, ...] = ()
    alike: bool = False
    seconds: float = 0.0


class Trials:
    """What is to be tried, checked before any work.

    Parameters
    ----------
    model, dataset, hardware, chains, seeds, method_seed
        As ``run`` takes them.

    Attributes
    ----------
    rows : tuple of Chain
        ``none``, and the others.
    seeds : tuple of int
        The chips.
    alike : bool
        Whether chips of this hardware cannot differ, so that one stands for all.

    Raises
    ------
    InputError
        There are no seeds, one of them is none, a seed or a chain is there twice, or a method does not go with network,
        data or hardware.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        hardware: Hardware,
        chains: Sequence[Chain],
        *,
        seeds: Sequence[int] = range(5),
        method_seed: int = 0,
    ) -> None:
        seeds = _checked_seeds(seeds)
        chains = _checked_chains(chains)
        self.rows = (BASELINE, *(chain for chain in chains if chain.label != BASELINE.label))
        labels = [chain.label for chain in self.rows]
        for label in labels:
            if labels.count(label) > 1:
                raise InputError(f"method {label} is there twice: give each once")
        self._harness = Harness(model, dataset, hardware, method_seed)
        self._harness.check(self.rows)
        draws = any(step.draws for chain in self.rows for step in chain.steps)
        self.alike = len(seeds) > 1 and not draws and not varies(hardware)
        self.seeds = tuple(seeds[:1] if self.alike else seeds)

    def run(
        self,
        *,
        ideal: float | None = None,
        finished: Finished | None = None,
        jobs: int | None = 1,
        progress: Progress = silent,
        report: Report | None = None,
    ) -> Study:
        """Do all and return it; ``ideal`` is torch's accuracy where it is there already, the others as of ``run``.

        Parameters
        ----------
        ideal : float, optional
            Torch's accuracy, a share, where it is there already; None: it is measured.
        finished : mapping of (str, int) to Record, optional
            Trials that are there already, by a chain's label and a chip's seed; they are not done again.
        jobs : int or None
            How many processes at once; None: as many as there are processors.
        progress : callable
            Told what begins, as a text.
        report : callable, optional
            Told each chain and its record, as soon as it is there.
        """
        jobs = checked_jobs(jobs)
        start = time.perf_counter()
        finished = finished or {}
        records = {pair: finished[pair] for pair in self._pairs(self.rows) if pair in finished}
        failures: dict[tuple[str, int], Failure] = {}
        with one_torch_thread():
            if ideal is None:
                progress("torch")
                ideal = self._harness.ideal()
            # Accuracies without any method first: every other row takes them over.
            for rows in (self.rows[:1], self.rows[1:]):
                for chain, record in self._measured(rows, records, jobs, progress, failures):
                    records[chain.label, record.seed] = record
                    if report is not None:
                        report(chain, record)
                for seed in self.seeds:
                    if (BASELINE.label, seed) in records:
                        self._harness.remember(BASELINE, records[BASELINE.label, seed])
        results = [
            ChainResult(row, tuple(records[pair] for pair in self._pairs([row]) if pair in records))
            for row in self.rows
        ]
        ordered = tuple(failures[pair] for pair in self._pairs(self.rows) if pair in failures)
        return Study(ideal, tuple(results), ordered, self.seeds, self.alike, time.perf_counter() - start)

    def _pairs(self, rows: Sequence[Chain]) -> list[tuple[str, int]]:
        return [(row.label, seed) for row in rows for seed in self.seeds]

    def _measured(
        self,
        rows: Sequence[Chain],
        records: Finished,
        jobs: int | None,
        progress: Progress,
        failures: dict[tuple[str, int], Failure],
    ) -> Iterator[tuple[Chain, Record]]:
        """Give each record that is not there yet when it is ready, and add what failed to ``failures``."""
        chains = {row.label: row for row in rows}
        pairs = [pair for pair in self._pairs(rows) if pair not in records]

        def work(pair: tuple[str, int]) -> Record | Failure:
            label, seed = pair
            try:
                return self._harness.record(chains[label], seed)
            except XbarsimError as error:
                return Failure(label, seed, str(error))
            except Exception as error:  # whatever a method of one's own does
                return Failure(label, seed, f"{type(error).__name__}: {error}")

        def started(pair: tuple[str, int]) -> None:
            progress(f"{pair[0]}, chip {pair[1]}")

        for pair, outcome in outcomes(work, pairs, jobs, started):
            if isinstance(outcome, Record):
                yield chains[pair[0]], outcome
            else:
                failures[pair] = Failure(*pair, str(outcome)) if isinstance(outcome, ProcessEnd) else outcome


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of chips, each of which counts once."""
    if not isinstance(seeds, Collection):
        raise InputError(f"seeds is {seeds!r}: give the chips' numbers, as range(5)")
    if len(seeds) > _MOST_CHIPS:
        raise InputError(f"seeds has {len(seeds)} chips: give at most {_MOST_CHIPS}")
    checked = tuple(whole(f"seeds[{k}]", seed, 0, 1 << 64) for k, seed in enumerate(seeds))
    if not checked:
        raise InputError("seeds is empty: give at least one chip")
    before: set[int] = set()
    for k, seed in enumerate(checked):
        if seed in before:
            raise InputError(f"seeds[{k}] is {seed}, which is there before: give each chip once")
        before.add(seed)
    return checked


def _checked_chains(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    if isinstance(chains, Chain) or not isinstance(chains, Iterable):
        raise InputError(f"chains is {chains!r}: give a list of chains, as [chain('gain')]")
    checked = tuple(chains)
    for k, row in enumerate(checked):
        if not isinstance(row, Chain):
            raise InputError(f"chains[{k}] is {row!r}: give chain('gain'), or Chain((method('gain'),))")
    return checked


def run(
    model: nn.Module,
    dataset: Dataset,
    hardware: Hardware,
    chains: Sequence[Chain],
    *,
    seeds: Sequence[int] = range(5),
    method_seed: int = 0,
    finished: Finished | None = None,
    jobs: int | None = 1,
    progress: Progress = silent,
    report: Report | None = None,
) -> Study:
    """Apply chains of methods on chips, and measure each on the test images; ``none`` is always the first.

    Parameters
    ----------
    model : nn.Module
        As torch has it.
    dataset : Dataset
        With a validation split.
    hardware : Hardware
        The kind of chips.
    chains : sequence of Chain
        As ``catalogue.chain`` makes them.
    seeds : sequence of int
        The chips; one stands for all where they cannot differ.
    method_seed : int
        The methods' own randomness.
    finished : mapping of (label, seed) to Record, optional
        What was measured before, and is not to be measured again.
    jobs : int or None
        Processes, which change no number: torch has one thread in each. None: as many as there are cores.
    progress, report : callable, optional
        Told of what is being done, and of each record when it is ready.

    Returns
    -------
    Study
        All chains on all chips, those that failed among them.

    Raises
    ------
    InputError
        There are no seeds, one of them is none, a seed or a chain is there twice, or a method does not go with network,
        data or hardware.
    """
    trials = Trials(model, dataset, hardware, chains, seeds=seeds, method_seed=method_seed)
    return trials.run(finished=finished, jobs=jobs, progress=progress, report=report)
