"""A Sigstore of a test's own: an authority, a log of certificates, a log of signatures.

What it makes are real bundles: certificates of minutes with the extensions that Fulcio
writes and a timestamp of a log of certificates (RFC 6962), entries of a log in the form of
Rekor 1, in a Merkle tree with a proof, a checkpoint that is signed, and a promise. Nobody
outside of the test knows the keys; who has :meth:`Sigstore.trusted_root` believes it.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

GITHUB = "https://token.actions.githubusercontent.com"
GOOGLE = "https://accounts.google.com"
INTOTO = "application/vnd.in-toto+json"
SLSA = "https://slsa.dev/provenance/v1"
PYPI = "https://docs.pypi.org/attestations/publish/v1"
_FULCIO = "1.3.6.1.4.1.57264.1."
_ECDSA = ec.ECDSA(hashes.SHA256())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a public key as DER."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _utf8(text: str) -> bytes:
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 128 else b"\x81" + bytes([len(data)])
    return b"\x0c" + length + data


@dataclass(frozen=True)
class Signer:
    """Who signs, as an issuer of identities vouches for them.

    :param subject: an address of mail, or the URI of a workflow with its ref.
    :param claims: number of a Fulcio extension → text.
    """

    subject: str
    issuer: str = GITHUB
    claims: Mapping[int, str] = field(default_factory=dict)


def workflow(
    repository: str = "acme/skills",
    name: str = "release.yml",
    ref: str = "refs/tags/v1.0.0",
    *,
    issuer: str = GITHUB,
    repository_id: str = "4711",
    host: str = "https://github.com",
) -> Signer:
    """Return a workflow of GitHub Actions."""
    uri = f"{host}/{repository}/.github/workflows/{name}@{ref}"
    claims = {12: f"{host}/{repository}", 14: ref, 15: repository_id, 18: uri}
    return Signer(uri, issuer, claims)


def person(mail: str = "ada@example.org", issuer: str = GOOGLE) -> Signer:
    """Return somebody with an address of mail."""
    return Signer(mail, issuer)


class Sigstore:
    """A private instance.

    :param others: entries that the log has already, so that a proof has something to prove.
    """

    def __init__(self, others: int = 5, name: str = "log.example") -> None:
        self.name = name
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._ct = ec.generate_private_key(ec.SECP256R1())
        self._rekor = ec.generate_private_key(ec.SECP256R1())
        self.log_id = sha256(spki(self._rekor)).digest()
        self._born = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self._root = self._authority("root", self._root_key, "root", self._root_key, 1)
        self._issuer = self._authority("issuer", self._key, "root", self._root_key, 0)
        self._leaves = [b"entry %d" % number for number in range(others)]

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        by: str,
        signer: ec.EllipticCurvePrivateKey,
        depth: int,
    ) -> x509.Certificate:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(self._named(name))
            .issuer_name(self._named(by))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._born)
            .not_valid_after(self._born + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                    **usage,
                ),
                critical=True,
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(aki, False)
            .sign(signer, hashes.SHA256())
        )

    def _named(self, name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.name),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )

    # -- what is believed ------------------------------------------------------------

    def trusted_root(self, path: Path) -> str:
        """Write what is believed by whoever believes this instance; return the path."""
        path.write_text(json.dumps(self.root()))
        return str(path)

    def root(self) -> dict[str, Any]:
        """Return the trusted root, as JSON values."""
        start = {"start": (self._born - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": f"https://{self.name}",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": start,
                },
                "logId": {"keyId": b64(sha256(spki(key)).digest())},
            }

        der = [one.public_bytes(serialization.Encoding.DER) for one in (self._issuer, self._root)]
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._rekor)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": self.name, "commonName": "issuer"},
                    "uri": f"https://fulcio.{self.name}",
                    "certChain": {"certificates": [{"rawBytes": b64(one)} for one in der]},
                    "validFor": start,
                }
            ],
            "ctlogs": [log(self._ct)],
            "timestampAuthorities": [],
        }

    # -- signing ---------------------------------------------------------------------

    def certificate(
        self,
        signer: Signer,
        key: ec.EllipticCurvePrivateKey,
        *,
        at: datetime | None = None,
        logged: bool = True,
    ) -> x509.Certificate:
        """Return a certificate for ten minutes.

        :param at: when it begins.
        :param logged: whether the log of certificates has it.
        """
        begin = at or datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        is_uri = "://" in signer.subject
        name = x509.UniformResourceIdentifier if is_uri else x509.RFC822Name
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(minutes=10))
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(aki, False)
            .add_extension(x509.SubjectAlternativeName([name(signer.subject)]), critical=True)
        )
        texts = {1: signer.issuer.encode(), 8: _utf8(signer.issuer)}
        texts |= {number: _utf8(text) for number, text in signer.claims.items()}
        for number, value in texts.items():
            oid = x509.ObjectIdentifier(f"{_FULCIO}{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), False)
        bare = builder.sign(self._key, hashes.SHA256())
        if not logged:
            return bare
        stamped = x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"),
            self._stamped(bare.tbs_certificate_bytes, begin),
        )
        return builder.add_extension(stamped, False).sign(self._key, hashes.SHA256())

    def _stamped(self, tbs: bytes, at: datetime) -> bytes:
        """Return the list of one signed certificate timestamp, as the extension has it."""
        millis = int(at.timestamp() * 1000)
        issuer = sha256(spki(self._key)).digest()
        entry = issuer + struct.pack("!I", len(tbs))[1:] + tbs
        signed = struct.pack("!BBQH", 0, 0, millis, 1) + entry + b"\0\0"
        signature = self._ct.sign(signed, _ECDSA)
        log_id = sha256(spki(self._ct)).digest()
        one = b"\0" + log_id + struct.pack("!Q", millis) + b"\0\0"
        one += b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!H", len(one)) + one
        whole = struct.pack("!H", len(listed)) + listed
        assert len(whole) < 256
        return (
            b"\x04" + (bytes([len(whole)]) if len(whole) < 128 else b"\x81%c" % len(whole)) + whole
        )

    def sign_digest(
        self, digest: str, signer: Signer, *, at: datetime | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return a bundle over a file of a digest, as ``sigstore sign FILE`` makes it."""
        raw = bytes.fromhex(digest.removeprefix("sha256:"))
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(signer, key, **more)
        signature = key.sign(raw, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": raw.hex()}},
                "signature": {
                    "content": b64(signature),
                    "publicKey": {"content": b64(_pem(certificate))},
                },
            },
        }
        content = {
            "messageDigest": {"algorithm": "SHA2_256", "digest": b64(raw)},
            "signature": b64(signature),
        }
        return self._bundle(certificate, body, {"messageSignature": content}, at)

    def attest(
        self,
        subjects: Mapping[str, str],
        signer: Signer,
        *,
        predicate: str = SLSA,
        kind: str = INTOTO,
        at: datetime | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Return a bundle with a statement about files, as GitHub's ``attest`` makes it.

        :param subjects: name → digest.
        """
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
                for name, digest in subjects.items()
            ],
            "predicateType": predicate,
            "predicate": {} if predicate == SLSA else None,
        }
        payload = json.dumps(statement).encode()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(signer, key, **more)
        signature = key.sign(
            b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload), _ECDSA
        )
        envelope = {
            "payload": b64(payload),
            "payloadType": kind,
            "signatures": [{"sig": b64(signature)}],
        }
        body = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {
                    "algorithm": "sha256",
                    "value": sha256(json.dumps(envelope).encode()).hexdigest(),
                },
                "payloadHash": {"algorithm": "sha256", "value": sha256(payload).hexdigest()},
                "signatures": [{"signature": b64(signature), "verifier": b64(_pem(certificate))}],
            },
        }
        return self._bundle(certificate, body, {"dsseEnvelope": envelope}, at)

    def provenance(
        self,
        filename: str,
        digest: str,
        signer: Signer,
        publisher: Mapping[str, Any],
        **more: Any,
    ) -> dict[str, Any]:
        """Return the provenance of a distribution, as PyPI serves it (PEP 740)."""
        bundle = self.attest({filename: digest}, signer, predicate=PYPI, **more)
        material = bundle["verificationMaterial"]
        attestation = {
            "version": 1,
            "verification_material": {
                "certificate": material["certificate"]["rawBytes"],
                "transparency_entries": material["tlogEntries"],
            },
            "envelope": {
                "statement": bundle["dsseEnvelope"]["payload"],
                "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
            },
        }
        one = {"publisher": dict(publisher), "attestations": [attestation]}
        return {"version": 1, "attestation_bundles": [one]}

    def _bundle(
        self,
        certificate: x509.Certificate,
        body: dict[str, Any],
        content: dict[str, Any],
        at: datetime | None,
    ) -> dict[str, Any]:
        kind = {"kind": body["kind"], "version": body["apiVersion"]}
        leaf = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        entry = {**self._entry(leaf, at or datetime.now(UTC)), "kindVersion": kind}
        der = certificate.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(der)},
                "tlogEntries": [entry],
            },
            **content,
        }

    def _entry(self, leaf: bytes, at: datetime) -> dict[str, Any]:
        """Put a leaf into the log, and return its entry with all that proves it."""
        self._leaves.append(leaf)
        index, size, when = len(self._leaves) - 1, len(self._leaves), int(at.timestamp())
        root = _tree(self._leaves)
        note = f"{self.name} - 1\n{size}\n{b64(root)}\n"
        mark = self.log_id[:4] + self._rekor.sign(note.encode(), _ECDSA)
        promise = {
            "body": b64(leaf),
            "integratedTime": when,
            "logID": self.log_id.hex(),
            "logIndex": index,
        }
        text = json.dumps(promise, sort_keys=True, separators=(",", ":")).encode()
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(self.log_id)},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": b64(self._rekor.sign(text, _ECDSA))},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(root),
                "treeSize": str(size),
                "hashes": [b64(one) for one in _path(index, self._leaves)],
                "checkpoint": {"envelope": f"{note}\n— {self.name} {b64(mark)}\n"},
            },
            "canonicalizedBody": b64(leaf),
        }


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _tree(leaves: Iterable[bytes]) -> bytes:
    """Return the hash of a Merkle tree (RFC 6962, 2.1)."""
    rows = list(leaves)
    if len(rows) == 1:
        return sha256(b"\0" + rows[0]).digest()
    half = 1 << ((len(rows) - 1).bit_length() - 1)
    return sha256(b"\1" + _tree(rows[:half]) + _tree(rows[half:])).digest()


def _path(index: int, rows: list[bytes]) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1)."""
    if len(rows) == 1:
        return []
    half = 1 << ((len(rows) - 1).bit_length() - 1)
    if index < half:
        return [*_path(index, rows[:half]), _tree(rows[half:])]
    return [*_path(index - half, rows[half:]), _tree(rows[:half])]
