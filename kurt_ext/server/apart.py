"""Judge an upload, and publish it, in processes of their own.

What a stranger sends is unpacked, read and judged where it can take no more than it is
given: processor time, memory, files and wall time. A process that comes to the end of
these is ended with all that it has started. The server hears a verdict, or that there was
none. Nothing of an upload is ever run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import KurtError, LimitError, MarketError, StorageError
from ..jsontext import dumps
from .database import Turn, connect
from .statuses import status_of

if TYPE_CHECKING:
    from ..market.collecting import Found
    from ..market.signing import PrivateKey
    from ..places import Places

__all__ = ["Refusal", "ask", "main"]

# -P: the working directory is no place to import from.
_START = "import sys; sys.path[:] = sys.argv[1:]; from kurt_ext.server.apart import main; main()"
_MAX_ANSWER = 1 << 20
#: Bytes that a process may write to one file.
_LARGEST = 1 << 30
_OPEN = 256
_FINDINGS = 50


class Refusal(Exception):
    """What another process has refused, as the API tells it.

    :param status: of HTTP.
    :param problem: code, message and more.
    :param skill: the id of the skill concerned, as far as it was found out.
    """

    def __init__(self, status: int, problem: dict[str, Any], skill: str = "") -> None:
        super().__init__(problem["message"])
        self.status = status
        self.problem = problem
        self.skill = skill


def ask(job: dict[str, Any], *, wall: float, cpu: int = 0, memory: int = 0) -> dict[str, Any]:
    """Have a job done in another process, and return its answer.

    :param job: what to do, its ``scratch`` a folder of its own.
    :param wall: seconds that it may take.
    :param cpu: seconds of processor time; 0 for any.
    :param memory: bytes; 0 for any.
    :raises Refusal: when the job says so, or came to an end of its limits.
    """
    environment = {key: value for key, value in os.environ.items() if not _secret(key, job)}
    environment |= {"TMPDIR": job["scratch"], "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, *filter(os.path.isabs, sys.path)],
        cwd=job["scratch"],
        env=environment,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    limits = {"cpu": cpu, "memory": memory}
    try:
        answer, _ = process.communicate(dumps({**job, "limits": limits}).encode(), wall)
    except subprocess.TimeoutExpired:
        answer = b""
    finally:
        _end(process)
    if process.returncode < 0 or not answer:
        error = LimitError(
            "the upload could not be judged within what may be used for it",
            hint="leave out what is large or deeply nested",
        )
        raise Refusal(422, _problem(error))
    if len(answer) > _MAX_ANSWER:
        raise Refusal(500, {"code": "market-invalid", "message": "the answer is too long"})
    found: dict[str, Any] = json.loads(answer)
    if "refused" in found:
        raise Refusal(found["status"], found["refused"], found.get("skill") or "")
    return found


def _secret(variable: str, job: dict[str, Any]) -> bool:
    """Return whether a process has no business with a variable: what opens doors elsewhere.

    libpq reads the password of the database from the environment, where somebody has put it.
    """
    if variable.startswith("PG"):
        return not job.get("database")
    return variable in ("KURT_TOKEN", "KURT_MARKET_TOKEN", "KURT_MARKET_DATABASE")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    else:
        process.kill()
    process.communicate()


def _problem(error: KurtError) -> dict[str, Any]:
    return {
        "code": error.reference,
        "message": error.message,
        "cause": error.cause,
        "hint": error.hint,
        "candidates": list(error.candidates),
    }


# -- in the other process ------------------------------------------------------------


def main() -> None:
    """Do the job that stands on stdin, and write the answer to stdout."""
    job = json.loads(sys.stdin.buffer.read())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    _limit(job["limits"])
    try:
        answer = _JOBS[job["do"]](job)
    except KurtError as error:
        told = {"status": status_of(error), "refused": _told(error, job)}
        answer = {**told, "skill": error.skill}
    except (MemoryError, RecursionError):
        os._exit(1)  # without an answer, which is told as what it is
    except OSError as error:
        refused = _problem(MarketError("the upload cannot be read", cause=error.strerror))
        answer = {"status": 500, "refused": refused}
    out.write(dumps(answer).encode())
    out.close()


def _limit(limits: dict[str, int]) -> None:
    if sys.platform == "win32":
        return  # wall time alone holds there
    import resource

    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _LARGEST)]
    if limits["cpu"]:
        wanted.append((resource.RLIMIT_CPU, limits["cpu"]))
    if limits["memory"]:
        wanted += [(resource.RLIMIT_AS, limits["memory"]), (resource.RLIMIT_NOFILE, _OPEN)]
    for which, most in wanted:
        hard = resource.getrlimit(which)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (least, least))


def _told(error: KurtError, job: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of an error, without the folders of this machine."""
    problem = _problem(error)
    for key in ("message", "cause", "hint"):
        text = problem[key]
        if isinstance(text, str):
            for folder, word in ((job["scratch"] + os.sep, ""), (job["root"], "the marketplace")):
                text = text.replace(folder, word)
            problem[key] = text[:4000]
    report = getattr(error, "validation_result", None)
    if report is not None:
        problem["findings"] = [
            {key: row[key] for key in ("rule", "severity", "message", "path", "line", "fix")}
            for row in report.as_dict()["findings"]
            if row["severity"] != "info"
        ][:_FINDINGS]
    return problem


