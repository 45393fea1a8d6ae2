"""The keys that may stand in a ``kurt.toml``, and what their values must be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = [
    "AUDIT_KEYS",
    "FIXED",
    "KEYS",
    "LIMITS",
    "LISTS",
    "MARKET_KEYS",
    "MARKET_KINDS",
    "MODES",
    "PLUGIN_KEYS",
    "RISKS",
    "SANDBOX_KEYS",
    "TIGHTER",
    "VALIDATOR_KEYS",
    "Key",
    "bounds",
    "describe",
    "fits",
    "guards",
    "overlooks",
    "sells",
]


class Key(NamedTuple):
    """A key that may stand in a ``kurt.toml``; capitals in ``name`` stand for words of yours."""

    name: str
    type: str
    default: str
    text: str


#: Every key that there is; ``kurt config explain KEY`` prints its line.
KEYS = (
    Key(
        "skill_paths",
        "array of strings",
        "[]",
        "Further folders of skill folders; `~` is the home directory, and a path that is not "
        "whole begins at the folder of the file.",
    ),
    Key(
        "KIND.enabled",
        "array of strings",
        "everything trusted; nothing of a kind that runs only what is named",
        'The extensions that may run, in order: EXTENSION, SKILL:EXTENSION, SKILL or "*"; '
        "exact where it stands, and the project's replaces the user's.",
    ),
    Key(
        "KIND.disabled",
        "array of strings",
        "[]",
        "The extensions that may not run, whatever enables them; the user's and the project's "
        "count both.",
    ),
    Key(
        "KIND.ROLE",
        "string",
        "the kind's own",
        "The extension that fills a role of the kind.",
    ),
    Key(
        "KIND.EXTENSION.OPTION",
        "any",
        "the extension's own",
        "An option of one extension; a string `env:VAR` stands for the variable's value.",
    ),
    Key(
        "skill.NAME.SETTING",
        "any",
        "the skill's own",
        "A setting of one skill, among them a key for each service of its `requires_api`; a "
        "string `env:VAR` stands for the variable's value, and tables of both files are joined.",
    ),
    Key(
        "validator.max_file_size_mb",
        "number",
        "the validator's own",
        "MiB that one file of a skill may have; more than 0.",
    ),
    Key(
        "validator.allowed_extensions",
        "array of strings",
        "every one that the validator knows",
        "The endings that files of a skill may have, as \".py\"; the project's narrows the user's.",
    ),
    Key(
        "validator.blocked_imports",
        "array of strings",
        "[]",
        "Dotted names that no skill may use, whatever it declares; those of both files are united.",
    ),
    Key(
        "validator.min_score",
        "number",
        "60",
        "The security score, 0 to 100, below which nothing is installed; "
        "the project's can only be higher.",
    ),
    Key(
        "validator.max_risk",
        "string",
        "critical",
        "The gravest risk that is let in: low, medium, high or critical; "
        "the project's can only be lower.",
    ),
    Key(
        "validator.known_ids",
        "array of strings",
        "[]",
        "Ids of plugins that others may be mistaken for, besides those that are found here; "
        "a project's count once it is trusted.",
    ),
    Key(
        "validator.reserved_prefixes",
        "array of strings",
        '["kurt.", "io.kurt.", "kurt_ext."]',
        "What begins an id that no skill may have; the project's are added to the user's.",
    ),
    Key(
        "validator.adapters",
        "array of strings",
        "[]",
        "Other programs that are asked for a second opinion, which can only add warnings: ruff; "
        "the project's are added to the user's.",
    ),
    Key(
        "sandbox.wheelhouse",
        "string",
        "the index of the machine",
        "The folder of wheels that environments are made of, and nothing else; `~` is the home "
        "directory, and a path that is not whole begins at the folder of the file.",
    ),
    Key(
        "sandbox.offline",
        "boolean",
        "false",
        "Whether environments are made without the network; "
        "of a project that is not trusted, only true counts.",
    ),
    Key(
        "sandbox.allow_source",
        "boolean",
        "false",
        "Whether a distribution without a wheel may be built, which runs its code outside of "
        "every sandbox; of a project that is not trusted, only false counts.",
    ),
    Key(
        "sandbox.isolation",
        "string",
        "strict from a marketplace, auto of what is installed or trusted, none of the host's own",
        "Where the code of plugins runs: strict, auto or none.",
    ),
    Key(
        "sandbox.tier",
        "string",
        "kernel",
        "What holds them where there is a choice: strong hides names of files too, and starts "
        "slower.",
    ),
    Key(
        "sandbox.max_execution_time_seconds",
        "number",
        "300",
        "Seconds that a call of an isolated plugin may take.",
    ),
    Key(
        "sandbox.max_cpu_seconds",
        "number",
        "3600",
        "Seconds of processor that a worker may use before it is replaced.",
    ),
    Key("sandbox.max_memory_mb", "number", "2048", "MiB of memory that a worker may have."),
    Key("sandbox.max_open_files", "number", "256", "Files that a worker may hold open."),
    Key(
        "sandbox.max_processes",
        "number",
        "32",
        "Processes of a plugin that may start programs, its worker included.",
    ),
    Key("sandbox.max_file_size_mb", "number", "256", "MiB of one file that a worker writes."),
    Key("sandbox.max_output_kb", "number", "1024", "KiB of what a worker prints that are kept."),
    Key("sandbox.max_reply_mb", "number", "16", "MiB of one answer of a worker."),
    Key("sandbox.max_connections", "number", "32", "Network connections of a worker at one time."),
    Key(
        "market.NAME.url",
        "string",
        "none",
        "Where a marketplace lies: https://…, file:///… or a folder, which begins at the folder "
        "of the file where it is not whole. The user's counts before a project's of the same "
        "name, and a project's only once it is trusted.",
    ),
    Key(
        "market.NAME.kind",
        "string",
        "kurt",
        "What it is: kurt, a marketplace, or simple, an index of distributions (PEP 503, PEP 691). "
        "The index called pypi has PyPI's place.",
    ),
    Key(
        "market.NAME.key",
        "string or array of strings",
        "none: the index need not be signed",
        "The public keys, one of which must have signed the index.",
    ),
    Key(
        "market.NAME.allow_http",
        "boolean",
        "false",
        "Whether it may be asked without encryption; this machine itself always may.",
    ),
    Key(
        "market.NAME.hosts",
        "array of strings",
        "[]",
        "Other hosts that it may send us on to.",
    ),
    Key(
        "market.NAME.tuf_root",
        "string",
        "none: TUF is not asked",
        "The file of a root of The Update Framework, by which the index is believed; it begins "
        "at the folder of the file where it is not whole.",
    ),
    Key(
        "market.NAME.attested",
        "boolean",
        "false",
        "Whether a release must be attested, by an identity that its publisher names.",
    ),
    Key(
        "market.NAME.identities",
        "array of strings",
        "[]: whom the publisher names",
        "Who must have attested a release, one of them: a repository, a workflow, or NAME via "
        "ISSUER.",
    ),
    Key(
        "market.NAME.sigstore_root",
        "string",
        "that of Sigstore's public instance",
        "The file of the trusted root by which attestations are believed; it begins at the folder "
        "of the file where it is not whole.",
    ),
    Key(
        "audit.ignore",
        "array of tables",
        "[]",
        "Advisories that do not count here: `{ id = …, reason = …, until = … }` each, `until` the "
        "last day; those of both files are united, a project's once it is trusted.",
    ),
    Key(
        "plugin.NAME.enabled",
        "boolean",
        "its config.json's, else true",
        "Whether the plugin may be loaded.",
    ),
    Key(
        "plugin.NAME.auto_load",
        "boolean",
        "its config.json's, else false",
        "Whether the plugin is loaded when a host starts.",
    ),
    Key(
        "plugin.NAME.priority",
        "integer",
        "its config.json's, else 100",
        "Order of loading at start, dependencies apart; the lowest is first.",
    ),
    Key(
        "plugin.NAME.timeout_seconds",
        "number",
        "the host's",
        "Seconds that each hook of the plugin's life may take; more than 0.",
    ),
    Key(
        "plugin.NAME.environment",
        "string",
        "shared",
        "Where the plugin's libraries come from: shared, those of the host, or own, an "
        "environment made of what it requires; its worker runs with that one's Python.",
    ),
    Key(
        "plugin.NAME.isolation",
        "string",
        "sandbox.isolation, or by where it came from",
        "Where the plugin's code runs: strict, auto or none.",
    ),
    Key(
        "plugin.NAME.sandbox_config_override",
        "table",
        "its config.json's",
        "Limits of the plugin's isolation that differ here; joined with its config.json's.",
    ),
)
#: Words at the top that no kind may have.
FIXED = ("skill_paths", "skill", "plugin", "validator", "sandbox", "market", "audit")
SANDBOX = "sandbox_config_override"
#: Key of a table `[plugin.NAME]` → what its value must be, and what it is taken for if not.
PLUGIN_KEYS: dict[str, tuple[str, Any]] = {
    "enabled": ("true or false", False),
    "auto_load": ("true or false", False),
    "priority": ("a whole number of at most 64 bits", None),
    "timeout_seconds": ("a number of seconds, more than 0", None),
    "environment": ("own or shared", None),
    "isolation": ("strict, auto or none", "strict"),  # a word that nobody reads opens nothing
    SANDBOX: ("a table", None),
}
#: Key of the table `[validator]` → what its value must be.
VALIDATOR_KEYS = {
    "max_file_size_mb": "a number of MiB, more than 0",
    "allowed_extensions": 'an array of endings such as ".py"',
    "blocked_imports": "an array of dotted names",
    "min_score": "a number from 0 to 100",
    "max_risk": "one of low, medium, high, critical",
    "known_ids": "an array of plugin ids",
    "reserved_prefixes": 'an array of texts such as "com.example."',
    "adapters": 'an array of names such as "ruff"',
}
#: Where the code of a plugin may run: see `isolation`.
MODES = ("strict", "auto", "none")
#: Limits of isolated plugins: see `sandbox.limits`, which says more of each.
LIMITS = (
    "max_execution_time_seconds",
    "max_cpu_seconds",
    "max_memory_mb",
    "max_open_files",
    "max_processes",
    "max_file_size_mb",
    "max_output_kb",
    "max_reply_mb",
    "max_connections",
)
#: Key of the table `[sandbox]` → what its value must be.
SANDBOX_KEYS = {
    "wheelhouse": "the path of a folder",
    "offline": "true or false",
    "allow_source": "true or false",
    "isolation": "strict, auto or none",
    "tier": "strong or kernel",
    **dict.fromkeys(LIMITS, "a number above 0"),
}
#: Key of the table `[sandbox]` → the one value that only takes away, so that it counts
#: whoever says it.
TIGHTER: dict[str, Any] = {"offline": True, "allow_source": False}
#: Key of a table `[market.NAME]` → what its value must be.
MARKET_KEYS = {
    "url": "an address: https://…, file:///… or a folder",
    "kind": "kurt or simple",
    "key": "a public key, or an array of them",
    "allow_http": "true or false",
    "hosts": "an array of names of hosts",
    "tuf_root": "the path of a root of The Update Framework",
    "attested": "true or false",
    "identities": 'an array of texts such as "https://github.com/acme/skills"',
    "sigstore_root": "the path of a trusted root of Sigstore",
}
#: Key of the table `[audit]` → what its value must be.
AUDIT_KEYS = {"ignore": "an array of tables such as { id = …, reason = …, until = … }"}
#: What a table ``[market.NAME]`` may be of: a marketplace, or an index of distributions.
MARKET_KINDS = ("kurt", "simple")
#: From harmless to grave; what a score falls into, and what ``max_risk`` names.
RISKS = ("low", "medium", "high", "critical")
LISTS = ("enabled", "disabled")


def describe(path: Iterable[str]) -> Key | None:
    """Return the line of :data:`KEYS` for a key given by its parts, or None."""
    parts = tuple(path)
    by_name = {key.name: key for key in KEYS}
    if parts == ("skill_paths",):
        return by_name["skill_paths"]
    if not parts or parts[0] == "skill_paths":
        return None
    if parts[0] == "skill":
        return by_name["skill.NAME.SETTING"] if len(parts) > 1 else None
    if parts[0] == "plugin":
        if len(parts) != 3 and not (len(parts) > 3 and parts[2] == SANDBOX):
            return None
        return by_name.get(f"plugin.NAME.{parts[2]}")
    if parts[0] == "market":
        return by_name.get(f"market.NAME.{parts[2]}") if len(parts) == 3 else None
    if parts[0] in ("validator", "sandbox", "audit"):
        return by_name.get(".".join(parts))
    if len(parts) == 2:
        return by_name[f"KIND.{parts[1]}" if parts[1] in LISTS else "KIND.ROLE"]
    return by_name["KIND.EXTENSION.OPTION"] if len(parts) > 2 and parts[1] not in LISTS else None


def fits(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[plugin.NAME]``."""
    if key in ("enabled", "auto_load"):
        return isinstance(value, bool)
    if key == SANDBOX:
        return isinstance(value, dict)
    if key == "environment":
        return value in ("own", "shared")
    if key == "isolation":
        return value in MODES
    if isinstance(value, bool):
        return False
    if key == "priority":
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, (int, float)) and 0 < value < float("inf")


