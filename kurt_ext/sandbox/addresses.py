"""Which addresses a name may lead to, when its host was allowed by name.

A name says nothing about where it leads: whoever owns it may let it lead to the machine itself,
to its neighbours, or to the service that hands out the keys of a cloud. So a name, and ``*``,
may lead to addresses that all the world can reach, and to no others.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["is_loopback", "is_own", "is_public", "spelled"]

Address = IPv4Address | IPv6Address

#: Public by its number, and yet the inside of one cloud: Azure's WireServer.
_INSIDE = frozenset({ip_address("168.63.129.16")})
#: NAT64 (RFC 6052 §2.1; RFC 8215 is for local use, and never public).
_NAT64 = ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")
#: Deprecated, or never to be seen: IPv4-compatible, site-local, Teredo, discard, ORCHID, SRv6.
_NEVER = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 240.0.0.0/4 "
        "::/96 fec0::/10 2001::/23 2001:db8::/32 3fff::/20 100::/64 64:ff9b:1::/48 5f00::/16"
    ).split()
)
#: Middle of the interface of an ISATAP address (RFC 5214 §6.1), whose end is an IPv4 address.
_ISATAP = (0x00005EFE, 0x02005EFE)


def spelled(text: str) -> str:
    """Return an address in its one spelling, an IPv4 address within IPv6 as itself.

    :raises ValueError: for what is no address.
    """
    found = ip_address(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def _within(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address go to in the end."""
    number = int(address)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def is_public(text: str) -> bool:
    """Return whether an address is one that all the world can reach.

    Not: loopback, private, link-local (with the services of clouds), shared, multicast,
    reserved and unspecified ones, and those of IPv6 in which such an IPv4 address is put.
    """
    address: Address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        inner = _within(address)
        if inner is not None:
            return is_public(str(inner))
    if address in _INSIDE or any(
        address in network for network in _NEVER if network.version == address.version
    ):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def is_own(text: str) -> bool:
    """Return whether an address is one of this machine's; nothing is sent to find out."""
    # Where a system lets addresses of others be bound, binding says nothing.
    return _binds(text) and not _binds("2001:db8::1" if ":" in text else "192.0.2.1")


def _binds(text: str) -> bool:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((text, 0))
    except OSError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Return whether an address is that of this machine to itself."""
    return ip_address(spelled(text)).is_loopback
