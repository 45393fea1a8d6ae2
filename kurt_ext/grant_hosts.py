"""Which hosts an entry of ``network_hosts`` lets a skill talk to.

An entry is a host, ``*.`` and a host, or ``*``; behind it a port may stand. ``*.example.com``
is every host beneath example.com, at any depth, and not example.com itself. Labels are compared
whole: no entry covers a host because one text is part of the other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Host", "contains", "covers", "meet", "parse"]

#: In a target: a part that reading the code does not tell.
UNKNOWN = "…"
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ftps": 990}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
#: Longest name and label in the domain name system (RFC 1035 §2.3.4).
_MAX_NAME, _MAX_LABEL = 253, 63


class Host:
    """One entry or one target, taken apart.

    :param name: in ASCII and lower case, without a dot at the end; "" with a wildcard is every
        host.
    :param wild: whether it is all that lies beneath the name.
    :param port: None for any.
    :param implied: the port that the scheme of a URL stands for.
    """

    __slots__ = ("implied", "name", "port", "wild")

    def __init__(
        self, name: str, wild: bool = False, port: int | None = None, implied: int | None = None
    ) -> None:
        self.name = name
        self.wild = wild
        self.port = port
        self.implied = implied

    def __str__(self) -> str:
        shown = f"[{self.name}]" if ":" in self.name else self.name
        if self.wild:
            shown = f"*.{shown}" if shown else "*"
        return shown if self.port is None else f"{shown}:{self.port}"


def parse(text: str) -> Host | None:
    """Return an entry or a target; None where it names no host that could be reached.

    A URL stands for its host: what is behind an ``@`` counts, never what is before it. A port
    that is written restricts; that of a scheme alone does not.
    """
    text = text.strip()
    if not text or not text.isprintable() or " " in text or "\\" in text:
        return None  # where a backslash ends a host, clients disagree
    scheme, found, rest = text.partition("://")
    implied = None
    if found:
        implied = _PORTS.get(scheme.lower())
    else:
        rest = text.removeprefix("//")
    for end in "/?#":
        rest = rest.partition(end)[0]
    rest = rest.rpartition("@")[2]
    host, port = _split(rest)
    if host is None or (port and not (port.isascii() and port.isdigit() and int(port) < 65536)):
        return None
    number = int(port) if port else None
    if host == "*":
        return Host("", True, number, implied)
    wild = host.startswith("*.")
    name = _address(host) if ":" in host else _name(host[2:] if wild else host)
    if not name or (wild and (":" in name or _is_numeric(name))):
        return None
    return Host(name, wild, number, implied)


def _split(text: str) -> tuple[str | None, str]:
    """Return host and port of an authority without its user; None for what is neither."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            return None, ""
        return host, rest[1:]
    if text.count(":") > 1:
        return text, ""  # an IPv6 address without brackets
    host, _, port = text.partition(":")
    return host, port


def _name(text: str) -> str | None:
    """Return the name of a host as name servers know it."""
    name = text.lower()
    if not name.isascii():
        if UNKNOWN in name:
            return None
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > _MAX_NAME or not all(
        label and len(label) <= _MAX_LABEL and _LETTERS.issuperset(label) for label in labels
    ):
        return None
    return _address(name) if _is_numeric(name) else name


def _is_numeric(name: str) -> bool:
    """Return whether clients take a name for an IPv4 address (WHATWG URL, "ends in a number")."""
    last = name.rpartition(".")[2]
    return last.isdigit() or (last.startswith("0x") and not last[2:].strip("0123456789abcdef"))


def _address(text: str) -> str | None:
    """Return an IP address in its one spelling; None for 127.1, 0x7f000001 and the like."""
    from ipaddress import ip_address

    try:
        found: Any = ip_address(text)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def contains(entry: Host, other: Host) -> bool:
    """Return whether all that ``other`` allows, ``entry`` allows too."""
    if entry.port is not None and entry.port != other.port:
        return False
    return _names(entry, other)


def _names(entry: Host, other: Host) -> bool:
    if not entry.wild:
        return not other.wild and entry.name == other.name
    if not entry.name:
        return True
    if other.wild and entry.name == other.name:
        return True
    return other.name.endswith("." + entry.name)


def covers(entry: Host, target: str) -> bool:
    """Return whether an entry covers a host or URL.

    A target without a port asks whether some port of it is covered. In a target ``…`` stands
    for a part that nobody knows: it is covered where something could stand there so that it is.
    """
    if UNKNOWN in target:
        return _could(entry, target)
    host = parse(target)
    if host is None:
        return False
    port = host.port if host.port is not None else host.implied
    if entry.port is not None and port is not None and entry.port != port:
        return False
    return _names(entry, host)


def _could(entry: Host, target: str) -> bool:
    """Return whether an entry could cover a target of which a part is not known."""
    scheme, found, rest = target.partition("://")
    rest = rest if found else target
    for end in "/?#":
        rest = rest.partition(end)[0]
    rest = rest.rpartition("@")[2]
    if UNKNOWN not in rest:
        return covers(entry, f"{scheme}://{rest}" if found else rest) if rest else True
    before, _, after = rest.partition(UNKNOWN)
    after = after.rpartition(UNKNOWN)[2].partition(":")[0].lower().removesuffix(".")
    host, colon, _ = before.partition(":")
    if colon:  # only the port, or what stands behind it, is unknown
        return covers(Host(entry.name, entry.wild), host)
    before = before.lower()
    if not after and "." in before and before[-1] not in ".-":
        return covers(entry, before)  # a path follows, most likely
    if entry.wild:
        tail = "." + entry.name if entry.name else ""
        return not after or tail.endswith(after) or after.endswith(tail)
    name = entry.name
    fits = name.startswith(before) and name.endswith(after)
    return fits and len(before) + len(after) <= len(name)


def meet(one: Host, two: Host) -> Host | None:
    """Return what both allow; None for nothing."""
    if one.port is not None and two.port is not None and one.port != two.port:
        return None
    port = one.port if one.port is not None else two.port
    if _names(one, two):
        return Host(two.name, two.wild, port)
    if _names(two, one):
        return Host(one.name, one.wild, port)
    return None
