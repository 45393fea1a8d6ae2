"""Everything that kurt_ext raises, as one tree.

::

    KurtError                    1
    ├── UsageError               2   the words on the command line do not fit
    ├── NotFoundError            3   nothing has that name
    │   ├── SkillNotFoundError
    │   ├── ExtensionNotFoundError
    │   └── ServiceUnavailableError  a call asks for a service that did not start
    ├── PolicyError              5   a rule of the operator forbids it
    │   ├── UntrustedError           the skill's folder is not trusted
    │   ├── DisabledError            `kurt.toml` does not enable the name
    │   ├── QuarantinedError         it failed too often, and is held back
    │   ├── PermissionsWiderError    a new version may do more than the old
    │   ├── IsolationError           what must hold a plugin cannot be enforced here
    │   ├── ConsentError             somebody has to agree first, and nobody could be asked
    │   ├── PublisherError           a skill comes from somebody else than before
    │   ├── AdvisoryError            a release is known to be harmful, or was withdrawn
    │   └── PluginValidationError    the validator found an error
    ├── ConflictError            6   two things claim one name or place
    │   ├── AmbiguousNameError
    │   ├── CircularOrderError
    │   ├── CircularDependencyError  plugins need each other in a circle
    │   ├── PluginVersionConflictError  no set of versions satisfies everybody
    │   ├── ReleaseExistsError       that version is published, with another content
    │   └── TransitionError          the plugin is in no state for what is asked
    ├── MarketError              1   a marketplace, or what came from one, cannot be used
    │   ├── ArchiveError             an archive holds what is never unpacked
    │   ├── IntegrityError       5   bytes are not those that were promised
    │   ├── SignatureError       5   a signature is missing, wrong, or of an unknown key
    │   │   └── AttestationError     an attestation does not hold, or is by nobody who counts
    │   └── StaleIndexError      5   an index has expired, or is older than one seen before
    ├── NetworkError             7   a server could not be reached, or did not give what it should
    ├── LockedError             75   another process holds the lock
    ├── StorageError             1   a folder of kurt's own cannot be written, or is not ours
    ├── ManifestError            1   a SKILL.md or plugin.json cannot be read
    │   └── VersionError             a version or a constraint is not one
    ├── ConfigError              1   a kurt.toml or a setting is wrong
    ├── MissingExtraError        1   an optional dependency is not installed
    ├── PluginLoadError          1   importing or building an extension failed
    │   ├── SkillLoadError
    │   ├── ContractError            the loaded object does not fit its kind
    │   ├── IncompatibleError        it is for another host, or another Python
    │   ├── DependencyError          another plugin that it needs is not there
    │   ├── RequirementError         a Python distribution that it needs is not installed
    │   └── HookError                a hook of its life failed
    │       └── HookTimeoutError     a hook did not end within its time
    └── CallError                1   running an extension failed
        ├── InvalidInputError    2
        ├── InvalidOutputError
        ├── CallTimeoutError
        ├── CallCancelledError 130
        ├── LimitError               it came to the end of what its worker may use
        ├── PermissionDeniedError    it asked for what its manifest does not declare
        └── WorkerError              the process that runs it could not start or be understood
            └── WorkerCrashedError   that process ended in the middle of it

The number is the process's exit code. Each class has a kebab-case
``reference``, which ``kurt explain REFERENCE`` reads aloud from the docstring.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, ClassVar

    from .findings import Finding

__all__ = [
    "AdvisoryError",
    "AmbiguousNameError",
    "ArchiveError",
    "AttestationError",
    "CallCancelledError",
    "CallError",
    "CallTimeoutError",
    "CircularDependencyError",
    "CircularOrderError",
    "ConfigError",
    "ConflictError",
    "ConsentError",
    "ContractError",
    "DependencyError",
    "DisabledError",
    "ExtensionNotFoundError",
    "HookError",
    "HookTimeoutError",
    "IncompatibleError",
    "IntegrityError",
    "InvalidInputError",
    "InvalidOutputError",
    "IsolationError",
    "KurtError",
    "LimitError",
    "LockedError",
    "ManifestError",
    "MarketError",
    "MissingExtraError",
    "NetworkError",
    "NotFoundError",
    "PermissionDeniedError",
    "PermissionsWiderError",
    "PluginLoadError",
    "PluginValidationError",
    "PluginVersionConflictError",
    "PolicyError",
    "PublisherError",
    "QuarantinedError",
    "ReleaseExistsError",
    "RequirementError",
    "ServiceUnavailableError",
    "SignatureError",
    "SkillLoadError",
    "SkillNotFoundError",
    "StaleIndexError",
    "StorageError",
    "TransitionError",
    "UntrustedError",
    "UsageError",
    "VersionError",
    "WorkerCrashedError",
    "WorkerError",
]


class KurtError(Exception):
    """Say what happened, why, where, and what to paste next.

    :param message: one sentence that names the skill and what happened.
    :param cause: why, where that is known; may have several lines.
    :param at: the place as ``path``, ``path:line`` or ``path:line:column``.
    :param hint: the next step; a command to paste where there is one.
    :param skill: the name of the skill concerned.
    :param candidates: the names that could have been meant.
    """

    reference: ClassVar[str] = "kurt-error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        at: str | None = None,
        hint: str | None = None,
        skill: str | None = None,
        candidates: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.at = at
        self.hint = hint
        self.skill = skill
        self.candidates = tuple(candidates)

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException rebuilds from args alone, which would drop the rest.
        return (_rebuild, (type(self), self.message, self.__dict__))

    def render(self) -> str:
        """Return the error as its ``error: / cause: / at: / hint:`` lines, without colours."""
        lines = [f"error: {self.message}"]
        for label, text in (("cause", self.cause), ("at", self.at)):
            if text:
                lines.append(f"  {label}: " + text.replace("\n", "\n    "))
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the error as the ``error`` member of the JSON envelope."""
        return {
            "code": self.reference,
            "message": self.message,
            "cause": self.cause,
            "at": self.at,
            "hint": self.hint,
            "skill": self.skill,
            "candidates": list(self.candidates),
        }


