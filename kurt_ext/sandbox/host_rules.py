"""Whether a worker may reach a host, and which of the addresses it leads to."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from .. import grant_hosts
from ..grants import Grants
from .addresses import is_loopback, is_own, is_public, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..grant_hosts import Host

__all__ = ["HostRules", "Refused", "is_address"]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


class Refused(PermissionError):
    """It is not allowed; the text is for whoever wrote the manifest."""


class HostRules:
    """What the ``network_hosts`` of one skill allow.

    :param hosts: its entries; what is no valid one allows nothing.
    """

    def __init__(self, skill: str, hosts: Sequence[str]) -> None:
        self.skill = skill
        self._grants = Grants.of({"network_hosts": list(hosts)})
        found = [grant_hosts.parse(entry) for entry in hosts]
        self._entries = [entry for entry in found if entry is not None]

    def allowed(self, host: str, port: int) -> tuple[str, list[Host]]:
        """Return a host as name servers know it, and the entries that allow it.

        :raises Refused: where none does.
        """
        known = grant_hosts.parse(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        if known is None or known.wild or not (":" in host or _LETTERS.issuperset(host)):
            shown = "".join(letter if letter.isprintable() else "?" for letter in host)
            raise _refused(f"{self.skill} may not reach {shown}: it is no host")
        matching = [entry for entry in self._entries if grant_hosts.contains(entry, known)]
        if matching:
            return known.name, matching
        why = self._grants.why_not("network_hosts", str(known))
        where = known.name if port in (80, 443) else str(known)
        raise _refused(f"{self.skill} may not reach {known}: {why}; {_remedy(self.skill, where)}")

    def judged(self, addresses: Sequence[str], name: str, port: int, by: list[Host]) -> list[str]:
        """Return those of a host's addresses that it may lead to.

        :raises Refused: where it may lead to none of them.
        """
        here = name == "localhost" and any(entry.name == name for entry in by)
        found = [
            spelled(one)
            for one in addresses
            if (is_public(one) and not is_own(one))
            or (here and is_loopback(one))
            or self._names(spelled(one), port)
        ]
        if addresses and not found:
            one = addresses[0]
            leads = "is" if name == spelled(one) else f"leads to {one}, which is"
            what = "this very machine" if is_public(one) else "no public address"
            raise _refused(
                f"{self.skill} may not reach {name}:{port}: it {leads} {what}; if that is meant, "
                f"{_remedy(self.skill, spelled(one.partition('%')[0]))}"
            )
        return found

    def _names(self, address: str, port: int) -> bool:
        """Return whether an entry is this very address."""
        return any(
            not entry.wild and entry.name == address and entry.port in (None, port)
            for entry in self._entries
        )


def _refused(text: str) -> Refused:
    return Refused(errno.EACCES, text)


def _remedy(skill: str, entry: str) -> str:
    return f'write "{entry}" into network_hosts, under permissions in the manifest of {skill}'


def is_address(name: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        spelled(name)
    except ValueError:
        return False
    return True
