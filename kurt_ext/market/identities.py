"""Who has attested a release, as an issuer of identities vouches for them, and who is wanted.

An identity is written ``NAME via ISSUER``. The name is an address of mail, or the URI of a
workflow without the branch or tag that it ran for, since that is another one with every
release: ``https://github.com/acme/skills/.github/workflows/release.yml``. Who is wanted is
written alike, or by the repository alone; the issuers of GitHub and GitLab need not be said.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..errors import AttestationError, ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .documents.publisher import Identity as Named

__all__ = ["Identity", "Wanted", "in_words", "of_certificate", "parse"]

_VIA = " via "
_ID = ", repository "
_GITHUB = "https://token.actions.githubusercontent.com"
#: What a name begins with → the issuer that is meant where none is said.
_ISSUERS = {"https://github.com/": _GITHUB, "https://gitlab.com/": "https://gitlab.com"}
_WORKFLOWS = "/.github/workflows/"
_LONGEST = 256
#: Fulcio's extensions of a certificate, https://github.com/sigstore/fulcio, docs/oid-info.md.
_FULCIO = "1.3.6.1.4.1.57264.1."
_ISSUER_RAW, _ISSUER, _REPOSITORY, _DIGEST, _REF, _REPOSITORY_ID, _CONFIG = (
    *(1, 8, 12, 13),
    *(14, 15, 18),
)


class Identity(NamedTuple):
    """Who has attested something.

    :param issuer: of the identity, an address.
    :param name: an address of mail, or the URI of a workflow without branch and tag.
    :param repository: the address of the repository that the workflow ran for.
    :param repository_id: its number at the issuer, which another one of the same name has not.
    """

    issuer: str
    name: str
    repository: str | None = None
    repository_id: str | None = None

    @property
    def text(self) -> str:
        """All of it in one line, by which it is remembered."""
        number = f"{_ID}{self.repository_id}" if self.repository_id else ""
        return f"{self.name}{_VIA}{self.issuer}{number}"

    @property
    def words(self) -> str:
        """Who it is, for a person."""
        return in_words(self.text)

    def is_named(self, row: Named) -> bool:
        """Return whether a publisher's document means this identity."""
        return (
            row.issuer == self.issuer
            and row.subject in (None, self.name)
            and row.repository in (None, self.repository)
        )


class Wanted(NamedTuple):
    """Whom somebody wants to have attested.

    :param name: as that of an identity, or its repository.
    """

    issuer: str
    name: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.name}{_VIA}{self.issuer}"

    def means(self, identity: Identity) -> bool:
        """Return whether it is this one."""
        return self.issuer == identity.issuer and self.name in (identity.name, identity.repository)


def in_words(text: str) -> str:
    """Return who an identity is, for a person, from its one line."""
    name, _, rest = text.partition(_VIA)
    issuer = rest.partition(_ID)[0]
    repository, found, workflow = name.partition(_WORKFLOWS)
    if found:
        name = f"{repository} workflow {workflow}"
    if issuer not in _ISSUERS.values():
        name += f" ({issuer})"
    return f"{name}, via Sigstore"


def parse(text: str) -> Wanted:
    """Return who is wanted.

    :param text: ``NAME via ISSUER``; or NAME alone, for a repository or a workflow of GitHub or
        GitLab.
    :raises ConfigError: when it is none.
    """
    name, _, issuer = text.partition(_VIA)
    if not issuer:
        issuer = next((one for head, one in _ISSUERS.items() if name.startswith(head)), "")
    if not _is_plain(name) or not _is_plain(issuer) or "://" not in issuer:
        raise ConfigError(
            f"{text[:80]!r} is no identity",
            cause="it is an address of mail or of a repository, and who vouches for it",
            hint="write it like https://github.com/acme/skills, "
            "or like ada@example.org via https://accounts.google.com",
        )
    return Wanted(issuer, name)


def of_certificate(certificate: Certificate) -> Identity:
    """Return who a certificate is for, which others have verified.

    :raises AttestationError: when it says nothing that can be understood, or says it twice.
    """
    issuer = _text(certificate, _ISSUER) or _raw(certificate, _ISSUER_RAW)
    name, repository = _subject(certificate), _text(certificate, _REPOSITORY)
    config = _text(certificate, _CONFIG)
    if repository and config and config.startswith(repository + "/"):
        # The subject of a workflow that others may call is that one, wherever it lies.
        name = config
    for suffix in (_text(certificate, _REF), _text(certificate, _DIGEST)):
        if suffix and name.endswith("@" + suffix):
            name = name.removesuffix("@" + suffix)
            break
    found = Identity(issuer or "", name, repository, _text(certificate, _REPOSITORY_ID))
    for word in found:
        if word is not None and not _is_plain(word):
            raise AttestationError("a certificate is for nobody whose name can be understood")
    return found


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() and " " not in text


def _subject(certificate: Certificate) -> str:
    from cryptography import x509

    names: list[str] = []
    with suppress(x509.ExtensionNotFound):
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += san.get_values_for_type(x509.RFC822Name)
        names += san.get_values_for_type(x509.UniformResourceIdentifier)
    if len(names) != 1:
        raise AttestationError("a certificate is not for one address of mail, and for no one URI")
    return names[0]


def _extension(certificate: Certificate, number: int) -> bytes | None:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_oid(
            x509.ObjectIdentifier(f"{_FULCIO}{number}")
        )
    except x509.ExtensionNotFound:
        return None
    value = found.value
    return value.value if isinstance(value, x509.UnrecognizedExtension) else None


def _raw(certificate: Certificate, number: int) -> str | None:
    data = _extension(certificate, number)
    return None if data is None else data.decode("ascii", "replace")


def _text(certificate: Certificate, number: int) -> str | None:
    """Return an extension that is a UTF8String in DER; None where there is none."""
    data = _extension(certificate, number)
    if data is None:
        return None
    size = {0x81: 1, 0x82: 2}.get(data[1], 0) if len(data) > 1 else 0
    length = int.from_bytes(data[2 : 2 + size], "big") if size else data[1] if data[1:] else -1
    body = data[2 + size :]
    if data[:1] != b"\x0c" or len(body) != length:
        raise AttestationError("a certificate has an extension that is no text")
    return body.decode("ascii", "replace")
