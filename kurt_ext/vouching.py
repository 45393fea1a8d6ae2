"""Say who has attested what is installed, and whether they still count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .auditing import Fault
from .errors import AttestationError, KurtError
from .findings import Finding
from .market.clients import Market
from .market.identities import in_words

if TYPE_CHECKING:
    from .lock import Locked
    from .market.attesting import Attested
    from .market.simple_index import SimpleIndex
    from .receipts import Receipt, Receipts

__all__ = ["Vouched", "vouch"]


class Vouched(NamedTuple):
    """Who has attested a skill that is installed.

    :param by: in words.
    """

    name: str
    version: str
    by: str


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
