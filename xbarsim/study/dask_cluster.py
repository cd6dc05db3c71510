"""Tasks on whatever a Dask scheduler has: machines of a network, Slurm, Kubernetes, or two workers on this machine."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import queue
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.artifact_files import read_artifact
from xbarsim.study.cluster_worker import MISSING, OTHER_CODE, executing, keep_there, perform_there
from xbarsim.study.executors import Attempt
from xbarsim.study.study_file import Limits
from xbarsim.study.trial import Task

_MOMENT = 0.2
_SECONDS = 10.0
"""How long a scheduler may take to answer at first."""

_LOOK = 2.0
"""Seconds after which workers are counted anew: a cluster grows and shrinks."""


class DaskCluster:
    """A Dask scheduler's workers; the runner alone writes, so that workers need no shared file system.

    Parameters
    ----------
    address : str
        Of the scheduler: ``tcp://host:port``, or ``tls://`` as Dask is configured.
    artifacts : Path
        The folder of what tasks need, by key.
    limits : Limits
        Of a task.

    Raises
    ------
    InputError
        No scheduler answers there, or Dask is not installed.
    """

    def __init__(self, address: str, artifacts: Path, limits: Limits) -> None:
        try:
            import distributed
        except ImportError:
            raise InputError("--scheduler needs Dask: pip install 'xbarsim[dask]'") from None
        # What goes wrong is said in this file's words.
        self._loud = logging.getLogger("distributed").level
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        self._address, self._folder, self._limits = address, artifacts, limits
        client: Any = distributed.Client
        try:
            _check_answers(address)
            self._client = client(address, timeout=_SECONDS, set_as_default=False)
        except Exception as error:  # a bad address is a ValueError, a KeyError, a socket's error
            self._restore()
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise InputError(
                f"--scheduler {address}: no Dask scheduler answers there ({reason}): start one with dask scheduler, "
                "and give the address that it prints"
            ) from None
        self._tasks: dict[Any, Task] = {}
        self._sent: set[tuple[str, ...]] = set()
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._names = (f"xbarsim-{os.getpid()}-{time.time_ns()}-{number}" for number in itertools.count())
        self._width, self._counted = 1, 0.0

    @property
    def width(self) -> int:
        """As the protocol; 1 while there are no workers, so that a task waits for the first."""
        if time.monotonic() - self._counted > _LOOK:
            self._counted = time.monotonic()
            self._width = max(1, sum(self._answered(self._client.nthreads).values()))
        return self._width

    def submit(self, task: Task) -> None:
        """As the protocol."""
        future = self._answered(
            lambda: self._client.submit(perform_there, task, self._limits, key=next(self._names), pure=False)
        )
        self._tasks[future] = task
        future.add_done_callback(self._ended.put)

    def outcomes(self) -> Iterator[tuple[Task, Attempt]]:
        """As the protocol.

        Raises
        ------
        InputError
            The scheduler is gone, or workers have no xbarsim or another one.
        """
        self._check_scheduler()
        futures = []
        try:
            futures.append(self._ended.get(timeout=_MOMENT))
            while True:
                futures.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        futures = [future for future in futures if future in self._tasks]
        waiting: list[tuple[Task, tuple[Any, ...]]] = []
        results = self._gathered([future for future in futures if future.status == "finished"])
        for future in futures:
            task = self._tasks.pop(future)
            result = results[future] if future in results else self._failure(future)
            if result[0] == OTHER_CODE:
                raise InputError(
                    f"--scheduler {self._address}: the worker {result[1]} has another xbarsim than this process: "
                    "install the same for both"
                )
            if result[0] == MISSING:
                waiting.append((task, result))
            else:
                yield task, Attempt(*result)
        for task, (_, worker, keys) in waiting:
            self._bring(task, worker, keys)

    def withdraw(self) -> list[Task]:
        """As the protocol."""
        running: set[str] = set().union(*self._answered(lambda: self._client.run(executing)).values())
        idle = [future for future in self._tasks if future.key not in running and not future.done()]
        tasks = [self._tasks.pop(future) for future in idle]
        self._answered(lambda: self._client.cancel(idle))
        return tasks

    def close(self, *, drop: bool) -> None:
        """As the protocol; tasks that a worker is at it ends by itself, and nobody takes their answers."""
        try:
            if drop and self._tasks and self._client.status == "running":
                self._client.cancel(list(self._tasks))
            self._tasks.clear()
            self._client.close(timeout=_SECONDS)
        except Exception:  # a scheduler that is gone: there is nothing to end
            pass
        finally:
            self._restore()

    def _restore(self) -> None:
        logging.getLogger("distributed").setLevel(self._loud)

    def _bring(self, task: Task, worker: str, keys: list[str]) -> None:
        """Send a worker what a task needs, once, and have the task done."""
        for key in keys:
            place, call = (worker, key), (worker, key, task.key)
            if place in self._sent and call not in self._sent:  # on its way when the task began
                self._sent.add(call)
                continue
            self._sent |= {place, call}
            content = read_artifact(self._folder, key)
            try:
                self._answered(lambda: self._client.run(keep_there, key, content, workers=[worker]))  # noqa: B023
            except InputError:
                raise
            except Exception as error:
                # A worker that died meanwhile: another one says what it needs itself. A full disk fails the study.
                if isinstance(error, OSError) and error.errno is not None:
                    raise InputError(
                        f"--scheduler {self._address}: the worker {worker} cannot keep a file ({error.strerror})"
                    ) from None
        self.submit(task)

    def _answered(self, question: Any) -> Any:
        """Return what the scheduler says to a question."""
        self._check_scheduler()
        try:
            return question()
        except Exception:
            self._check_scheduler()
            raise

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise InputError(
                f"--scheduler {self._address}: the scheduler does not answer any more; what is done is kept: run again "
                "when it is there"
            )

    def _gathered(self, futures: list[Any]) -> dict[Any, tuple[Any, ...]]:
        """Return what tasks came to, asked for together; what its worker took along is asked for one by one."""
        try:
            return dict(zip(futures, self._answered(lambda: self._client.gather(futures)), strict=True))
        except InputError:
            raise
        except Exception:
            return {}

    def _failure(self, future: Any) -> tuple[Any, ...]:
        """Return the fields of an ``Attempt`` of a task that came to nothing."""
        from distributed import KilledWorker

        reason = "the cluster dropped it"
        try:
            if not future.cancelled():
                outcome: tuple[Any, ...] = future.result()
                return outcome
            self._check_scheduler()
        except KilledWorker as error:
            reason = f"the workers that had it died: {error}"
        except (OSError, CancelledError) as error:
            self._check_scheduler()
            reason = f"the cluster lost it: {type(error).__name__}: {error}"
        except Exception as error:  # of no trial, whose own come back as text
            self._check_scheduler()
            raise InputError(
                f"--scheduler {self._address}: a worker cannot begin a trial ({type(error).__name__}: {error}): have "
                "the same xbarsim where workers run; what is done is kept"
            ) from None
        return None, 0.0, reason, True


def _check_answers(address: str) -> None:
    """Ask who answers at an address: a client that waits in vain cannot be closed in time.

    Raises
    ------
    Exception
        Whatever the library raises; ValueError where somebody else than a scheduler answers.
    """
    import distributed

    peer_at: Any = distributed.rpc

    async def identity() -> Any:
        async with peer_at(address, timeout=_SECONDS) as peer:
            return await peer.identity()

    async def answer() -> Any:
        return await asyncio.wait_for(identity(), _SECONDS)

    # In a thread: this one may have a loop of its own, as a notebook's.
    with ThreadPoolExecutor(1) as pool:
        kind = pool.submit(asyncio.run, answer()).result().get("type")
    if kind != "Scheduler":
        raise ValueError(f"it is a {kind}")
