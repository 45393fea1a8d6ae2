"""Judge many skills at once, each in a process that may die without the others.

A worker is a fresh interpreter, not a fork: the host may have threads. It is told
one folder at a time, in a line of JSON on its stdin, and answers with a report. A
worker that dies or does not end is a finding about the folder that it was judging;
another takes its place. What a check prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from threading import Timer
from typing import TYPE_CHECKING, Any

from .findings import Finding
from .hostfacts import HostFacts
from .jsontext import dumps
from .report import Report
from .validator import Check, validate
from .verdicts import plain

if TYPE_CHECKING:
    import subprocess

__all__ = ["Job", "Pool", "judge_all", "serve"]

#: Seconds after which a folder is given up; the slowest that is judged takes ten.
TIMEOUT = 120.0
# -P: the working directory, which may be what is judged, is no place to import from.
_START = "import sys; sys.path[:] = sys.argv[1:]; from kurt_ext.jobs import serve; serve()"


class Job:
    """How folders are judged: what crosses to the worker processes.

    :param checks: what is asked.
    :param facts: what is known of the host.
    """

    __slots__ = ("checks", "facts", "profile")

    def __init__(self, profile: str, checks: Sequence[Check], facts: HostFacts) -> None:
        self.profile = profile
        self.checks = tuple(checks)
        self.facts = facts

    def judge(self, folder: str) -> dict[str, Any]:
        """Return the report on a folder, as JSON values."""
        report = validate(folder, profile=self.profile, checks=self.checks, facts=self.facts)
        return report.as_dict()

    def as_json(self) -> dict[str, Any]:
        """Return the values that :meth:`from_json` takes."""
        return {
            "profile": self.profile,
            "checks": [list(check) for check in self.checks],
            "facts": plain(self.facts._asdict()),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Job:
        """Return the job that :meth:`as_json` was called on."""
        facts = dict(row["facts"])
        facts["known_ids"] = frozenset(facts["known_ids"])
        facts["reserved_prefixes"] = tuple(facts["reserved_prefixes"])
        checks = [Check(*check) for check in row["checks"]]
        return cls(row["profile"], checks, HostFacts(**facts))


def judge_all(
    job: Job,
    folders: Sequence[str],
    *,
    jobs: int = 1,
    done: Callable[[int, dict[str, Any]], None] = lambda number, row: None,
    timeout: float = TIMEOUT,
) -> list[dict[str, Any]]:
    """Return the reports on folders, in their order.

    :param jobs: so many processes; 1 judges in this one.
    :param done: is told the number of each folder and its report as they come, one at a time.
    :param timeout: seconds that a process may take for one folder.
    """
    if jobs <= 1 or len(folders) <= 1:
        rows = []
        for number, folder in enumerate(folders):
            rows.append(job.judge(folder))
            done(number, rows[-1])
        return rows
    with Pool(job, min(jobs, len(folders)), timeout) as pool:
        asked = {pool.submit(folder): number for number, folder in enumerate(folders)}
        for future in as_completed(asked):
            done(asked[future], future.result())
        return [future.result() for future in asked]


class Pool:
    """Processes that judge one folder after the other, and are there until all are judged.

    To start one takes as long as to judge some dozens of skills.

    :param jobs: so many processes.
    :param timeout: seconds that a process may take for one folder.
    """

    def __init__(self, job: Job, jobs: int, timeout: float = TIMEOUT) -> None:
        self._workers = [_Worker(job, timeout) for _ in range(jobs)]
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="kurt-judge")

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        # Whoever waits for an answer gets none any more, so that no thread is waited for long.
        for worker in self._workers:
            worker.end()
        self._threads.shutdown()
        for worker in self._workers:
            worker.end()

    def submit(self, folder: str) -> Future[dict[str, Any]]:
        """Have a folder judged as soon as a process is free."""
        return self._threads.submit(self._judge, folder)

    def _judge(self, folder: str) -> dict[str, Any]:
        worker = self._free.get()
        try:
            return worker.judge(folder)
        finally:
            self._free.put(worker)


class _Worker:
    """A process that judges one folder after the other, and is replaced when it dies."""

    def __init__(self, job: Job, timeout: float) -> None:
        self._job = job
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._late = False

    def judge(self, folder: str) -> dict[str, Any]:
        """Return the report on a folder, or what became of the process."""
        self._late = False
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        timer = Timer(self._timeout, self._give_up)
        timer.start()
        try:
            process.stdin.write(dumps(os.fsdecode(folder)).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            row = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            row = None
        finally:
            timer.cancel()
        if isinstance(row, dict):
            return row
        self.end()
        return self._lost(folder, process.returncode)

    def _start(self) -> subprocess.Popen[bytes]:
        import subprocess

        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, *_search_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process = process
        try:
            assert process.stdin is not None
            process.stdin.write(dumps(self._job.as_json()).encode() + b"\n")
        except OSError:
            pass  # it is dead already, which the answer will say
        return process

    def _give_up(self) -> None:
        self._late = True
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                pass
        process.wait()

    def _lost(self, folder: str, code: int | None) -> dict[str, Any]:
        if self._late:
            what = f"it was not done after {self._timeout:g} seconds"
        elif code is not None and code < 0 and code != -9:
            what = f"the process that judged it died of signal {-code}"
        else:
            what = "the process that judged it died"
        finding = Finding(
            "judge-died",
            "error",
            f"nothing is known of it: {what}",
            category="resource_exhaustion",
            confidence="certain",
            fix=f"kurt validate --jobs 1 {folder}",
        )
        report = Report(folder, None, self._job.profile, [finding], complete=False)
        return report.as_dict()


def _search_path() -> list[str]:
    """Return what a worker imports from: as this process, without the working directory."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    return [path for path in sys.path if path and (path != here or path == own)]


def serve() -> None:
    """Judge the folders that stdin names, until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever prints must not be taken for an answer.
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    try:
        job = Job.from_json(json.loads(requests.readline()))
        for line in requests:
            row = job.judge(json.loads(line))
            answers.write(dumps(row).encode() + b"\n")
            answers.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)
