"""Find, judge, enable, load and run extensions, installed from PyPI or dropped in as a folder.

Every public name can be had from here; importing the package imports nothing, a
name is fetched when it is first used.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
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

    from .candidates import Candidate as Candidate
    from .config import Config as Config
    from .contract import Context as Context
    from .contract import Extension as Extension
    from .contract import Progress as Progress
    from .contract import Result as Result
    from .discovery import Discovery as Discovery
    from .discovery import discover as discover
    from .errors import AmbiguousNameError as AmbiguousNameError
    from .errors import CallCancelledError as CallCancelledError
    from .errors import CallError as CallError
    from .errors import CallTimeoutError as CallTimeoutError
    from .errors import CircularOrderError as CircularOrderError
    from .errors import ConfigError as ConfigError
    from .errors import ConflictError as ConflictError
    from .errors import ContractError as ContractError
    from .errors import DisabledError as DisabledError
    from .errors import ExtensionNotFoundError as ExtensionNotFoundError
    from .errors import InvalidInputError as InvalidInputError
    from .errors import InvalidOutputError as InvalidOutputError
    from .errors import KurtError as KurtError
    from .errors import LockedError as LockedError
    from .errors import ManifestError as ManifestError
    from .errors import MissingExtraError as MissingExtraError
    from .errors import NotFoundError as NotFoundError
    from .errors import PluginLoadError as PluginLoadError
    from .errors import PluginValidationError as PluginValidationError
    from .errors import PolicyError as PolicyError
    from .errors import ServiceUnavailableError as ServiceUnavailableError
    from .errors import SkillLoadError as SkillLoadError
    from .errors import SkillNotFoundError as SkillNotFoundError
    from .errors import StorageError as StorageError
    from .errors import UntrustedError as UntrustedError
    from .errors import UsageError as UsageError
    from .findings import Finding as Finding
    from .kinds import Kind as Kind
    from .kinds import Role as Role
    from .models import PluginCapability as PluginCapability
    from .models import PluginDependency as PluginDependency
    from .models import PluginMetadata as PluginMetadata
    from .models import PluginPermissions as PluginPermissions
    from .models import PluginType as PluginType
    from .places import Places as Places

#: Public name → the module that it is fetched from.
_PLACES = {
    "AmbiguousNameError": "kurt_ext.errors",
    "BaseFetcher": "kurt_engine",
    "BaseMapper": "kurt_engine",
    "CallCancelledError": "kurt_ext.errors",
    "CallError": "kurt_ext.errors",
    "CallTimeoutError": "kurt_ext.errors",
    "Candidate": "kurt_ext.candidates",
    "CircularOrderError": "kurt_ext.errors",
    "Config": "kurt_ext.config",
    "ConfigError": "kurt_ext.errors",
    "ConflictError": "kurt_ext.errors",
    "Context": "kurt_ext.contract",
    "ContractError": "kurt_ext.errors",
    "DisabledError": "kurt_ext.errors",
    "Discovery": "kurt_ext.discovery",
    "Extension": "kurt_ext.contract",
    "ExtensionNotFoundError": "kurt_ext.errors",
    "Finding": "kurt_ext.findings",
    "InvalidInputError": "kurt_ext.errors",
    "InvalidOutputError": "kurt_ext.errors",
    "Kind": "kurt_ext.kinds",
    "KurtError": "kurt_ext.errors",
    "LockedError": "kurt_ext.errors",
    "ManifestError": "kurt_ext.errors",
    "MissingExtraError": "kurt_ext.errors",
    "NotFoundError": "kurt_ext.errors",
    "Places": "kurt_ext.places",
    "PluginCapability": "kurt_ext.models",
    "PluginDependency": "kurt_ext.models",
    "PluginLoadError": "kurt_ext.errors",
    "PluginMetadata": "kurt_ext.models",
    "PluginPermissions": "kurt_ext.models",
    "PluginType": "kurt_ext.models",
    "PluginValidationError": "kurt_ext.errors",
    "PolicyError": "kurt_ext.errors",
    "Progress": "kurt_ext.contract",
    "Result": "kurt_ext.contract",
    "Role": "kurt_ext.kinds",
    "SKILLS": "kurt_tool",
    "ServiceUnavailableError": "kurt_ext.errors",
    "SkillLoadError": "kurt_ext.errors",
    "SkillManager": "kurt_tool",
    "SkillNotFoundError": "kurt_ext.errors",
    "StorageError": "kurt_ext.errors",
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
    "UntrustedError": "kurt_ext.errors",
    "UsageError": "kurt_ext.errors",
    "discover": "kurt_ext.discovery",
    "find_skill_for_tool": "kurt_tool",
    "get_tool": "kurt_tool",
    "load_skill": "kurt_tool",
    "register_fetcher": "kurt_engine",
    "register_mapper": "kurt_engine",
    "register_tool": "kurt_tool",
}

__all__ = [
    "SKILLS",
    "TOOLS",
    "AmbiguousNameError",
    "BaseFetcher",
    "BaseMapper",
    "CallCancelledError",
    "CallError",
    "CallTimeoutError",
    "Candidate",
    "CircularOrderError",
    "Config",
    "ConfigError",
    "ConflictError",
    "Context",
    "ContractError",
    "DisabledError",
    "Discovery",
    "Extension",
    "ExtensionNotFoundError",
    "Finding",
    "InvalidInputError",
    "InvalidOutputError",
    "Kind",
    "KurtError",
    "LockedError",
    "ManifestError",
    "MissingExtraError",
    "NotFoundError",
    "Places",
    "PluginCapability",
    "PluginDependency",
    "PluginLoadError",
    "PluginMetadata",
    "PluginPermissions",
    "PluginType",
    "PluginValidationError",
    "PolicyError",
    "Progress",
    "Result",
    "Role",
    "ServiceUnavailableError",
    "SkillLoadError",
    "SkillManager",
    "SkillNotFoundError",
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
    "UntrustedError",
    "UsageError",
    "__version__",
    "discover",
    "find_skill_for_tool",
    "get_tool",
    "load_skill",
    "register_fetcher",
    "register_mapper",
    "register_tool",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