def _rebuild(cls: type[KurtError], message: str, state: dict[str, Any]) -> KurtError:
    error = cls.__new__(cls, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class UsageError(KurtError):
    """The command's arguments do not fit together; its ``--help`` shows the forms."""

    reference = "usage"
    exit_code = 2


class NotFoundError(KurtError):
    """Nothing has the name that was asked for; ``kurt list`` shows what there is."""

    reference = "not-found"
    exit_code = 3


class SkillNotFoundError(NotFoundError):
    """No skill of that name was found in the project, the user's skills or the environment."""

    reference = "skill-not-found"


class ExtensionNotFoundError(NotFoundError):
    """No enabled extension has that name."""

    reference = "extension-not-found"


class ServiceUnavailableError(NotFoundError, KeyError):
    """A call asked for a long-lived service that is not there: none has the name, or it failed.

    Also a ``KeyError``, so that ``services.get(name)`` asks without an exception.
    """

    reference = "service-unavailable"

    def __str__(self) -> str:
        return self.message  # KeyError would show the quoted repr


class PolicyError(KurtError):
    """A rule of the operator forbids what was asked."""

    reference = "policy"
    exit_code = 5


class UntrustedError(PolicyError):
    """The skill lies in a project whose path nobody has trusted, so its code is never imported."""

    reference = "untrusted"


class DisabledError(PolicyError):
    """The extension exists, but ``kurt.toml`` does not enable its name."""

    reference = "disabled"


class PluginValidationError(PolicyError):
    """The validator found errors in the skill; ``validation_result`` holds the findings."""

    reference = "validation-failed"

    def __init__(self, message: str, *, validation_result: Any = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.validation_result = validation_result


class PermissionsWiderError(PolicyError):
    """A skill asks for more than before, where somebody wanted to be told of that."""

    reference = "permissions-wider"


class IsolationError(PolicyError):
    """A plugin is to run isolated, and this machine cannot enforce what that takes.

    :param missing: sentences, one for each thing that nothing here enforces.
    """

    reference = "isolation"

    def __init__(self, message: str, *, missing: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.missing = tuple(missing)


class ConsentError(PolicyError):
    """Somebody has to agree to a change first, and there was no terminal to ask at; ``--yes``."""

    reference = "consent"


class PublisherError(PolicyError):
    """A skill comes from another publisher, or with another key, than it did before."""

    reference = "publisher-changed"


class AdvisoryError(PolicyError):
    """A release is known to be harmful, or was withdrawn by its publisher."""

    reference = "advisory"


class QuarantinedError(PolicyError):
    """The plugin failed to load too often in this version, and is held back until it changes."""

    reference = "quarantined"


class ConflictError(KurtError):
    """Two things claim the same name or place."""

    reference = "conflict"
    exit_code = 6


class AmbiguousNameError(ConflictError):
    """Several enabled extensions have that name; ``candidates`` lists them as SKILL:EXTENSION."""

    reference = "ambiguous-name"


class CircularOrderError(ConflictError):
    """The wishes of extensions to come before or after each other form a circle."""

    reference = "circular-order"

    def __init__(self, message: str, *, cycle: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.cycle = tuple(cycle)


class CircularDependencyError(ConflictError):
    """Plugins need each other in a circle, so that none can be loaded first.

    :param cycle: their ids in order; the last one needs the first.
    """

    reference = "circular-dependency"

    def __init__(self, message: str, *, cycle: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.cycle = tuple(cycle)


class PluginVersionConflictError(ConflictError):
    """No set of versions satisfies everybody who needs a plugin.

    :param story: a sentence for each who asks: who, which version of whom, and what there is.
    """

    reference = "version-conflict"

    def __init__(self, message: str, *, story: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.story = tuple(story)


class TransitionError(ConflictError):
    """The plugin's state has no way to what was asked.

    :param status: the state it is in.
    :param wish: what was asked: ``load``, ``activate``, ``deactivate``, ``unload`` or ``reload``.
    :param legal: what may be asked in that state.
    """

    reference = "illegal-transition"

    def __init__(
        self,
        message: str,
        *,
        status: str = "",
        wish: str = "",
        legal: Sequence[str] = (),
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.status = status
        self.wish = wish
        self.legal = tuple(legal)


class ReleaseExistsError(ConflictError):
    """A version that is published stays as it is; what has changed needs a new version.

    :param version: the version concerned.
    """

    reference = "release-exists"

    def __init__(self, message: str, *, version: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.version = version


class MarketError(KurtError):
    """A marketplace, or a document of one, cannot be used."""

    reference = "market-invalid"


class ArchiveError(MarketError):
    """An archive was refused whole, since a part of it is never unpacked.

    :param rule: kebab-case name of what it breaks.
    :param entry: the name in the archive, as it is written there.
    """

    reference = "archive-refused"

    def __init__(
        self, message: str, *, rule: str = "archive-refused", entry: str = "", **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.rule = rule
        self.entry = entry


class IntegrityError(MarketError):
    """The bytes are not those that were promised: another digest, another size, or none there.

    :param files: the paths that are changed, missing, or were added.
    """

    reference = "integrity"
    exit_code = 5

    def __init__(self, message: str, *, files: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.files = tuple(files)


class SignatureError(MarketError):
    """What should be signed is not, or by nobody who is trusted, or was changed afterwards."""

    reference = "signature"
    exit_code = 5


class AttestationError(SignatureError):
    """What should be attested is not, or not by whom it should be, or the attestation is wrong."""

    reference = "attestation"


class StaleIndexError(MarketError):
    """The index of a marketplace has expired, or is older than one that was seen before."""

    reference = "index-stale"
    exit_code = 5


class NetworkError(KurtError):
    """A server could not be reached, or did not give what it should.

    :param status: the HTTP status, 0 where there was none.
    """

    reference = "network"
    exit_code = 7

    def __init__(self, message: str, *, status: int = 0, **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status


class LockedError(KurtError):
    """Another process holds the lock, and did not let go in time."""

    reference = "locked"
    exit_code = 75


class StorageError(KurtError):
    """A folder that kurt keeps its own files in cannot be written, or belongs to somebody else."""

    reference = "storage"


class ManifestError(KurtError):
    """A SKILL.md or plugin.json cannot be used; ``findings`` says what is wrong and where."""

    reference = "manifest-invalid"

    def __init__(self, message: str, *, findings: Iterable[Finding] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.findings = tuple(findings)


class VersionError(ManifestError, ValueError):
    """A text is no version after SemVer 2.0, or no version constraint."""

    reference = "version-invalid"


class ConfigError(KurtError):
    """A ``kurt.toml`` cannot be read, or a setting in it is wrong or missing.

    :param problems: pairs (JSON pointer of the setting, what is wrong with it).
    """

    reference = "config-invalid"

    def __init__(
        self, message: str, *, problems: Iterable[tuple[str, str]] = (), **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.problems = tuple(problems)


class MissingExtraError(KurtError):
    """A feature needs an optional dependency; the hint holds the line that installs it."""

    reference = "missing-extra"


class PluginLoadError(KurtError):
    """Importing or building an extension failed."""

    reference = "load-failed"


class SkillLoadError(PluginLoadError):
    """The code of a skill could not be imported; the host and the other skills go on."""

    reference = "skill-load-failed"


class ContractError(PluginLoadError):
    """The object that an entry point names is not what its kind asks for."""

    reference = "contract"


class IncompatibleError(PluginLoadError):
    """The plugin is made for another version of the host, or of Python; nothing was imported."""

    reference = "incompatible"


class DependencyError(PluginLoadError):
    """Another plugin that this one needs is missing, too old or too new, or failed itself.

    :param chain: ids from the plugin that was asked for to the one that failed.
    """

    reference = "dependency"

    def __init__(self, message: str, *, chain: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.chain = tuple(chain)


class RequirementError(PluginLoadError):
    """A Python distribution that the plugin needs is not installed, or in another version.

    :param missing: PEP 508 requirements that are not met.
    """

    reference = "requirement"

    def __init__(self, message: str, *, missing: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.missing = tuple(missing)


class HookError(PluginLoadError):
    """A hook of a plugin's life raised something; ``__cause__`` is it.

    :param hook: ``initialize``, ``activate``, ``deactivate`` or ``cleanup``.
    """

    reference = "hook-failed"

    def __init__(self, message: str, *, hook: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.hook = hook


class HookTimeoutError(HookError):
    """A hook did not end within its time and was left behind; what it leaks is named."""

    reference = "hook-timeout"


class CallError(KurtError):
    """An extension was called and failed; ``__cause__`` is its own exception."""

    reference = "call-failed"


class InvalidInputError(CallError):
    """The arguments of a call do not fit the extension's input model.

    :param problems: pairs (JSON pointer of the argument, what is wrong with it).
    """

    reference = "invalid-input"
    exit_code = 2

    def __init__(
        self, message: str, *, problems: Iterable[tuple[str, str]] = (), **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.problems = tuple(problems)


class InvalidOutputError(CallError):
    """What a call returned does not fit the extension's output model.

    :param problems: pairs (JSON pointer into the data, what is wrong there).
    """

    reference = "invalid-output"

    def __init__(
        self, message: str, *, problems: Iterable[tuple[str, str]] = (), **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.problems = tuple(problems)


class CallTimeoutError(CallError):
    """A call did not end within its time."""

    reference = "call-timeout"


class CallCancelledError(CallError):
    """A call was cancelled before it ended."""

    reference = "call-cancelled"
    exit_code = 130


class LimitError(CallError):
    """A call used up what its worker is given, and was ended.

    :param limit: which one, as ``sandbox_config_override`` names it.
    :param allowed: how much that was, in the unit of the name.
    """

    reference = "limit-exceeded"

    def __init__(
        self, message: str, *, limit: str = "", allowed: float = 0, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.limit = limit
        self.allowed = allowed


class PermissionDeniedError(CallError):
    """An isolated plugin asked for something that its manifest does not declare.

    :param permission: the list of the manifest that would have to name it.
    :param target: what it asked for.
    """

    reference = "permission-denied"

    def __init__(
        self, message: str, *, permission: str = "", target: str = "", **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.permission = permission
        self.target = target


class WorkerError(CallError):
    """The process that runs an isolated plugin could not be started, or spoke nonsense."""

    reference = "worker-failed"


class WorkerCrashedError(WorkerError):
    """The process that runs an isolated plugin ended in the middle of a call."""

    reference = "worker-crashed"
