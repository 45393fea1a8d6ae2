"""The rules of what comes from a marketplace: its index and files, and what is installed."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

_WHOLE = Entry(
    "What the index names is there, and has the digest and size that are promised for it.",
    "It was changed on the way or on the server, or the marketplace is only half copied.",
)

ENTRIES = {
    **dict.fromkeys(
        ["market-advisories", "market-file", "market-publisher", "market-skill"], _WHOLE
    ),
    "advisory-ignored": Entry(
        "What an advisory is about is not installed.",
        "This one was set aside in kurt.toml, for the reason and until the day that stand there; "
        "`kurt audit` lists it.",
    ),
    "attestation-unchecked": Entry(
        "Who has attested a release is verified where it says that somebody has.",
        "Nothing is known of that otherwise; `attested = true` under `[market.NAME]` takes nothing "
        "that was not verified.",
    ),
    "cooldown": Entry(
        "An update is 3 days old before it is taken.",
        "What is stolen or broken is mostly found by then; one that mends an advisory need not "
        "wait.",
    ),
    "installed": Entry(
        "A skill's files are as they were installed.",
        "Code that nobody has judged would run in its name; "
        "`kurt sync --force NAME` puts back what was installed.",
    ),
    "key-damaged": Entry(
        "A private key can be read.",
        "What it is to sign cannot be signed, and it cannot be made again from its public half.",
    ),
    "market-attestation": Entry(
        "A release that is signed is signed by a key of its publisher.",
        "Otherwise somebody else may have made it, or changed it afterwards.",
    ),
    "market-not-noted": Entry(
        "The number of the last index that was read is kept.",
        "An older index, which lacks the latest advisories, would not be told from the newest.",
    ),
    "market-signature": Entry(
        "The index is signed by a key that is trusted, where one is asked for.",
        "Whoever can write to the server could put other releases in their place.",
    ),
    "market-tuf": Entry(
        "The index is the one that The Update Framework believes, by the root that was given.",
        "Another one was not released by those who hold the keys, or is an old one.",
    ),
    "market-unreachable": Entry(
        "A marketplace can be asked.",
        "Until then its last copy counts, which knows neither new releases nor new advisories.",
    ),
    "market-unusable": Entry(
        "What a marketplace says can be read and believed.",
        "It is left out otherwise; what it holds is neither found nor brought up to date.",
    ),
    "no-cooldown": Entry(
        "An index of distributions says when a file came.",
        "How long a release has been out is not known otherwise, so it waits for nothing.",
    ),
    "no-market": Entry(
        "A skill came from a marketplace that can still be asked.",
        "Nobody tells of newer releases or advisories otherwise; `[market.NAME]` in kurt.toml "
        "names one.",
    ),
    "no-pip-audit": Entry(
        "The program pip-audit is there.",
        "It knows the flaws of the Python distributions that skills need, and kurt does not.",
    ),
    "not-locked": Entry(
        "Every skill that kurt has installed stands in kurt.lock.",
        "On another machine it will not be there.",
    ),
    "not-reloaded": Entry(
        "A host that runs a skill loads it anew when it was changed.",
        "Until then the version before runs on.",
    ),
    "pip-audit-failed": Entry(
        "The program pip-audit ends with an answer that can be read.",
        "Silence would look like the answer that there is no flaw.",
    ),
    "plugin-unusable": Entry(
        "A plugin that is installed can be read as one.",
        "It is not listed otherwise, and cannot be loaded.",
    ),
    "project-status": Entry(
        "A skill is active: its publisher looks after it.",
        "One that is archived, deprecated or quarantined gets no more releases, or is looked into.",
    ),
    "sigstore-root": Entry(
        "The trusted root of Sigstore is brought up to date before it is used.",
        "The copy that is kept counts meanwhile; keys withdrawn since are still believed.",
    ),
    "word-corrected": Entry(
        "A word that is searched for occurs in what is found.",
        "One that occurs nowhere is taken for the most similar one; what was found may be "
        "something else than what you meant.",
    ),
    "yanked": Entry(
        "A release that is installed was not withdrawn.",
        "Its publisher advises against it; it can still be had by its exact version.",
    ),
}
