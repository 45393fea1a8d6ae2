"""Count what each one asks for, and say when it is too much."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .database import Database

__all__ = ["Buckets", "KeptBuckets", "Limit", "neighbourhood", "sweep"]

#: Callers that are remembered; the one that was quiet longest is forgotten first.
_MANY = 50_000


class Limit(Protocol):
    """What says whose turn it is."""

    def take(self, caller: str) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        ...


class Buckets:
    """A bucket of tokens for each caller: it fills at a rate, and each request takes one.

    :param rate: tokens a second; 0 for no limit.
    :param burst: so many it holds.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, now: float | None = None) -> float:
        """Take a token; return 0, or the seconds until there is one.

        :param now: the monotonic clock if None.
        """
        if not self.rate:
            return 0.0
        moment = time.monotonic() if now is None else now
        level, wait = self._level(caller, moment)
        if wait:
            return wait
        self._levels[caller] = (level - 1, moment)
        self._levels.move_to_end(caller)
        if len(self._levels) > _MANY:
            self._levels.popitem(last=False)
        return 0.0

    def wait(self, caller: str, now: float | None = None) -> float:
        """Return the seconds until there is a token, and take none."""
        moment = time.monotonic() if now is None else now
        return self._level(caller, moment)[1] if self.rate else 0.0

    def _level(self, caller: str, moment: float) -> tuple[float, float]:
        level, last = self._levels.get(caller, (self.burst, moment))
        level = min(self.burst, level + (moment - last) * self.rate)
        return level, 0.0 if level >= 1 else (1 - level) / self.rate


class KeptBuckets:
    """Buckets in the database: the same for all servers that share it, and after a restart.

    Of each only the moment is kept at which it would be as empty as it may ever be (the
    generic cell rate algorithm), so that one statement asks and takes.

    :param kind: what is counted; buckets of two kinds are apart.
    :param rate: tokens a second, more than 0.
    :param burst: so many a bucket holds.
    """

    def __init__(self, database: Database, kind: str, rate: float, burst: float) -> None:
        self._database = database
        self._kind = kind
        self._each = 1 / rate
        self._ahead = (burst - 1) * self._each + 1e-6

    def take(self, caller: str, now: float | None = None) -> float:
        """Take a token; return 0, or the seconds until there is one.

        :param now: seconds since 1970; the present if None.
        :raises StorageError: when the database cannot be used.
        """
        moment = time.time() if now is None else now
        taken = self._database.write(
            "INSERT INTO bucket VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET empty_at ="
            " CASE WHEN bucket.empty_at > ? THEN bucket.empty_at ELSE ? END + ?"
            " WHERE bucket.empty_at <= ?",
            *(self._name(caller), moment + self._each, moment, moment, self._each),
            moment + self._ahead,
        )
        return 0.0 if taken else self.wait(caller, moment)

    def wait(self, caller: str, now: float | None = None) -> float:
        """Return the seconds until there is a token, and take none.

        :raises StorageError: when the database cannot be used.
        """
        moment = time.time() if now is None else now
        query = self._database.read(
            "SELECT empty_at FROM bucket WHERE name = ?", self._name(caller)
        )
        return max(0.0, query[0][0] - moment - self._ahead) if query else 0.0

    def _name(self, caller: str) -> str:
        return f"{self._kind} {caller}"


def sweep(database: Database) -> None:
    """Forget the buckets that are full again.

    :raises StorageError: when the database cannot be used.
    """
    database.write("DELETE FROM bucket WHERE empty_at < ?", time.time())


def neighbourhood(address: str) -> str:
    """Return what counts as one caller: an address, and of IPv6 the network that one is given.

    >>> neighbourhood("2001:db8::1"), neighbourhood("192.0.2.7")
    ('2001:db8::/64', '192.0.2.7')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
