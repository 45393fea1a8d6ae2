"""Check that a marketplace holds what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..amounts import amount
from ..errors import IntegrityError
from ..output import Answer

if TYPE_CHECKING:
    from ..market.verifying import Verified
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "verify",
    schema="market.verify",
    short_help="Check that a marketplace holds what it promises.",
)
@click.argument("location", default=".")
@click.option("--quick", is_flag=True, help="The documents alone, and no file.")
@click.option("--signed", is_flag=True, help="The index must be signed by a key that is trusted.")
@click.option("--only", multiple=True, metavar="SKILL", help="This skill alone; may be repeated.")
@click.option(
    "--tuf-root",
    type=click.Path(exists=True, dir_okay=False),
    help="Believe the index by this root of The Update Framework.",
)
@click.option(
    "--sigstore-root",
    type=click.Path(exists=True, dir_okay=False),
    help="Believe attestations by this trusted root.",
)
@click.option("--allow-http", is_flag=True, help="Ask a server without encryption.")
@click.pass_obj
def command(
    session: Session,
    location: str,
    quick: bool,
    signed: bool,
    only: tuple[str, ...],
    allow_http: bool,
    tuf_root: str | None,
    sigstore_root: str | None,
) -> Answer:
    """Check that a marketplace holds what it promises.

    LOCATION is a folder or an address. Every document is read, every file
    compared with its digest, every archive with its files, every signature with
    its key. Whatever is wrong is told, with exit code 5.

    \b
    Examples:
      kurt market verify market
      kurt market verify https://skills.example.org/ --quick
    """
    from ..market.keys import Keyring
    from ..market.reading import reader_of
    from ..market.roots import read_root, state_of
    from ..market.trusting import INSTALL, Trust
    from ..market.verifying import verify

    ring = Keyring(session.places)
    trusted = ring.everyone()
    reader = reader_of(location, allow_http=allow_http)
    trust = Trust(sigstore_root)
    found = verify(
        reader,
        trusted=trusted,
        signed=signed,
        quick=quick,
        only=only,
        root=None if tuf_root is None else read_root(tuf_root),
        state=state_of(session.places, reader.location),
        trust=trust,
    )
    failure = None
    if found.findings:
        failure = IntegrityError(
            f"{reader.location} does not hold what it promises",
            cause=f"{amount(len(found.findings), 'thing')} wrong",
            hint=_hint(found),
        )
    data = {
        **found._asdict(),
        "attested": dict(found.attested),
        "location": reader.location,
        "findings": [finding.as_dict() for finding in found.findings],
    }

    def text(page: Page) -> None:
        page.findings(found.findings)
        page.line(
            f"snapshot {found.snapshot}: {amount(found.skills, 'skill')}, "
            f"{amount(found.releases, 'release')}, {amount(found.files, 'file')} "
            f"of {amount(found.size, 'byte')}; "
            + (f"signed by {found.signed}" if found.signed else "signed by nobody trusted")
        )
        for who, number in found.attested.items():
            releases = f"{number} release{'' if number == 1 else 's'}"
            if who:
                page.line(f"{releases} attested by {who}")
            else:
                page.line(f"{releases} attested; by whom was not checked: {INSTALL}", "yellow")

    return Answer(data, text, error=failure, warnings=trust.warnings)


def _hint(found: Verified) -> str:
    """Return what mends a marketplace: a build writes a new index, and brings no file back."""
    if all(finding.rule == "index-stale" for finding in found.findings):
        return "kurt market build FOLDER"
    return "restore it, or copy a good one over it: kurt market mirror LOCATION FOLDER"
