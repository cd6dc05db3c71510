"""Tasks on whatever a Dask scheduler has: machines of a network, Slurm, Kubernetes, or two workers on this machine."""

from __future__ import annotations

import itertools
import logging
import os
import queue
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.cluster_worker import OTHER_CODE, executing, keep, perform_there
from xbarsim.study.executors import Outcome
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
            self._client: Any = client(address, timeout=_SECONDS, set_as_default=False)
        except Exception as error:  # a bad address is a ValueError, a KeyError, a socket's error
            self._restore()
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise InputError(
                f"--scheduler {address}: no Dask scheduler answers there ({reason}): start one with dask scheduler, "
                "and give the address that it prints"
            ) from None
        self._tasks: dict[Any, Task] = {}
        self._artifacts: dict[str, Any] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._names = (f"xbarsim-{os.getpid()}-{time.time_ns()}-{number}" for number in itertools.count())
        self._width, self._counted = 1, 0.0

    @property
    def width(self) -> int:
        """As the protocol; 1 while there are no workers, so that a task waits for the first."""
        if time.monotonic() - self._counted > _LOOK:
            self._counted = time.monotonic()
            self._width = max(1, sum(self._asked(self._client.nthreads).values()))
        return self._width

    def submit(self, task: Task) -> None:
        """As the protocol."""
        sent = [self._sent(key) for key in task.needs]
        future = self._asked(
            lambda: self._client.submit(
                perform_there, task, list(task.needs), sent, self._limits, key=next(self._names), pure=False
            )
        )
        self._tasks[future] = task
        future.add_done_callback(self._ended.put)

    def outcomes(self) -> Iterator[tuple[Task, Outcome]]:
        """As the protocol.

        Raises
        ------
        InputError
            The scheduler is gone, or workers have no xbarsim or another one.
        """
        self._check_scheduler()
        try:
            future = self._ended.get(timeout=_MOMENT)
            while True:
                if future in self._tasks:
                    outcome = self._outcome(future)
                    yield self._tasks.pop(future), outcome
                future = self._ended.get_nowait()
        except queue.Empty:
            return

    def withdraw(self) -> list[Task]:
        """As the protocol."""
        running: set[str] = set().union(*self._asked(lambda: self._client.run(executing)).values())
        idle = [future for future in self._tasks if future.key not in running and not future.done()]
        tasks = [self._tasks.pop(future) for future in idle]
        self._asked(lambda: self._client.cancel(idle))
        return tasks

    def close(self, *, drop: bool) -> None:
        """As the protocol; tasks that a worker is at it ends by itself, and nobody takes their answers."""
        try:
            if drop and self._tasks and self._client.status == "running":
                self._client.cancel(list(self._tasks))
            self._tasks.clear()
            self._artifacts.clear()
            self._client.close(timeout=_SECONDS)
        except Exception:  # a scheduler that is gone: there is nothing to end
            pass
        finally:
            self._restore()

    def _restore(self) -> None:
        logging.getLogger("distributed").setLevel(self._loud)

    def _sent(self, key: str) -> Any:
        """Return an artifact as the cluster has it: sent once, and anew from the scheduler if its worker dies."""
        if key not in self._artifacts:
            content = (self._folder / key).read_bytes()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")
                self._artifacts[key] = self._asked(
                    lambda: self._client.submit(keep, content, key=next(self._names), pure=False)
                )
        return self._artifacts[key]

    def _asked(self, question: Any) -> Any:
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

    def _outcome(self, future: Any) -> Outcome:
        from distributed import KilledWorker

        try:
            if future.cancelled():
                self._check_scheduler()
                return Outcome(None, 0.0, "the cluster dropped it", from_outside=True)
            found = future.result()
        except KilledWorker as error:
            return Outcome(None, 0.0, f"the workers that had it died: {error}", from_outside=True)
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"--scheduler {self._address}: a worker cannot begin a trial ({error}): install this xbarsim, with its "
                "extras, where workers run"
            ) from None
        except Exception as error:
            self._check_scheduler()
            return Outcome(None, 0.0, "".join(traceback.format_exception(error)), from_outside=True)
        if found[0] == OTHER_CODE:
            raise InputError(
                f"--scheduler {self._address}: the worker {found[1]} has another xbarsim than this process: install "
                "the same for both"
            )
        return Outcome(*found)
