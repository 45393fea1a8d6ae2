"""Count what each one asks for, and say when it is too much."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict

__all__ = ["Buckets", "neighbourhood"]

#: Callers that are remembered; the one that was quiet longest is forgotten first.
_MANY = 50_000


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
