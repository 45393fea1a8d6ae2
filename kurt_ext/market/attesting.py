"""Ask who has attested a release, and whether that is who is wanted.

What an attestation is over is a digest: that of the tree of a release's files, or that of
one wheel. Who may attest is said by the publisher's document, and by whoever installs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import AttestationError
from ..findings import Finding
from .identities import Identity, Wanted, parse
from .times import seconds
from .trusting import INSTALL, Trust

if TYPE_CHECKING:
    from .documents.base import Pointer
    from .documents.publisher import PublisherDocument
    from .documents.release import Attestation, Release

__all__ = ["MOST", "TYPES", "Attested", "Attestor", "attestor_of", "refuse_unnamed", "subject"]

#: Attestations of one release that are looked at.
MOST = 16
TYPES = ("sigstore", "pep740")


def subject(release: Release, filename: str | None) -> str:
    """Return the digest that an attestation of a release must be over.

    :param filename: of the wheel that it is about; None for all of the release.
    :raises AttestationError: when the release has no such wheel.
    """
    if filename is None:
        return release.source.digest
    wheels = [*release.wheels, *(release.source.wheels if release.source.type == "wheels" else ())]
    for wheel in wheels:
        if wheel.filename == filename:
            return str(wheel.digest)
    raise AttestationError(f"an attestation is about {filename}, which the release has not")


class Attested(NamedTuple):
    """What is known of who has attested a release.

    :param identities: each verified, and named by the publisher.
    :param warnings: what could not be verified, and why.
    """

    identities: tuple[Identity, ...] = ()
    warnings: tuple[Finding, ...] = ()


class Attestor:
    """Ask who has attested releases of a market, and whether that is who is wanted.

    :param trust: what is believed.
    :param wanted: one of these must have attested; anybody whom the publisher names if empty.
    :param required: somebody must have attested.
    :param at: the key of ``kurt.toml`` that asks for that.
    """

    def __init__(
        self,
        trust: Trust,
        *,
        wanted: Sequence[Wanted] = (),
        required: bool = False,
        at: str = "market.NAME",
    ) -> None:
        self.trust = trust
        self._at = at
        self._said: list[Finding] = []
        self.wanted = tuple(wanted)
        self.required = required or bool(wanted)

    def ask(
        self,
        name: str,
        release: Release,
        publisher: Callable[[], PublisherDocument],
        read: Callable[[Pointer], bytes],
        filename: str | None = None,
    ) -> Attested:
        """Return who has attested a release.

        :param name: the skill's id.
        :param publisher: gives the document of the release's publisher.
        :param read: gives the bytes of a pointer, checked.
        :param filename: of the wheel that was chosen; what is about others is not looked at.
        :raises AttestationError: when an attestation is there and does not hold, is by somebody
            whom the publisher does not name, or nobody who is wanted has attested.
        :raises MissingExtraError: when somebody must have attested and that cannot be verified.
        """
        what = f"{name} {release.version}"
        rows = [
            one
            for one in release.attestations
            if one.type in TYPES and (filename is None or one.filename in (None, filename))
        ]
        if len(rows) > MOST:
            raise AttestationError(f"{what} has more than {MOST} attestations", skill=name)

        def verified(row: Attestation) -> list[Identity]:
            assert row.evidence is not None
            data = read(row.evidence)
            digest = subject(release, row.filename)
            return self.trust.identities(row.type, data, digest, row.filename or "")

        told = self._told(what, name, [partial(verified, row) for row in rows])
        for one in told.identities:
            refuse_unnamed(one, publisher(), release.published, what)
        return told

    def ask_of(
        self, filename: str, name: str, read: Callable[[], bytes] | None, digest: str
    ) -> Attested:
        """Return who has attested a distribution of an index, which names no publishers.

        :param filename: of the wheel.
        :param name: of the project.
        :param read: gives the provenance; None where the index names none.
        :raises AttestationError: as :meth:`ask`.
        :raises MissingExtraError: as :meth:`ask`.
        """
        asked = []
        if read is not None:
            asked = [lambda: self.trust.identities("pep740", read(), digest, filename)]
        return self._told(filename, name, asked)

    def _told(
        self, what: str, name: str, asked: Sequence[Callable[[], list[Identity]]]
    ) -> Attested:
        """Return who has attested something, each asked for, and one who is wanted among them."""
        if asked and not self.required and not self.trust.is_there():
            text = f"{what} is attested; by whom was not checked"
            return Attested((), (Finding("attestation-unchecked", "info", text, fix=INSTALL),))
        found: list[Identity] = []
        for ask in asked:
            try:
                found += ask()
            except AttestationError as error:
                cause = error.message + (f": {error.cause}" if error.cause else "")
                raise AttestationError(
                    f"an attestation of {what} does not hold", cause=cause, skill=name
                ) from error
        self._refuse_unwanted(what, name, found)
        new = [one for one in self.trust.warnings if one not in self._said]
        self._said += new
        return Attested(tuple(dict.fromkeys(found)), tuple(new))

    def _refuse_unwanted(self, what: str, name: str, found: Sequence[Identity]) -> None:
        if not self.required:
            return
        if not found:
            raise AttestationError(
                f"{what} is attested by nobody",
                cause=self._demand(),
                hint=self._hint(),
                skill=name,
            )
        if self.wanted and not any(one.means(who) for one in self.wanted for who in found):
            raise AttestationError(
                f"{what} is attested by somebody else",
                cause=f"it is attested by {', '.join([one.text for one in found])}\n"
                + self._demand(),
                hint=self._hint(),
                skill=name,
            )

    def _hint(self) -> str:
        return f"kurt config explain {self._at}.{'identities' if self.wanted else 'attested'}"

    def _demand(self) -> str:
        if not self.wanted:
            return "kurt.toml asks for attestations"
        return "kurt.toml asks for " + ", or ".join([one.text for one in self.wanted])


def attestor_of(name: str, table: Mapping[str, Any]) -> Attestor:
    """Return who asks by what ``kurt.toml`` says in a table ``[market.NAME]``.

    :raises ConfigError: when an identity is none.
    """
    return Attestor(
        Trust(table.get("sigstore_root")),
        wanted=[parse(text) for text in table.get("identities", ())],
        required=table.get("attested", False),
        at=f"market.{name}",
    )


def refuse_unnamed(
    identity: Identity, publisher: PublisherDocument, published: str, what: str
) -> None:
    """Raise where an identity is not a publisher's, or was not any more when they published.

    :param published: when the release was published.
    :raises AttestationError: when it is not.
    """
    named = [row for row in publisher.identities if identity.is_named(row)]
    if not named:
        raise AttestationError(
            f"{what} is attested by somebody whom {publisher.name} does not name",
            cause=f"it is attested by {identity.text}",
            hint=f"whoever runs the market: kurt market publisher {publisher.name} "
            f"--add-identity '{Wanted(identity.issuer, identity.name).text}'",
        )
    ends = [row.revoked for row in named]
    if all(end is not None and seconds(end) < seconds(published) for end in ends):
        raise AttestationError(
            f"{what} is attested by {identity.text}, who was revoked before",
        )
