"""The marketplace for a program: search, download, install, update, remove; all awaited.

::

    async with PluginRegistry(plugin_directory="plugins", marketplace_url=URL) as registry:
        for found in await registry.search_marketplace("calculator"):
            print(found.plugin_id, found.version)
        path = await registry.download_plugin("com.example.calculator")
        await registry.install_plugin("com.example.calculator", path)

It works with a folder, a ``file://`` address, any file server, and kurt's own server. What
is downloaded for a plugin that is installed waits until it is installed, or until the
loader reloads the plugin.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .downloads import Downloads
from .errors import KurtError, PermissionsWiderError, PolicyError, SkillNotFoundError
from .findings import Finding
from .marketplace_info import PluginMarketplaceInfo, info_of
from .models import PluginMetadata, PluginType
from .names import skill_name

if TYPE_CHECKING:
    from types import TracebackType

    from .bringing import Goods
    from .installer import Installer
    from .market.clients import Market
    from .places import Places
    from .plugin_validator import PluginValidator
    from .steps import Step

__all__ = ["PluginRegistry"]

_T = TypeVar("_T")
MARKETPLACE = "https://plugins.agentcore.io"
_NAME = "marketplace"


class PluginRegistry:
    """Plugins of a marketplace, and those that are installed in a folder.

    :param plugin_directory: the folder of plugins; the project's skills if None.
    :param validator: judges what is installed; the host's default if None.
    :param marketplace_url: https://…, file:///… or a folder; the markets of ``kurt.toml`` if None.
    :param enable_marketplace: whether a marketplace is asked at all.
    :param key: a public key, or several, one of which must have signed the index.
    :param allow_http: whether it may be asked without encryption; this machine always may.
    :param hosts: other hosts that it may send us on to.
    :param cooldown_days: how long a release waits before `check_updates` tells of it.
    :param runtime_version: the host's version, which plugins ask for.
    """

    def __init__(
        self,
        plugin_directory: str | os.PathLike[str] | None = None,
        validator: PluginValidator | None = None,
        marketplace_url: str | None = MARKETPLACE,
        enable_marketplace: bool = True,
        *,
        key: str | Sequence[str] = (),
        allow_http: bool = False,
        hosts: Sequence[str] = (),
        cooldown_days: float = 3,
        runtime_version: str | None = None,
        places: Places | None = None,
    ) -> None:
        from .places import Places

        folder = None if plugin_directory is None else os.fspath(plugin_directory)
        self.places = places or Places(skills=folder)
        self.validator = validator
        self.marketplace_url = marketplace_url
        self.enable_marketplace = enable_marketplace
        self.cooldown_days = cooldown_days
        self.runtime_version = runtime_version
        self._keys = [key] if isinstance(key, str) else list(key)
        self._allow_http = allow_http
        self._hosts = tuple(hosts)
        self._markets: dict[str, Market] | None = None
        self._downloads = Downloads()
        # A catalogue is of one thread at a time, and the work is done in threads.
        self._lock = threading.Lock()
        #: What the last call had to say besides: withdrawn, stale, out of reach.
        self.warnings: tuple[Finding, ...] = ()

    async def __aenter__(self) -> PluginRegistry:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the marketplace; the next call opens it again."""
        with self._lock:
            for market in (self._markets or {}).values():
                market.close()
            self._markets = None
            self._downloads.clear()

    # -- the marketplace -------------------------------------------------------------

    async def search_marketplace(
        self,
        query: str = "",
        plugin_type: PluginType | str | None = None,
        tags: Sequence[str] | None = None,
        limit: int = 20,
    ) -> list[PluginMarketplaceInfo]:
        """Return the plugins that fit, the best first.

        :param query: words; typing errors are forgiven. All plugins if "".
        :param tags: they have all of these.
        :raises NetworkError: when the marketplace cannot be reached and no copy was kept.
        :raises KurtError: when it cannot be believed.
        """

        def search() -> list[PluginMarketplaceInfo]:
            found = []
            for market in self._refreshed().values():
                kind = None if plugin_type is None else str(plugin_type)
                answer = market.catalogue.search(
                    query, kind=kind, tags=tuple(tags or ()), limit=limit
                )
                found += [(hit.rank, info_of(hit.listing)) for hit in answer.hits]
            found.sort(key=lambda pair: pair[0])
            return [info for _, info in found[:limit]]

        return await self._work(search)

    async def download_plugin(
        self, plugin_id: str, version: str | None = None, validate: bool = True
    ) -> Path:
        """Return a folder with a plugin's files, every one checked; nothing is installed.

        Of a plugin that is installed, it is the update that the loader's next reload takes.

        :param version: the newest that is offered if None.
        :param validate: hold it to the validator, and to what ``kurt.toml`` asks for.
        :raises SkillNotFoundError: when the marketplace has no such plugin or version.
        :raises IntegrityError: when it is not what the marketplace says.
        :raises PluginValidationError: when the validator finds it unfit.
        """
        name = _checked(plugin_id)

        def download() -> Path:
            from .specs import Spec

            installer = self._installer(gate=validate)
            goods = installer.shelves.bring(Spec("market", name, name, version))
            self.warnings += tuple(goods.warnings)
            if goods.wheel is not None:
                return self._downloaded_wheel(installer, goods)
            step = installer.step(goods, force=True)
            assert step.tree is not None
            self._downloads.add(goods)
            if step.before is not None and step.before.folder and step.verb != "keep":
                installer.stage(step)
            return Path(step.tree.folder)

        return await self._work(download)

    def _downloaded_wheel(self, installer: Installer, goods: Goods) -> Path:
        assert goods.wheel is not None
        installer.step(goods, force=True)
        self._downloads.add(goods)
        return Path(installer.store.keep_wheel(*goods.wheel))

    async def check_updates(self) -> list[tuple[str, str, str]]:
        """Return (id, current version, available version) of what has a newer release.

        :raises KurtError: when the marketplace cannot be asked, or not be believed.
        """

        def check() -> list[tuple[str, str, str]]:
            from .receipts import Receipts
            from .updating import newer

            found, warnings = newer(
                Receipts(self.places), self._refreshed(), cooldown=self.cooldown_days
            )
            self.warnings += tuple(warnings)
            return [
                (one.name, one.receipt.version, one.available) for one in found if one.available
            ]

        return await self._work(check)

    # -- what is installed -----------------------------------------------------------

    async def install_plugin(
        self,
        plugin_id: str,
        download_path: str | os.PathLike[str] | None = None,
        *,
        version: str | None = None,
        accept_permissions: bool = False,
        force: bool = False,
    ) -> Path:
        """Install a plugin, and what it needs, and return its folder.

        :param download_path: what `download_plugin` returned, or a folder, a .zip or a .whl of
            your own; downloaded first if None.
        :param version: of the marketplace, where nothing was downloaded.
        :param accept_permissions: agree to what a new version may do more than the installed.
        :param force: replace a folder that was changed, or that the registry has not installed.
        :raises IntegrityError: when the manifest has another id.
        :raises PermissionsWiderError: when it may do more than before, and that was not accepted.
        :raises PublisherError: when it comes from another publisher than before.
        :raises TransitionError: when it is loaded in this process.
        :raises PluginValidationError: when the validator finds it unfit.
        """
        name = _checked(plugin_id)
        if download_path is None:
            download_path = await self.download_plugin(name, version)

        def install() -> Path:
            installer = self._installer(markets=False)
            goods = self._downloads.goods(installer, name, os.fspath(download_path))
            if goods.market is not None or goods.record["dependencies"]:
                installer = self._installer(markets=self.enable_marketplace)
            plan = installer.plan_of([goods], force=force)
            _refuse_wider(plan.changes, accept_permissions)
            installer.apply(plan, agreed=True)
            from .staging import discard_overtaken

            discard_overtaken(installer.receipts, name)
            if goods.wheel is not None:
                return Path(installer.store.path_of_wheel(goods.digest, goods.wheel[0]))
            return Path(installer.receipts.root, name)

        return await self._work(install)

    async def uninstall_plugin(self, plugin_id: str, *, force: bool = False) -> None:
        """Remove a plugin that was installed; a folder of somebody's own is never touched.

        :param force: even where it was changed, or others need it.
        :raises SkillNotFoundError: when nothing of that id was installed.
        :raises TransitionError: when it is loaded.
        """

        def remove() -> None:
            from .receipts import Receipts
            from .removing import uninstall

            uninstall(Receipts(self.places), plugin_id, force=force)

        await self._work(remove)

    def list_installed_plugins(self) -> list[PluginMetadata]:
        """Return the manifests of the plugins in the folder, by id.

        Those that cannot be used are left out, and told in ``warnings``.
        """
        from .admission import plugin_metadata
        from .discovery import discover

        found, warnings = [], []
        root = os.path.realpath(self.places.project_skills)
        for candidate in discover(self.places).winners:
            if os.path.realpath(os.path.dirname(candidate.location)) != root:
                continue
            try:
                found.append(plugin_metadata(candidate))
            except (KurtError, ValueError, OSError) as error:
                text = f"{candidate.name} cannot be used: {error}"
                warnings.append(
                    Finding("plugin-unusable", "warning", text, path=candidate.location)
                )
        self.warnings = tuple(warnings)
        return sorted(found, key=lambda metadata: metadata.plugin_id)

    # -- within ----------------------------------------------------------------------

    async def _work(self, function: Callable[[], _T]) -> _T:
        """Do what blocks in a thread, one at a time."""
        from anyio.to_thread import run_sync

        def guarded() -> _T:
            with self._lock:
                self.warnings = ()
                return function()

        return await run_sync(guarded)

    def _refreshed(self) -> dict[str, Market]:
        """Return the markets, each asked once."""
        if not self.enable_marketplace:
            raise PolicyError(
                "the marketplace is switched off",
                hint="PluginRegistry(…, enable_marketplace=True)",
            )
        if self._markets is None:
            from .discovery import discover
            from .market.clients import Market, markets

            if self.marketplace_url is None:
                self._markets = markets(self.places, discover(self.places).config)
            else:
                self._markets = {
                    _NAME: Market(
                        self.places,
                        _NAME,
                        self.marketplace_url,
                        keys=self._keys,
                        allow_http=self._allow_http,
                        hosts=self._hosts,
                    )
                }
        for market in self._markets.values():
            self.warnings += market.refresh().warnings
        return self._markets

    def _installer(self, *, gate: bool = True, markets: bool = True) -> Installer:
        from .discovery import discover
        from .installer import Installer

        return Installer(
            self.places,
            discover(self.places),
            markets=self._refreshed() if markets else {},
            runtime_version=self.runtime_version,
            judge=None if self.validator is None else self.validator.report,
            gate=gate,
        )


def _checked(plugin_id: str) -> str:
    """Return an id as it is compared.

    :raises SkillNotFoundError: when nothing can be called that.
    """
    try:
        return skill_name(plugin_id)
    except KurtError as error:
        raise SkillNotFoundError(
            f"there is no plugin {plugin_id[:128]!r}", cause=error.cause, hint=error.hint
        ) from None


def _refuse_wider(steps: Sequence[Step], accepted: bool) -> None:
    for step in steps:
        if step.before is not None and step.wider and not accepted:
            raise PermissionsWiderError(
                f"{step.name} {step.goods.version} asks for more than {step.before.version}",
                cause="\n".join(step.asks),
                hint=f"kurt update {step.name}, or install_plugin(…, accept_permissions=True)",
                skill=step.name,
            )
