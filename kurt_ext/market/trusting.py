"""Verify one attestation by a trusted root: a Sigstore bundle, or what PEP 740 has of a wheel.

A bundle brings the certificate of the signer, the entry of a public log and the proof that
it is there, so that nobody is asked: all that is needed is the trusted root, of Sigstore's
public instance or from a file. What it is over is a digest: it signs a file of that digest
itself (as ``sigstore sign`` does), or has a statement of in-toto that names it (as GitHub's
``attest`` does).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AttestationError, ConfigError, MissingExtraError
from ..findings import Finding
from . import digests
from .identities import Identity, of_certificate

if TYPE_CHECKING:
    from pypi_attestations import Attestation as Pep740
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier

__all__ = ["INSTALL", "LIMIT", "Trust", "kind_of"]

Found = TypeVar("Found")
#: Bytes of one bundle or provenance; one of GitHub's has about 12,000.
LIMIT = 512 << 10
#: What brings the libraries.
INSTALL = "pip install 'kurt-ext[sigstore]'"
_ROOT_LIMIT = 4 << 20
_INTOTO = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
#: Statements by which somebody says to have made a file; others say other things of it.
_PREDICATES = frozenset(("https://slsa.dev/provenance/v1", _PUBLISH))
_MEDIA = "application/vnd.dev.sigstore.bundle"
_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig"


class Trust:
    """What is believed of attestations: a trusted root, and the libraries that verify by it.

    :param root: the file of a root, ``trusted_root.json`` or a client's configuration; that of
        Sigstore's public instance if None, which is refreshed over the network.
    :param offline: ask nobody: the root that was kept, or that the library brings, is taken.
    """

    def __init__(self, root: str | None = None, *, offline: bool = False) -> None:
        self.root = root
        self.offline = offline
        #: What is to be said of the root; known once something was verified.
        self.warnings: list[Finding] = []

    @staticmethod
    def is_there() -> bool:
        """Return whether the libraries are installed."""
        return find_spec("sigstore") is not None and find_spec("pypi_attestations") is not None

    def identities(self, kind: str, data: bytes, digest: str, filename: str = "") -> list[Identity]:
        """Return who has attested a file, once all of an attestation is verified.

        :param kind: ``sigstore`` or ``pep740``.
        :param data: the bundle, or the provenance.
        :param digest: of the file, or of the tree of files.
        :param filename: of the wheel, which PEP 740 names too.
        :raises AttestationError: when it does not hold, or is not about this file.
        :raises MissingExtraError: when the libraries are not installed.
        :raises ConfigError: when the trusted root cannot be read.
        """
        if kind == "pep740":
            return self._asked(lambda v: _of_provenance(v, data, digest, filename), data)
        return self._asked(lambda v: [_of_bundle(v, data, digest)], data)

    def alone(self, data: bytes, digest: str, filename: str) -> Identity:
        """Return who has made one attestation after PEP 740, which no provenance is around.

        :raises AttestationError: when it does not hold, or is not about this file.
        """
        return self._asked(lambda v: _of_attestation(v, data, digest, filename), data)

    def _asked(self, ask: Callable[[Verifier], Found], data: bytes) -> Found:
        if not self.is_there():
            raise _missing("sigstore and pypi-attestations are not both installed")
        try:
            verifier = self._verifier
        except ImportError as error:
            raise _missing(f"what is installed cannot be used: {error}") from error
        if len(data) > LIMIT:
            raise AttestationError(f"an attestation has more than {LIMIT:,} bytes")
        try:
            return ask(verifier)
        except AttestationError:
            raise
        except Exception as error:
            # Whatever the bytes of a stranger make of the libraries: it is a no.
            raise AttestationError("an attestation does not hold", cause=_shortly(error)) from error

    @cached_property
    def _verifier(self) -> Verifier:
        import logging

        import pypi_attestations  # noqa: F401 - that it is there, before anything is judged
        from sigstore.errors import Error
        from sigstore.verify import Verifier

        # It writes warnings of its own to stderr where nobody listens; they are told here.
        logging.getLogger("sigstore").addHandler(logging.NullHandler())
        root = self._trusted_root()
        try:
            return Verifier(trusted_root=root)
        except (ValueError, Error) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> ConfigError:
        name = "of Sigstore" if self.root is None else os.path.basename(self.root)
        cause = _shortly(error)
        return ConfigError(f"the trusted root {name} cannot be used", cause=cause, at=self.root)

    def _trusted_root(self) -> TrustedRoot:
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig, TrustedRoot

        if self.root is not None:
            try:
                with open(self.root, "rb") as stream:
                    data = stream.read(_ROOT_LIMIT)
                if _CONFIG.encode() in data[:1024]:
                    return ClientTrustConfig.from_json(data.decode()).trusted_root
                return TrustedRoot.from_file(self.root)
            except (OSError, ValueError, Error) as error:
                raise self._unusable(error) from error
        try:
            return ClientTrustConfig.production(offline=self.offline).trusted_root
        except (OSError, Error) as error:
            if self.offline:
                raise self._unusable(error) from error
        text = "the trusted root of Sigstore could not be refreshed; the one that was kept is used"
        self.warnings.append(Finding("sigstore-root", "warning", text))
        self.offline = True
        return self._trusted_root()


def _missing(cause: str) -> MissingExtraError:
    return MissingExtraError("attestations need the sigstore extra", cause=cause, hint=INSTALL)


def _shortly(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:300]


class _Telling:
    """Tell who a certificate is for, as a policy of the library, which it asks once it holds."""

    def __init__(self) -> None:
        self.found: Identity | None = None

    def verify(self, cert: Any) -> None:
        self.found = of_certificate(cert)

    @property
    def identity(self) -> Identity:
        if self.found is None:
            raise AttestationError("an attestation is by nobody")
        return self.found


def _of_bundle(verifier: Verifier, data: bytes, digest: str) -> Identity:
    """Return who has signed a digest, or a statement about it."""
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle
    from sigstore_models.common.v1 import HashAlgorithm

    bundle = Bundle.from_json(data)
    telling = _Telling()
    if json.loads(data).get("dsseEnvelope") is not None:
        subjects, predicate = _statement(verifier, bundle, telling)
        _refuse_other(predicate)
        if digests.to_hex(digest) not in [found for _, found in subjects]:
            raise _another(digest, [found for _, found in subjects])
        return telling.identity
    raw = bytes.fromhex(digests.to_hex(digest))
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=raw)
    verifier.verify_artifact(hashed, bundle, telling)
    return telling.identity


def _statement(
    verifier: Verifier, bundle: Bundle, telling: _Telling
) -> tuple[list[tuple[str, str]], str]:
    """Return what a statement is about, as (name, SHA-256), and its type, once it is verified."""
    kind, payload = verifier.verify_dsse(bundle, telling)
    if kind != _INTOTO:
        raise AttestationError(f"an attestation is no statement of in-toto but {kind[:80]}")
    row = json.loads(payload)
    if row["_type"] != _STATEMENT:
        raise AttestationError("an attestation is a statement of another version")
    subjects = [(str(one.get("name")), one["digest"].get("sha256")) for one in row["subject"]]
    return subjects, str(row["predicateType"])


def _of_provenance(verifier: Verifier, data: bytes, digest: str, filename: str) -> list[Identity]:
    """Return who has attested a distribution; every attestation of the provenance must hold."""
    from pypi_attestations import Provenance

    found: list[Identity] = []
    for bundle in Provenance.model_validate_json(data).attestation_bundles:
        for one in bundle.attestations:
            identity = _by(verifier, one, digest, filename)
            _hold_to(identity, bundle.publisher.model_dump())
            found.append(identity)
    if not found:
        raise AttestationError("a provenance has no attestation")
    return list(dict.fromkeys(found))


def _of_attestation(verifier: Verifier, data: bytes, digest: str, filename: str) -> Identity:
    from pypi_attestations import Attestation

    return _by(verifier, Attestation.model_validate_json(data), digest, filename)


def _by(verifier: Verifier, one: Pep740, digest: str, filename: str) -> Identity:
    """Return who has made an attestation after PEP 740, which is about one file by its name."""
    telling = _Telling()
    subjects, predicate = _statement(verifier, one.to_bundle(), telling)
    _refuse_other(predicate)
    if subjects != [(filename, digests.to_hex(digest))]:
        raise _another(digest, [sha for _, sha in subjects], filename)
    return telling.identity


def _refuse_other(predicate: str) -> None:
    if predicate not in _PREDICATES:
        raise AttestationError(f"a statement of {predicate[:80]} says not who made a file")


def _another(digest: str, found: Iterable[str], filename: str = "") -> AttestationError:
    about = ", ".join([f"sha256:{one}" for one in found][:3]) or "nothing"
    return AttestationError(
        "an attestation is about another file",
        cause=f"it is about {about}\nasked was {filename and filename + ' '}{digest}",
    )


def _hold_to(identity: Identity, publisher: dict[str, Any]) -> None:
    """Raise where a provenance names another publisher than the certificate."""
    kind, repository = publisher["kind"], publisher.get("repository")
    hosts = {"GitHub": "https://github.com/", "GitLab": "https://gitlab.com/"}
    if kind in hosts:
        named = f"{hosts[kind]}{repository}"
        between = "/.github/workflows/" if kind == "GitHub" else "//"
        file = publisher.get("workflow") or publisher.get("workflow_filepath")
        same = (identity.repository, identity.name) == (named, f"{named}{between}{file}")
    elif kind == "Google":
        named = str(publisher["email"])
        same = (identity.issuer, identity.name) == ("https://accounts.google.com", named)
    else:
        origin = publisher.get("vcs_origin")
        named = str(origin or kind)
        same = identity.issuer.startswith("https://oidc.circleci.com") and origin in (
            None,
            identity.repository,
        )
    if not same:
        raise AttestationError(
            "a provenance names another publisher than its certificate",
            cause=f"it names {named}, and the certificate is for {identity.text}",
        )


def kind_of(data: bytes) -> str:
    """Return which attestation a file is: ``sigstore``, ``pep740``, or ``pep740-attestation``.

    :raises AttestationError: when it is none.
    """
    try:
        row = json.loads(data) if len(data) <= LIMIT else None
    except (ValueError, RecursionError):
        row = None
    if isinstance(row, dict):
        if str(row.get("mediaType", "")).startswith(_MEDIA):
            return "sigstore"
        if row.get("version") == 1 and "attestation_bundles" in row:
            return "pep740"
        if row.get("version") == 1 and {"verification_material", "envelope"} <= set(row):
            return "pep740-attestation"
    raise AttestationError(
        "the file is no attestation",
        cause="it is no Sigstore bundle, and neither attestation nor provenance after PEP 740",
    )