def bounds(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[sandbox]``."""
    if key == "wheelhouse":
        return isinstance(value, str) and value != "" and value.isprintable()
    if key == "isolation":
        return value in MODES
    if key == "tier":
        return value in ("strong", "kernel")
    if key in LIMITS:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and 0 < value < float("inf")
    return isinstance(value, bool)


def guards(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[validator]``."""
    if key == "max_risk":
        return value in RISKS
    if key in ("max_file_size_mb", "min_score"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return 0 <= value <= 100 if key == "min_score" else 0 < value < float("inf")
    return isinstance(value, list) and all(
        isinstance(item, str)
        and item.isprintable()
        and item.strip() == item != ""
        and (key != "allowed_extensions" or item[0] == ".")
        for item in value
    )


def overlooks(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[audit]``."""
    from .overlooked import fault

    return key in AUDIT_KEYS and isinstance(value, list) and not any(map(fault, value))


def sells(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[market.NAME]``."""
    if key in ("allow_http", "attested"):
        return isinstance(value, bool)
    if key == "kind":
        return value in MARKET_KINDS
    if key in ("url", "tuf_root", "sigstore_root"):
        plain = isinstance(value, str) and value.isprintable() and value.strip() == value != ""
        return plain and (key != "url" or _is_address(value))
    values = [value] if key == "key" and isinstance(value, str) else value
    return isinstance(values, list) and all(
        isinstance(item, str) and item.isprintable() and item.strip() == item != ""
        for item in values
    )


def _is_address(text: str) -> bool:
    """Return whether a text is an address that a market can have, or the path of a folder.

    Whether it may be asked without encryption is another question, with an answer of its own.
    """
    from urllib.parse import urlsplit

    scheme, colon, _ = text.partition("://")
    if not colon:
        return not text.startswith(("file:", "http:", "https:", "ftp:"))
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if scheme.lower() == "file":
        return host in ("", "localhost") and parts.path.startswith("/")
    if scheme.lower() not in ("https", "http") or not host or not text.isascii():
        return False
    return parts.username is None and parts.password is None and not parts.fragment
