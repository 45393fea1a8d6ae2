"""A marketplace behind a server, as somebody sees it who publishes there.

The token goes to that server alone: it is sent over an encrypted way or within this machine,
and no redirect is followed with it.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import quote, urlencode

from ..errors import IntegrityError, MarketError, NetworkError
from .fetching import refuse_address
from .proofs import Proof
from .refusals import refusal

__all__ = ["Attested", "Holder", "Receipt", "Remote"]

_T = TypeVar("_T")
_LARGEST = 1 << 20
#: Seconds without a byte: a release may be judged for three minutes, and written for five.
_IDLE = 600.0
#: A minute and more, where a server says to wait five seconds each time.
_TRIES = 8
#: Of those, so many where it cannot be reached at all.
_CALLS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30
#: A server that is busy, or begins anew; and a proxy whose server does.
_AGAIN = frozenset((502, 503, 504))


class Holder(NamedTuple):
    """Who holds a token.

    :param max_bytes: that a zip may have. ``max_wheel_bytes``: that a wheel may.
    """

    publisher: str
    max_bytes: int
    max_wheel_bytes: int


class Receipt(NamedTuple):
    """What a server says that it has published."""

    plugin_id: str
    version: str
    publisher: str
    new: bool
    security_score: int | None
    digest: str
    signed_by: str | None
    snapshot: int


class Attested(NamedTuple):
    """What a server says of an attestation.

    :param identities: who has made it, in a line each.
    """

    identities: tuple[str, ...]
    snapshot: int


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    data: bytes


class Remote:
    """The publishers' door of a server.

    :param url: where it is reached.
    :param token: whoever publishes there has.
    :param allow_http: whether it may be asked without encryption; this machine always may.
    :param pause: waits for seconds.
    :raises MarketError: when the address may not be asked.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        allow_http: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        refuse_address(self.url, allow_http=allow_http)
        self._token = token
        self._pause = pause
        self._opener = urllib.request.OpenerDirector()
        # No handler of redirects nor of errors: what is not here cannot happen.
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
        ):
            self._opener.add_handler(handler)

    def holder(self) -> Holder:
        """Return who holds the token.

        :raises KurtError: as :func:`refusals.refusal` has it.
        """
        return _read(Holder, self._json(self._ask("api/v1/token"), ""), self.url)

    def publish(
        self, data: bytes, *, path: str, wheel: bool = False, proof: Proof | None = None
    ) -> Receipt:
        """Send a release; the same bytes are published once, however often they are sent.

        :param data: a zip, or a wheel.
        :param path: of what it was made of, for messages; a wheel's name is its filename.
        :param proof: the publisher's signature over it.
        :raises KurtError: as :func:`refusals.refusal` has it.
        """
        query = "?" + urlencode({"filename": os.path.basename(path)}) if wheel else ""
        headers = {"Content-Type": "application/octet-stream" if wheel else "application/zip"}
        if proof is not None:
            headers["Kurt-Signature"] = str(proof)
        answer = self._ask(f"api/v1/plugins{query}", "POST", data, headers)
        return _read(Receipt, self._json(answer, path), self.url)

    def attest(self, name: str, version: str, evidence: bytes, *, path: str) -> Attested:
        """Send an attestation of a release that is published.

        :param evidence: a Sigstore bundle, or an attestation or a provenance after PEP 740.
        :param path: of the release, for messages.
        :raises KurtError: as :func:`refusals.refusal` has it.
        """
        where = f"api/v1/plugins/{quote(name, '')}/versions/{quote(version, '')}/attestations"
        headers = {"Content-Type": "application/json"}
        found = self._json(self._ask(where, "POST", evidence, headers), path)
        who, snapshot = found.get("identities"), found.get("snapshot")
        if not isinstance(who, list) or not isinstance(snapshot, int):
            raise MarketError(f"{self.url} answers what cannot be understood")
        return Attested(tuple([str(one)[:600] for one in who[:16]]), snapshot)

    def yank(self, name: str, version: str, reason: str | None) -> int:
        """Say that nobody should take a release any more, or take that back.

        :param reason: why; None takes it back.
        :returns: the number of the index that says so.
        :raises KurtError: as :func:`refusals.refusal` has it.
        """
        where = f"api/v1/plugins/{quote(name, '')}/versions/{quote(version, '')}/yank"
        if reason is None:
            answer = self._ask(where, "DELETE")
        else:
            body = json.dumps({"reason": reason}).encode()
            answer = self._ask(where, "POST", body, {"Content-Type": "application/json"})
        snapshot = self._json(answer, "").get("snapshot")
        return snapshot if isinstance(snapshot, int) else 0

    def _json(self, answer: _Answer, path: str) -> dict[str, Any]:
        """Return what a good answer holds.

        :raises KurtError: for any other.
        """
        try:
            found = json.loads(answer.data)
        except (ValueError, RecursionError):
            found = None
        found = found if isinstance(found, dict) else {}
        if answer.status in (200, 201) and found:
            return found
        problem = found.get("error")
        known = problem if isinstance(problem, dict) and "code" in problem else None
        if answer.status in (300, 301, 302, 303, 307, 308):
            target = {key.lower(): value for key, value in answer.headers.items()}.get("location")
            raise MarketError(
                f"{self.url} leads on, and a token goes nowhere else",
                cause=f"to {target[:200]}" if target else None,
                hint="if you know that server, name it: --to URL",
            )
        if answer.status < 400 or (known is None and answer.status in (404, 405, 501)):
            raise MarketError(
                f"there is no server at {self.url} that takes releases",
                cause=f"it answers {answer.status}, and not as `kurt market serve` does",
                hint="publish into the folder that it serves: kurt market publish … --to FOLDER",
            )
        wait = _seconds(answer)
        raise refusal(answer.status, known or {}, url=self.url, path=path, wait=wait)

    def _ask(
        self,
        where: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        """Return an answer; ask again where the server is busy or was out of reach.

        :raises NetworkError: when it cannot be reached.
        :raises IntegrityError: when the answer is too long.
        """
        pause, calls = _FIRST_PAUSE, 0
        for number in range(1, _TRIES + 1):
            try:
                answer = self._once(where, method, body, headers or {})
            except (OSError, http.client.HTTPException) as error:
                calls += 1
                if calls == _CALLS or number == _TRIES or isinstance(error, TimeoutError):
                    reason = getattr(error, "reason", None) or error
                    raise NetworkError(
                        f"{self.url} cannot be reached",
                        cause=str(reason) or type(error).__name__,
                        hint="try again; the same bytes are published once",
                    ) from error
                self._pause(pause)
            else:
                if answer.status not in _AGAIN or number == _TRIES:
                    return answer
                self._pause(min(_seconds(answer) or pause, _LONGEST_PAUSE))
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise AssertionError("unreachable")

    def _once(
        self, where: str, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> _Answer:
        from .. import __version__

        request = urllib.request.Request(
            self.url + where, data=body, headers=dict(headers), method=method
        )
        request.add_header("User-Agent", f"kurt-ext/{__version__}")
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        with self._opener.open(request, timeout=_IDLE) as response:
            data = response.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise IntegrityError(f"the answer of {self.url} has more than {_LARGEST:,} bytes")
            return _Answer(response.status, dict(response.headers.items()), data)


def _seconds(answer: _Answer) -> int:
    """Return the seconds that an answer says to wait; 0 for none."""
    headers = {key.lower(): value for key, value in answer.headers.items()}
    text = headers.get("retry-after", "")
    return int(text[:9]) if text.isdigit() else 0


def _read(kind: type[_T], found: Mapping[str, Any], url: str) -> _T:
    """Return an answer as what it should be.

    :raises MarketError: when it is something else.
    """
    values = {}
    for name, allowed in get_type_hints(kind).items():
        value = values[name] = found.get(name)
        # To Python a boolean is a number too.
        if not isinstance(value, allowed) or (isinstance(value, bool) and allowed is not bool):
            raise MarketError(f"{url} answers what cannot be understood", cause=f"{name} is wrong")
    return kind(**values)
