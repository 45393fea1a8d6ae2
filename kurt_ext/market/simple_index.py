"""Ask an index of distributions: PyPI, or another that speaks the simple repository API.

It is asked under the same terms as a marketplace: encrypted unless said otherwise, led on
to no other host unless that is named, and what comes is counted while it comes. Nothing
is taken from it without the SHA-256 that its page names.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from ..errors import ConfigError, IntegrityError, MarketError, NetworkError, SkillNotFoundError
from ..names import normalize
from . import digests
from .attesting import Attested, Attestor, attestor_of
from .extracting import WHEEL_BUDGET
from .fetching import HttpReader
from .simple_pages import ACCEPT, PAGE_LIMIT, File, Page, parse
from .simple_sources import PYPI, PYPI_FILES, own
from .trusting import LIMIT, Trust

if TYPE_CHECKING:
    from ..config import Config

__all__ = ["OWN", "SimpleIndex", "indexes", "own_index"]

#: The name of the index that has PyPI's place, whatever that is here.
OWN = "pypi"
_METADATA_LIMIT = 1 << 20
_GONE = (404, 410)


class _Reader(HttpReader):
    """Ask for addresses that a page names."""

    def __init__(self, url: str, authorization: str, **more: Any) -> None:
        super().__init__(url, **more)
        self._authorization = authorization
        self._where = self.location

    def get(self, url: str, limit: int, headers: Mapping[str, str]) -> tuple[str, str, bytes]:
        """Return where something lies in the end, its media type, and its bytes.

        :raises MarketError: when it is not there, or lies where nobody may go.
        :raises NetworkError: when it cannot be had.
        """
        if self.silent:
            raise NetworkError(
                f"{url} was not kept", cause="nobody is asked", hint="leave --offline away"
            )
        self._where = url
        asked = self._asked(url, limit, headers)
        if asked.status in _GONE:
            raise SkillNotFoundError(f"there is no {url}", cause=f"the server says {asked.status}")
        # Some servers write all names of fields in small letters.
        fields = {name.lower(): value for name, value in asked.headers.items()}
        return self._where, fields.get("content-type", ""), asked.data

    def follow(self, base: str, url: str) -> str:
        """Return an address that a page names, if it may be asked.

        :raises MarketError: when it may not.
        """
        return self._redirected(base, url)

    def _redirected(self, url: str, location: str) -> str:
        self._where = super()._redirected(url, location)
        return self._where

    def _check(self, url: str, status: int, fields: Mapping[str, str]) -> None:
        if status not in _GONE:
            super()._check(url, status, fields)


class SimpleIndex:
    """One index of distributions.

    :param name: what ``kurt.toml`` calls it, or ``pypi``.
    :param url: https://…, file:///… or a folder; user and password in it are kept to ourselves.
    :param allow_http: whether it may be asked without encryption; this machine always may.
    :param hosts: other hosts that its files may lie on.
    :param attestor: says who has attested a file, and whether that is who is wanted.
    :raises MarketError: when the address may not be asked.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        allow_http: bool = False,
        hosts: Sequence[str] = (),
        attestor: Attestor | None = None,
    ) -> None:
        self.name = name
        self.attestor = attestor or Attestor(Trust())
        #: Whether somebody has said where it lies; else it is PyPI itself.
        self.said = url != PYPI
        self._folder = _folder(url)
        #: As pip and uv are told it; there may be a password in it.
        self.secret_url = url if url.endswith("/") or self._folder else url + "/"
        if self._folder is not None:
            self.url = "file://" + self._folder.rstrip("/") + "/"
            self.secret_url = self.url
            self._reader = None
            return
        plain, authorization = _without_password(self.secret_url)
        self.url = plain
        self._reader = _Reader(plain, authorization, allow_http=allow_http, hosts=hosts)

    @property
    def silent(self) -> bool:
        """Whether nobody is to be asked; a folder is no network, and always is."""
        return self._reader is not None and self._reader.silent

    @silent.setter
    def silent(self, value: bool) -> None:
        if self._reader is not None:
            self._reader.silent = value

    def page(self, project: str) -> Page:
        """Return what the index has of a project.

        :raises SkillNotFoundError: when it has none of that name.
        :raises MarketError: when what it says cannot be used.
        :raises NetworkError: when it cannot be asked.
        """
        name = normalize(project)
        try:
            where, media, data = self._page(name)
        except SkillNotFoundError as error:
            raise SkillNotFoundError(
                f"{self.name} has no distribution {name}", cause=f"asked: {self.url}", skill=name
            ) from error
        return parse(name, where, media, data)

    def _page(self, name: str) -> tuple[str, str, bytes]:
        url = urljoin(self.url, f"{name}/")
        if self._reader is not None:
            return self._reader.get(url, PAGE_LIMIT, {"Accept": ACCEPT})
        for word, media in (("index.json", "application/json"), ("index.html", "text/html")):
            try:
                return url + word, media, _read(url + word, PAGE_LIMIT)
            except FileNotFoundError:
                continue
        raise SkillNotFoundError(f"there is no {url}")

    def wheel(self, page: Page, file: File) -> bytes:
        """Return the bytes of a wheel, which have the digest that the page names.

        :raises IntegrityError: when they do not, or the page names none.
        :raises MarketError: when it lies where nobody may go.
        :raises NetworkError: when it cannot be had.
        """
        if not file.digest:
            raise IntegrityError(
                f"{self.name} names no SHA-256 of {file.filename}, so that it is not taken",
                at=page.url,
            )
        limit = file.size if file.size is not None else WHEEL_BUDGET.size
        if limit > WHEEL_BUDGET.size:
            raise IntegrityError(f"{file.filename} has more than {WHEEL_BUDGET.size:,} bytes")
        data = self._bytes(page, file.url, limit)
        return digests.check(data, file.digest, file.filename, file.size)

    def metadata(self, page: Page, file: File) -> bytes | None:
        """Return the metadata that the index has beside a wheel; None where it has none.

        :raises IntegrityError: when it is not what the page promises.
        """
        if not file.metadata:
            return None
        data = self._bytes(page, file.url + ".metadata", _METADATA_LIMIT)
        return digests.check(data, file.metadata, f"{file.filename}.metadata")

    def attested(self, page: Page, file: File) -> Attested:
        """Return who has attested a file whose bytes have the digest that the page names.

        :raises AttestationError: when what the index has of that does not hold, or nobody who is
            wanted has attested it.
        :raises MissingExtraError: when that is asked for and cannot be verified.
        """
        self.attestor.trust.offline = self.silent
        return self.attestor.ask_of(
            file.filename,
            page.name,
            (lambda: self._bytes(page, file.provenance, LIMIT)) if file.provenance else None,
            file.digest,
        )

    def _bytes(self, page: Page, url: str, limit: int) -> bytes:
        if self._reader is not None:
            where = self._reader.follow(page.url, url)
            try:
                return self._reader.get(where, limit, {})[2]
            except SkillNotFoundError as error:
                raise MarketError(error.message, cause=error.cause) from error
        if not url.startswith("file://"):
            raise MarketError(f"{page.url} is a file, and leads into the network", cause=url)
        try:
            return _read(url, limit)
        except FileNotFoundError as error:
            raise MarketError(f"there is no {url}", at=page.url) from error


