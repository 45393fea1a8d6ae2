"""What the author of a tool implements, and what a tool is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin

from kurt_ext.contract import OnProgress, Progress, Result

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kurt_ext.contract import Context

__all__ = ["OnProgress", "Tool", "ToolContext", "ToolProgress", "ToolResult"]

In = TypeVar("In")
Out = TypeVar("Out")

#: What a tool hands to its ``on_progress``.
ToolProgress = Progress
#: What a tool returns: ``ToolResult(success, data, errors, metadata, substeps)``.
ToolResult = Result


class ToolContext:
    """What the host lends to a tool for one call. Read-only, all of it.

    ``db``, ``http`` and ``llm`` are services of integrations; one that is not
    there raises :class:`kurt_ext.errors.ServiceUnavailableError` with the
    reason. To ask without an exception: ``context.services.get("http")``.

    :param settings: the table ``[skill.NAME]`` of ``kurt.toml``.
    :param root: the folder of the skill, for data files it ships.
    :param skill: the name of the skill.
    :param services: further services by name.
    """

    __slots__ = ("_root", "_services", "_settings", "_skill")

    def __init__(
        self,
        db: Any = None,
        http: Any = None,
        llm: Any = None,
        settings: Mapping[str, Any] | None = None,
        *,
        root: str | None = None,
        skill: str = "",
        services: Mapping[str, Any] | None = None,
    ) -> None:
        given = {"db": db, "http": http, "llm": llm}
        own = {name: service for name, service in given.items() if service is not None}
        if own or services is None:
            services = MappingProxyType({**(services or {}), **own})
        write = object.__setattr__
        write(self, "_services", services)
        write(self, "_settings", MappingProxyType({} if settings is None else dict(settings)))
        write(self, "_root", root)
        write(self, "_skill", skill)

    @classmethod
    def of(cls, context: Context) -> ToolContext:
        """Return the context of the core in the words of tools."""
        return cls(
            settings=context.settings,
            root=context.root,
            skill=context.skill,
            services=context.services,
        )

    @property
    def db(self) -> Any:
        """The database service."""
        return self._service("db")

    @property
    def http(self) -> Any:
        """The shared asynchronous HTTP client."""
        return self._service("http")

    @property
    def llm(self) -> Any:
        """The language model service."""
        return self._service("llm")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the skill; nested tables are read-only too."""
        return self._settings

    @property
    def root(self) -> str | None:
        """The folder of the skill."""
        return self._root

    @property
    def skill(self) -> str:
        """The name of the skill."""
        return self._skill

    @property
    def services(self) -> Mapping[str, Any]:
        """Every service by name."""
        return self._services

    def _service(self, name: str) -> Any:
        try:
            return self._services[name]
        except KeyError as error:
            from kurt_ext.errors import ServiceUnavailableError

            if isinstance(error, ServiceUnavailableError):
                raise
            raise ServiceUnavailableError(
                f"there is no service {name!r} for this call",
                hint=f"enable an integration that provides it, or pass ToolContext({name}=…)",
            ) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a ToolContext is read-only; {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a ToolContext is read-only; {name!r} cannot be deleted")

    def __repr__(self) -> str:
        return f"<ToolContext of {self._skill or 'no skill'}: {', '.join(sorted(self._services))}>"

    if TYPE_CHECKING:
        _root: str | None
        _services: Mapping[str, Any]
        _settings: Mapping[str, Any]
        _skill: str


class Tool(ABC, Generic[In, Out]):
    """A tool: subclass it once, name the two models, write :meth:`run`.

    ::

        class Shout(Tool[Words, Shouted]):
            \"\"\"Say it louder.\"\"\"

            name = "shout"

            async def run(self, params, context, on_progress=None):
                return ToolResult(data=Shouted(text=params.text.upper()))

    One instance serves all calls, also concurrent ones: keep what belongs to a
    call in local variables. Hooks (``initialize``, ``activate``, ``deactivate``,
    ``cleanup``) are called where they exist.

    ``InputModel`` and ``OutputModel`` are taken from ``Tool[In, Out]`` where
    those are pydantic models; without an input model ``params`` is the mapping
    that the caller gave.
    """

    #: The name it is called by; the manifest's name wins.
    name: ClassVar[str] = ""
    #: One line for listings; the first line of the docstring where it is empty.
    description: ClassVar[str] = ""
    InputModel: ClassVar[type[BaseModel] | None] = None
    OutputModel: ClassVar[type[BaseModel] | None] = None
    #: Names of the services it needs started; None = all that are enabled.
    uses: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Tool):
                for attribute, model in zip(
                    ("InputModel", "OutputModel"), get_args(base), strict=False
                ):
                    is_model = hasattr(model, "__pydantic_validator__")
                    if is_model and attribute not in cls.__dict__:
                        setattr(cls, attribute, model)

    @abstractmethod
    def run(
        self, params: In, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Any] | Out | Awaitable[ToolResult[Any] | Out]:
        """Do the work, as ``def`` or ``async def``.

        :param params: the input, checked by ``InputModel``.
        :param context: services and settings.
        :param on_progress: call it with a :class:`ToolProgress`, where it is not None.
        :returns: a :class:`ToolResult`, or an instance of ``OutputModel`` alone.
        """
