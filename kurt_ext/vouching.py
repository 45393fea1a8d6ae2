"""Say who has published what is installed, and whether they still count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .auditing import Fault
from .errors import AttestationError, KurtError
from .findings import Finding
from .market.clients import Market
from .market.identities import in_words
from .receipts import Receipts

if TYPE_CHECKING:
    from .candidates import Candidate
    from .lock import Locked
    from .market.attesting import Attested
    from .market.simple_index import SimpleIndex
    from .places import Places
    from .receipts import Receipt

__all__ = ["Vouched", "installed_from", "published", "vouch"]

_SCOPES = ("project", "user")


class Vouched(NamedTuple):
    """Who has attested a skill that is installed.

    :param by: in words.
    """

    name: str
    version: str
    by: str


def installed_from(places: Places, candidate: Candidate) -> Receipt | None:
    """Return the receipt of a skill that was found; None where kurt has not installed it."""
    scopes = (candidate.scope,) if candidate.scope in _SCOPES else _SCOPES
    for scope in scopes:
        try:
            found = Receipts(places, scope).find(candidate.name)
        except KurtError:
            continue  # its own place tells of a damaged one
        if found is not None and bool(found.folder) == candidate.is_folder:
            return found
    return None


def published(locked: Locked) -> dict[str, Any] | None:
    """Return who has published a skill, for JSON output; None where nothing is known of that."""
    if locked.market is None or (locked.publisher is None and locked.identity is None):
        return None
    words = f"{locked.publisher} at {locked.market}" if locked.publisher else f"at {locked.market}"
    words += f"\nsigned by {locked.key}" if locked.key else ""
    words += f"\nattested by {in_words(locked.identity)}" if locked.identity else ""
    return {
        "publisher": locked.publisher,
        "market": locked.market,
        "key": locked.key,
        "identity": locked.identity,
        "words": words,
    }


def vouch(
    receipts: Receipts, markets: Mapping[str, Market], indexes: Mapping[str, SimpleIndex]
) -> tuple[list[Vouched], list[Fault], list[Finding]]:
    """Return who has attested the skills of a scope, what is wrong with that, and warnings.

    An attestation is verified anew, by what the market and ``kurt.toml`` say today: its
    publisher may not name the identity any more, or somebody else may be asked for.
    """
    vouched: list[Vouched] = []
    faults: list[Fault] = []
    warnings: list[Finding] = []
    for receipt in receipts.all():
        locked = receipt.locked
        market = markets.get(locked.market or "") or indexes.get(locked.market or "")
        if market is None or not (locked.identity or market.attestor.required):
            continue
        try:
            warnings += _ask(market, receipt)
        except AttestationError as error:
            summary = error.message + (f" ({error.cause})" if error.cause else "")
            fix = error.hint or f"kurt uninstall {receipt.name}"
            faults.append(Fault(receipt.name, receipt.version, "attestation", "", summary, fix))
            continue
        except KurtError as error:
            text = f"who has attested {receipt.name} {receipt.version} was not checked"
            text += f": {error.message}"
            warnings.append(Finding("attestation-unchecked", "warning", text, fix=error.hint or ""))
        if locked.identity:
            vouched.append(Vouched(receipt.name, receipt.version, in_words(locked.identity)))
    return vouched, faults, warnings


def _ask(market: Market | SimpleIndex, receipt: Receipt) -> Sequence[Finding]:
    """Verify who has attested what is installed; return what is to be said of it.

    :raises AttestationError: when that does not hold today.
    """
    locked = receipt.locked
    told = _at_market(market, locked) if isinstance(market, Market) else _at_index(market, locked)
    if told is None:
        return ()  # an update tells of what is there no more
    found = [one.text for one in told.identities]
    if locked.identity and locked.identity not in found and not told.warnings:
        raise AttestationError(
            f"it is attested by {in_words(locked.identity)} no more",
            cause="now by " + (", ".join(found) or "nobody"),
            hint=f"kurt install {locked.name}",
        )
    return told.warnings


def _at_market(market: Market, locked: Locked) -> Attested | None:
    listing = market.listing(locked.name)
    release = market.document(listing).release(locked.version) if listing is not None else None
    return None if release is None else market.attested(locked.name, release, locked.wheel)


def _at_index(index: SimpleIndex, locked: Locked) -> Attested | None:
    page = index.page(locked.distribution or "")
    for file in page.files:
        if (file.filename, file.digest) == (locked.wheel, locked.digest):
            return index.attested(page, file)
    return None
