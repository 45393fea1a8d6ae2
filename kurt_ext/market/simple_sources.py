"""Tell which index of distributions has PyPI's place on this machine.

Whoever has a mirror has told pip or uv of it already, and is not asked again. What those
call an *extra* index is not read at all: of two indexes that have one name, nobody can say
which is meant, and the higher version wins (dependency confusion).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["PYPI", "PYPI_FILES", "Source", "own"]

PYPI = "https://pypi.org/simple/"
#: Where PyPI's files lie; a mirror's pages mostly lead there too.
PYPI_FILES = "files.pythonhosted.org"
_TRUE = ("1", "true", "yes", "on")


class Source(NamedTuple):
    """An index that has PyPI's place.

    :param url: as it is written, a password in it included.
    :param said: who says so, for messages; "" where it is PyPI itself.
    :param trusted: names of hosts that may be asked without encryption.
    """

    url: str
    said: str = ""
    trusted: tuple[str, ...] = ()


def own(environ: Mapping[str, str] | None = None) -> Source | None:
    """Return what has PyPI's place; None where pip or uv was told to ask no index.

    The environment is read first (``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``, ``PIP_INDEX_URL``),
    then pip's configuration files.
    """
    env = os.environ if environ is None else environ
    settings = _pip_files(env)
    if _is_on(env.get("PIP_NO_INDEX", settings.get("no-index", ("", ""))[0])):
        return None
    if _is_on(env.get("UV_NO_INDEX", "")):
        return None
    hosts = env.get("PIP_TRUSTED_HOST") or settings.get("trusted-host", ("", ""))[0]
    trusted = tuple([host.rpartition("@")[2].partition(":")[0] for host in hosts.split()])
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        value = env.get(variable, "").strip()
        if value:
            return Source(_unnamed(value), variable, trusted)
    url, path = settings.get("index-url", ("", ""))
    return Source(url, path, trusted) if url else Source(PYPI)


def _is_on(text: str) -> bool:
    return text.strip().lower() in _TRUE


def _unnamed(value: str) -> str:
    """Return the address of what uv writes as ``NAME=URL``."""
    name, equals, url = value.partition("=")
    return url if equals and "://" not in name and "/" not in name else value


def _pip_files(env: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what pip's configuration files say: key → (value, file); the last one wins."""
    import configparser

    found: dict[str, tuple[str, str]] = {}
    for path in _paths(env):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                for key, value in parser.items(section):
                    found[key.replace("_", "-")] = (value.strip(), path)
    return found


def _paths(env: Mapping[str, str]) -> Iterator[str]:
    """Yield where pip reads, the weakest first (pip's "Configuration", "Location")."""
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    if os.name == "nt":
        yield os.path.join(env.get("PROGRAMDATA", r"C:\ProgramData"), "pip", "pip.ini")
        yield os.path.join(env.get("APPDATA", ""), "pip", "pip.ini")
        yield os.path.join(sys.prefix, "pip.ini")
    else:
        home = env.get("HOME", "")
        yield "/etc/pip.conf"
        if home:
            yield os.path.join(home, ".pip", "pip.conf")
            base = env.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
            yield os.path.join(base, "pip", "pip.conf")
        yield os.path.join(sys.prefix, "pip.conf")
    if named:
        yield named