def _read(url: str, limit: int) -> bytes:
    path = url2pathname(urlsplit(url).path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise MarketError(f"{path} cannot be read", cause=str(error), at=path) from error
    if len(data) > limit:
        raise IntegrityError(f"{path} has more than {limit:,} bytes")
    return data


def _folder(url: str) -> str | None:
    """Return the path of an index that lies on this machine, as an address has it."""
    from pathlib import Path

    if url.startswith("file://"):
        return urlsplit(url).path
    if "://" in url:
        return None
    return urlsplit(Path(os.path.abspath(url)).as_uri()).path


def _without_password(url: str) -> tuple[str, str]:
    """Return an address without user and password, and the header that these are sent in."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        user, password = parts.username, parts.password
    except ValueError as error:
        raise MarketError(f"{url[:200]!r} is no address", cause=str(error)) from None
    if user is None:
        user, password = _from_netrc(parts.hostname or "")
    plain = parts._replace(netloc=host).geturl()
    if not user:
        return plain, ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return plain, "Basic " + base64.b64encode(pair.encode()).decode()


def _from_netrc(host: str) -> tuple[str | None, str | None]:
    """Return what ``~/.netrc``, or the file that NETRC names, has for a host; pip reads it too."""
    import netrc

    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None, None
    return (found[0], found[2]) if found is not None else (None, None)


def indexes(config: Config) -> dict[str, SimpleIndex]:
    """Return the indexes of distributions: those of ``kurt.toml``, and what has PyPI's place.

    :raises ConfigError: when one cannot be understood.
    """
    found: dict[str, SimpleIndex] = {}
    for name, table in config.markets.items():
        if table.get("kind") != "simple":
            continue
        wrong = table.get("wrong", ())
        if wrong or "url" not in table:
            key = f"market.{name}.{wrong[0] if wrong else 'url'}"
            raise ConfigError(
                f"the index {name} cannot be used: {key} "
                + ("cannot be understood" if wrong else "is missing"),
                hint=f"kurt config set {key} VALUE",
            )
        found[name] = _made(
            f"kurt config explain market.{name}.url",
            name,
            table["url"],
            allow_http=table.get("allow_http", False),
            hosts=table.get("hosts", ()),
            attestor=attestor_of(name, table),
        )
    # Whoever calls another market so means that one.
    if OWN not in config.markets:
        # What is wrong with it is told to those who ask for it, and stops nobody else.
        with suppress(MarketError):
            index = own_index()
            if index is not None:
                found[OWN] = index
    return found


def own_index() -> SimpleIndex | None:
    """Return the index that has PyPI's place by pip's and uv's configuration; None where none has.

    :raises MarketError: when its address may not be asked.
    """
    source = own()
    if source is None:
        return None
    try:
        trusted = urlsplit(source.url).hostname in source.trusted
    except ValueError:
        trusted = False
    hint = f"look at {source.said}"
    return _made(hint, OWN, source.url, allow_http=trusted, hosts=(PYPI_FILES,))


def _made(hint: str, name: str, url: str, **more: Any) -> SimpleIndex:
    try:
        return SimpleIndex(name, url, **more)
    except MarketError as error:
        error.hint = error.hint or hint
        raise