def _places(job: dict[str, Any]) -> Places:
    from ..places import Places

    return Places(job["project"])


def _key(job: dict[str, Any]) -> PrivateKey | None:
    """Return the key that signs the index, if it is to be signed.

    :raises StorageError: when it cannot be had, which is nothing that a publisher can mend.
    """
    from ..market.keys import Keyring
    from ..market.market_toml import read_settings

    try:
        return Keyring(_places(job)).chosen(None, read_settings(job["root"]).key)
    except KurtError as error:
        raise StorageError("the key that signs the index cannot be used") from error


def _judge(job: dict[str, Any]) -> dict[str, Any]:
    """Unpack an upload, and judge it; write the report into a file."""
    from ..market import releasing
    from ..market.books import Books
    from ..market.judging import Judge

    books = Books(job["root"])
    who = job["publisher"]
    known = [name for name, row in books.rows.items() if row["publisher"] != who]
    judge = Judge(_places(job), books.settings.profile, known)
    minimum = books.settings.minimum_score
    if job["upload"].endswith(".whl"):
        from ..market.collecting import unpacked_wheel

        with unpacked_wheel([job["upload"]]) as (found, dist_info):
            if releasing.is_there(books, found, who):
                return _answer(found, found.path)
            report = judge.wheel(dist_info, found.record)
    else:
        found, files = _unpacked(job, books)
        if releasing.is_there(books, found, who):
            return _answer(found, found.path)
        report = judge.folder(found.path, files)
    releasing.gate(found, report, minimum)
    judged = os.path.join(job["scratch"], "judged.json")
    with open(judged, "w", encoding="utf-8") as stream:
        stream.write(dumps({"report": report, "ruleset": judge.ruleset}))
    return _answer(found, found.path, judged)


def _answer(found: Found, path: str, judged: str = "") -> dict[str, Any]:
    return {"name": found.name, "version": found.version, "path": path, "judged": judged}


def _unpacked(job: dict[str, Any], books: Any) -> tuple[Found, dict[str, bytes]]:
    """Return the skill in a zip, unpacked into a folder of its name, and its files."""
    from ..manifest import read
    from ..market.building import words
    from ..market.collecting import folder_files, of_folder
    from ..market.extracting import Budget, extract

    settings = books.settings
    first = os.path.join(job["scratch"], "unpacked")
    extract(job["upload"], first, budget=Budget(settings.max_files, settings.max_bytes))
    record = read(first).record
    folder = first
    if record is not None:
        folder = os.path.join(job["scratch"], "skill", str(record["id"]))
        os.makedirs(os.path.dirname(folder))
        os.rename(first, folder)
    files = folder_files(folder, settings.max_files, settings.max_bytes)
    return of_folder(folder, files, words()), files


@contextmanager
def _turn(job: dict[str, Any]) -> Iterator[Turn]:
    """Give the turn to write the folder, to this process and as long as it is there.

    :raises LockedError: when others have it for long.
    """
    if not job["database"]:
        yield Turn()  # the folder's own lock is enough on one machine
        return
    database = connect(job["database"])
    try:
        with database.turn() as turn:
            yield turn
    finally:
        database.close()


def _publish(job: dict[str, Any]) -> dict[str, Any]:
    from ..market.proofs import Proof
    from ..market.publishing import publish

    places = _places(job)
    judged: dict[str, Any] = {"report": None, "ruleset": ""}
    if job["judged"]:
        with open(job["judged"], encoding="utf-8") as stream:
            judged = json.load(stream)
    key = _key(job)
    with _turn(job) as turn:
        found = publish(
            job["path"],
            job["root"],
            places,
            publisher=job["publisher"],
            index_key=key,
            proof=Proof.parse(job["proof"]) if job["proof"] else None,
            report=judged["report"],
            ruleset=judged["ruleset"],
            check=turn.check,
        )
        turn.done(found.snapshot)
    return dict(found._asdict())


def _yank(job: dict[str, Any]) -> dict[str, Any]:
    from ..market.publishing import yank

    key = _key(job)
    with _turn(job) as turn:
        number = yank(
            job["root"],
            job["name"],
            job["version"],
            job["reason"],
            index_key=key,
            check=turn.check,
        )
        turn.done(number)
    return {"snapshot": number}


def _attest(job: dict[str, Any]) -> dict[str, Any]:
    from ..market.attaching import read_evidence
    from ..market.testimony import attest

    key = _key(job)
    with _turn(job) as turn:
        found = attest(
            job["root"],
            job["name"],
            job["version"],
            read_evidence(job["upload"]),
            job["publisher"],
            index_key=key,
            check=turn.check,
        )
        turn.done(found.snapshot)
    return dict(found._asdict())


_JOBS = {"judge": _judge, "publish": _publish, "yank": _yank, "attest": _attest}
