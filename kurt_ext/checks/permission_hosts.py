"""Which hosts are everybody's, or hand out what nobody should have: the list of hosts."""

from __future__ import annotations

import re
from functools import cache

from ..sources import show
from .permission_paths import Verdict

__all__ = ["host"]

_EVERY_HOST = frozenset(("*", "*:*", "0.0.0.0", "0.0.0.0/0", "::", "::/0", "[::]", "any", "all"))
#: Where anybody may have a name of his own: beneath it, a wildcard is everybody.
_OPEN_SUFFIXES = frozenset(
    (
        *("github.io", "gitlab.io", "githubusercontent.com", "herokuapp.com", "vercel.app"),
        *("netlify.app", "pages.dev", "workers.dev", "web.app", "firebaseapp.com", "appspot.com"),
        *("run.app", "cloudfront.net", "amazonaws.com", "s3.amazonaws.com", "azurewebsites.net"),
        *("windows.net", "blob.core.windows.net", "core.windows.net", "azureedge.net"),
        *("cloudapp.net", "ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok.dev", "loca.lt"),
        *("trycloudflare.com", "repl.co", "replit.dev", "glitch.me", "blogspot.com"),
        *("wordpress.com", "surge.sh", "onrender.com", "fly.dev", "railway.app", "deno.dev"),
        *("r2.dev", "digitaloceanspaces.com", "ondigitalocean.app", "supabase.co", "nip.io"),
        *("sslip.io", "duckdns.org", "no-ip.org", "ddns.net", "dyndns.org", "googleapis.com"),
        *("storage.googleapis.com", "cloudfunctions.net", "gitbook.io", "notion.site"),
        *("pipedream.net", "webhook.site", "requestbin.com", "oast.fun", "interact.sh"),
    )
)
#: Clouds in which each customer's data has a host of its own, that only its configuration names.
_CLOUDS = frozenset(
    (
        *("amazonaws.com", "s3.amazonaws.com", "windows.net", "core.windows.net"),
        *("blob.core.windows.net", "googleapis.com", "digitaloceanspaces.com"),
    )
)
#: What stands before a country's two letters, and is open to everybody there.
_SECOND = frozenset(
    (
        "co",
        "com",
        "org",
        "net",
        "ac",
        "gov",
        "edu",
        "or",
        "ne",
        "go",
        "gob",
        "nom",
        "ltd",
        "plc",
        "mil",
    )
)
_METADATA = frozenset(
    (
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("metadata", "metadata.google.internal", "metadata.goog", "instance-data"),
        *("instance-data.ec2.internal", "metadata.azure.internal", "metadata.packet.net"),
    )
)


def host(text: str) -> Verdict | None:
    """Return what is to be said about a host that a skill asks to talk to; None for nothing."""
    name = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().casefold()).rstrip(".")
    bare = name.partition("/")[0].rpartition("@")[2]
    address = bare if bare.count(":") > 1 else bare.partition(":")[0]
    address = address.strip("[]").rstrip(".")
    if address in _METADATA or _dotted(address) in _METADATA:
        message = f"{show(text)} hands out the keys of the machine that it runs on"
        return Verdict("cloud-metadata", "high", message, "delete it")
    if address[:2] == "*." and address[2:] in _CLOUDS:
        message = f"{show(text)} is every customer of that cloud"
        return Verdict("wide-network", "medium", message, "name the hosts")
    if name in _EVERY_HOST or _is_open(address) or _is_network(name):
        message = f"{show(text)} is every host, or nearly"
        return Verdict("wide-network", "high", message, "name the hosts")
    if not _host_name().fullmatch(text.strip().casefold()):
        fix = f"write {bare}" if _host_name().fullmatch(bare) else "write it like api.example.com"
        message = f"{show(text)} is not the name of a host"
        return Verdict("not-a-host", "warning", message, fix)
    if _private().match(name):
        message = f"{show(text)} is this computer, or the network it stands in"
        return Verdict("private-host", "medium", message, "say in the description why it is needed")
    return None


@cache
def _host_name() -> re.Pattern[str]:
    return re.compile(
        r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*"
        r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?"
    )


@cache
def _private() -> re.Pattern[str]:
    return re.compile(
        r"localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.|\[::1\]|"
        r"\[f[cde]"
    )


def _is_open(host: str) -> bool:
    """Return whether a pattern holds hosts of everybody: ``*.com``, ``*.co.uk``, ``a.*``."""
    if "*" not in host:
        return False
    rest = host.removeprefix("*.")
    labels = rest.split(".")
    if "*" in rest or host[:2] != "*." or len(labels) < 2 or rest in _OPEN_SUFFIXES:
        return True
    return len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND


def _is_network(host: str) -> bool:
    """Return whether an address with a prefix holds more than 256 hosts."""
    address, slash, length = host.partition("/")
    if not slash or not length.isdigit() or not re.fullmatch(r"[0-9a-f.:\[\]]+", address):
        return False
    return int(length) < (120 if ":" in address else 24)


def _dotted(host: str) -> str:
    """Return an IPv4 address in its usual form: ``2852039166`` and ``0xa9fea9fe`` are ones."""
    if not re.fullmatch(
        r"(?:0x[0-9a-f]{1,8}|[0-9]{1,12})(?:\.(?:0x[0-9a-f]{1,8}|[0-9]{1,12})){0,3}", host
    ):
        return host
    try:
        *firsts, last = [
            int(part, 16 if part[:2] == "0x" else 8 if part[0] == "0" and len(part) > 1 else 10)
            for part in host.split(".")
        ]
    except ValueError:
        return host
    value = last
    for number, part in enumerate(firsts):
        value += part << (24 - 8 * number)
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
