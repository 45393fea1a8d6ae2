"""Find, judge, enable, load and run extensions, installed from PyPI or dropped in as a folder.

Every public name can be had from here; importing the package imports nothing, a
name is fetched when it is first used.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kurt_engine import BaseFetcher as BaseFetcher
    from kurt_engine import BaseMapper as BaseMapper
    from kurt_engine import register_fetcher as register_fetcher
    from kurt_engine import register_mapper as register_mapper
    from kurt_tool import SKILLS as SKILLS
    from kurt_tool import TOOLS as TOOLS
    from kurt_tool import SkillManager as SkillManager
    from kurt_tool import Tool as Tool
    from kurt_tool import ToolCanceledError as ToolCanceledError
    from kurt_tool import ToolContext as ToolContext
    from kurt_tool import ToolExecutionError as ToolExecutionError
    from kurt_tool import ToolInputError as ToolInputError
    from kurt_tool import ToolNotFoundError as ToolNotFoundError
    from kurt_tool import ToolOutputError as ToolOutputError
    from kurt_tool import ToolProgress as ToolProgress
    from kurt_tool import ToolResult as ToolResult
    from kurt_tool import ToolTimeoutError as ToolTimeoutError
    from kurt_tool import find_skill_for_tool as find_skill_for_tool
    from kurt_tool import get_tool as get_tool
    from kurt_tool import load_skill as load_skill
    from kurt_tool import register_tool as register_tool

    from .calls import Call as Call
    from .calls import FanOut as FanOut
    from .candidates import Candidate as Candidate
    from .config import Config as Config
    from .contract import Context as Context
    from .contract import Extension as Extension
    from .contract import Progress as Progress
    from .contract import Result as Result
    from .discovery import Discovery as Discovery
    from .discovery import discover as discover
    from .errors import AdvisoryError as AdvisoryError
    from .errors import AmbiguousNameError as AmbiguousNameError
    from .errors import ArchiveError as ArchiveError
    from .errors import AttestationError as AttestationError
    from .errors import CallCancelledError as CallCancelledError
    from .errors import CallError as CallError
    from .errors import CallTimeoutError as CallTimeoutError
    from .errors import CircularDependencyError as CircularDependencyError
    from .errors import CircularOrderError as CircularOrderError
    from .errors import ConfigError as ConfigError
    from .errors import ConflictError as ConflictError
    from .errors import ConsentError as ConsentError
    from .errors import ContractError as ContractError
    from .errors import DependencyError as DependencyError
    from .errors import DisabledError as DisabledError
    from .errors import ExtensionNotFoundError as ExtensionNotFoundError
    from .errors import HookError as HookError
    from .errors import HookTimeoutError as HookTimeoutError
    from .errors import IncompatibleError as IncompatibleError
    from .errors import IntegrityError as IntegrityError
    from .errors import InvalidInputError as InvalidInputError
    from .errors import InvalidOutputError as InvalidOutputError
    from .errors import IsolationError as IsolationError
    from .errors import KurtError as KurtError
    from .errors import LimitError as LimitError
    from .errors import LockedError as LockedError
    from .errors import ManifestError as ManifestError
    from .errors import MarketError as MarketError
    from .errors import MissingExtraError as MissingExtraError
    from .errors import NetworkError as NetworkError
    from .errors import NotFoundError as NotFoundError
    from .errors import PermissionDeniedError as PermissionDeniedError
    from .errors import PluginLoadError as PluginLoadError
    from .errors import PluginValidationError as PluginValidationError
    from .errors import PluginVersionConflictError as PluginVersionConflictError
    from .errors import PolicyError as PolicyError
    from .errors import PublisherError as PublisherError
    from .errors import QuarantinedError as QuarantinedError
    from .errors import ReleaseExistsError as ReleaseExistsError
    from .errors import RequirementError as RequirementError
    from .errors import ServiceUnavailableError as ServiceUnavailableError
    from .errors import SignatureError as SignatureError
    from .errors import SkillLoadError as SkillLoadError
    from .errors import SkillNotFoundError as SkillNotFoundError
    from .errors import StaleIndexError as StaleIndexError
    from .errors import StorageError as StorageError
    from .errors import TransitionError as TransitionError
    from .errors import UntrustedError as UntrustedError
    from .errors import UsageError as UsageError
    from .errors import VersionError as VersionError
    from .errors import WorkerCrashedError as WorkerCrashedError
    from .errors import WorkerError as WorkerError
    from .findings import Finding as Finding
    from .kinds import Kind as Kind
    from .kinds import Role as Role
    from .lifecycle import PluginEvent as PluginEvent
    from .loader import PluginLoader as PluginLoader
    from .managers import Outcome as Outcome
    from .marketplace_info import PluginMarketplaceInfo as PluginMarketplaceInfo
    from .models import PluginCapability as PluginCapability
    from .models import PluginConfig as PluginConfig
    from .models import PluginDependency as PluginDependency
    from .models import PluginMetadata as PluginMetadata
    from .models import PluginPermissions as PluginPermissions
    from .models import PluginState as PluginState
    from .models import PluginStatus as PluginStatus
    from .models import PluginType as PluginType
    from .models import PluginValidationResult as PluginValidationResult
    from .models import SkillImplementation as SkillImplementation
    from .models import SkillManifest as SkillManifest
    from .places import Places as Places
    from .plugin_validator import PluginValidator as PluginValidator
    from .registry import PluginRegistry as PluginRegistry
    from .report import Report as Report
    from .search import discover_all as discover_all
    from .search import discover_skills as discover_skills
    from .search import parse_skill_manifest as parse_skill_manifest
    from .trust import Trust as Trust
    from .validator import validate as validate
    from .validator import validate_skill as validate_skill
    from .version_manager import PluginVersionManager as PluginVersionManager

#: Public name → the module that it is fetched from.
_PLACES = {
    "AdvisoryError": ".errors",
    "AmbiguousNameError": ".errors",
    "ArchiveError": ".errors",
    "AttestationError": ".errors",
    "BaseFetcher": "kurt_engine",
    "BaseMapper": "kurt_engine",
    "Call": ".calls",
    "CallCancelledError": ".errors",
    "CallError": ".errors",
    "CallTimeoutError": ".errors",
    "Candidate": ".candidates",
    "CircularDependencyError": ".errors",
    "CircularOrderError": ".errors",
    "Config": ".config",
    "ConfigError": ".errors",
    "ConflictError": ".errors",
    "ConsentError": ".errors",
    "Context": ".contract",
    "ContractError": ".errors",
    "DependencyError": ".errors",
    "DisabledError": ".errors",
    "Discovery": ".discovery",
    "Extension": ".contract",
    "ExtensionNotFoundError": ".errors",
    "FanOut": ".calls",
    "Finding": ".findings",
    "HookError": ".errors",
    "HookTimeoutError": ".errors",
    "IncompatibleError": ".errors",
    "IntegrityError": ".errors",
    "InvalidInputError": ".errors",
    "InvalidOutputError": ".errors",
    "IsolationError": ".errors",
    "Kind": ".kinds",
    "KurtError": ".errors",
    "LimitError": ".errors",
    "LockedError": ".errors",
    "ManifestError": ".errors",
    "MarketError": ".errors",
    "MissingExtraError": ".errors",
    "NetworkError": ".errors",
    "NotFoundError": ".errors",
    "Outcome": ".managers",
    "PermissionDeniedError": ".errors",
    "Places": ".places",
    "PluginCapability": ".models",
    "PluginConfig": ".models",
    "PluginDependency": ".models",
    "PluginEvent": ".lifecycle",
    "PluginLoadError": ".errors",
    "PluginLoader": ".loader",
    "PluginMarketplaceInfo": ".marketplace_info",
    "PluginMetadata": ".models",
    "PluginPermissions": ".models",
    "PluginRegistry": ".registry",
    "PluginState": ".models",
    "PluginStatus": ".models",
    "PluginType": ".models",
    "PluginValidationError": ".errors",
    "PluginValidationResult": ".models",
    "PluginValidator": ".plugin_validator",
    "PluginVersionConflictError": ".errors",
    "PluginVersionManager": ".version_manager",
    "PolicyError": ".errors",
    "Progress": ".contract",
    "PublisherError": ".errors",
    "QuarantinedError": ".errors",
    "ReleaseExistsError": ".errors",
    "Report": ".report",
    "RequirementError": ".errors",
    "Result": ".contract",
    "Role": ".kinds",
    "SKILLS": "kurt_tool",
    "ServiceUnavailableError": ".errors",
    "SignatureError": ".errors",
    "SkillImplementation": ".models",
    "SkillLoadError": ".errors",
    "SkillManager": "kurt_tool",
    "SkillManifest": ".models",
    "SkillNotFoundError": ".errors",
    "StaleIndexError": ".errors",
    "StorageError": ".errors",
    "TOOLS": "kurt_tool",
    "Tool": "kurt_tool",
    "ToolCanceledError": "kurt_tool",
    "ToolContext": "kurt_tool",
    "ToolExecutionError": "kurt_tool",
    "ToolInputError": "kurt_tool",
    "ToolNotFoundError": "kurt_tool",
    "ToolOutputError": "kurt_tool",
    "ToolProgress": "kurt_tool",
    "ToolResult": "kurt_tool",
    "ToolTimeoutError": "kurt_tool",
    "TransitionError": ".errors",
    "Trust": ".trust",
    "UntrustedError": ".errors",
    "UsageError": ".errors",
    "VersionError": ".errors",
    "WorkerCrashedError": ".errors",
    "WorkerError": ".errors",
    "discover": ".discovery",
    "discover_all": ".search",
    "discover_skills": ".search",
    "find_skill_for_tool": "kurt_tool",
    "get_tool": "kurt_tool",
    "load_skill": "kurt_tool",
    "parse_skill_manifest": ".search",
    "register_fetcher": "kurt_engine",
    "register_mapper": "kurt_engine",
    "register_tool": "kurt_tool",
    "validate": ".validator",
    "validate_skill": ".validator",
}

__all__ = [
    "SKILLS",
    "TOOLS",
    "AdvisoryError",
    "AmbiguousNameError",
    "ArchiveError",
    "AttestationError",
    "BaseFetcher",
    "BaseMapper",
    "Call",
    "CallCancelledError",
    "CallError",
    "CallTimeoutError",
    "Candidate",
    "CircularDependencyError",
    "CircularOrderError",
    "Config",
    "ConfigError",
    "ConflictError",
    "ConsentError",
    "Context",
    "ContractError",
    "DependencyError",
    "DisabledError",
    "Discovery",
    "Extension",
    "ExtensionNotFoundError",
    "FanOut",
    "Finding",
    "HookError",
    "HookTimeoutError",
    "IncompatibleError",
    "IntegrityError",
    "InvalidInputError",
    "InvalidOutputError",
    "IsolationError",
    "Kind",
    "KurtError",
    "LimitError",
    "LockedError",
    "ManifestError",
    "MarketError",
    "MissingExtraError",
    "NetworkError",
    "NotFoundError",
    "Outcome",
    "PermissionDeniedError",
    "Places",
    "PluginCapability",
    "PluginConfig",
    "PluginDependency",
    "PluginEvent",
    "PluginLoadError",
    "PluginLoader",
    "PluginMarketplaceInfo",
    "PluginMetadata",
    "PluginPermissions",
    "PluginRegistry",
    "PluginState",
    "PluginStatus",
    "PluginType",
    "PluginValidationError",
    "PluginValidationResult",
    "PluginValidator",
    "PluginVersionConflictError",
    "PluginVersionManager",
    "PolicyError",
    "Progress",
    "PublisherError",
    "QuarantinedError",
    "ReleaseExistsError",
    "Report",
    "RequirementError",
    "Result",
    "Role",
    "ServiceUnavailableError",
    "SignatureError",
    "SkillImplementation",
    "SkillLoadError",
    "SkillManager",
    "SkillManifest",
    "SkillNotFoundError",
    "StaleIndexError",
    "StorageError",
    "Tool",
    "ToolCanceledError",
    "ToolContext",
    "ToolExecutionError",
    "ToolInputError",
    "ToolNotFoundError",
    "ToolOutputError",
    "ToolProgress",
    "ToolResult",
    "ToolTimeoutError",
    "TransitionError",
    "Trust",
    "UntrustedError",
    "UsageError",
    "VersionError",
    "WorkerCrashedError",
    "WorkerError",
    "__version__",
    "discover",
    "discover_all",
    "discover_skills",
    "find_skill_for_tool",
    "get_tool",
    "lazily",
    "load_skill",
    "parse_skill_manifest",
    "register_fetcher",
    "register_mapper",
    "register_tool",
    "validate",
    "validate_skill",
]


def lazily(
    package: str, places: "Mapping[str, str]"
) -> "tuple[Callable[[str], object], Callable[[], list[str]]]":
    """Return the ``__getattr__`` and ``__dir__`` of a package whose names are fetched on first use.

    It stands here, since whoever imports a package of a kind has this one, and would wait
    for one more::

        if not TYPE_CHECKING:
            __getattr__, __dir__ = lazily(__name__, {"Parser": ".contract"})

    :param package: the package's ``__name__``.
    :param places: public name → module, in full or, with a dot in front, in the package.
    """
    import sys

    kept = vars(sys.modules[package])

    def fetch(name: str) -> object:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(place, package), name)
        kept[name] = value
        return value

    def names() -> list[str]:
        return sorted({*kept, *places})

    return fetch, names


if not TYPE_CHECKING:  # a checker that sees it would let every name pass
    __getattr__, __dir__ = lazily(__name__, _PLACES)
