"""What imports a module whose name or place is worked out while the code runs."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_IMPORTS = Meaning(
    *("dynamic_import", "high", "", "imports a module by its name", ""),
    subject="module",
    argument=0,
    word="name",
)
_FILE = Meaning(
    *("dynamic_import", "critical", "", "imports a file as code", "dangerous"),
    subject="path",
    argument=1,
    word="path",
)
_LOADS = _FILE._replace(
    does="loads code past the ordinary import", subject="", argument=None, word=""
)
_ARCHIVE = _FILE._replace(does="imports code out of an archive", argument=0, word="path")
_FINDS = _IMPORTS._replace(severity="low", does="looks whether a module is there", called=True)
_PACKAGE = _IMPORTS._replace(
    severity="medium", does="goes through the modules of a package", subject="", argument=None
)
_INSTALLED = _IMPORTS._replace(
    severity="medium", does="loads what other distributions offer", subject="", argument=None
)
_RESOLVES = _IMPORTS._replace(does="imports what a dotted name in text names")

TABLE: Table = (
    (_IMPORTS, "builtins.__import__ importlib: import_module __import__ _bootstrap._gcd_import"),
    (_IMPORTS, "importlib._bootstrap: _find_and_load"),
    (
        _RESOLVES,
        """
        pkgutil: resolve_name get_loader find_loader get_importer iter_importers
        pydoc: locate safeimport resolve render_doc doc importfile
        unittest: TestLoader().loadTestsFromName TestLoader().discover main TestProgram
        unittest.defaultTestLoader
        unittest.mock: _importer _get_target
        test.support.import_helper: import_module import_fresh_module
        django.utils.module_loading.import_string
        werkzeug.utils: import_string find_modules
        celery.utils.imports
        pydantic: ImportString types.ImportString _internal._validators.import_string
        zope.dottedname.resolve
        traitlets.import_item traitlets.utils.importstring.import_item
        dill.source
        lazy_loader lazy_import apipkg
        """,
    ),
    (
        _IMPORTS._replace(argument=0, severity="high"),
        "xml.sax.make_parser",
    ),
    (
        _FILE,
        """
        importlib.util: spec_from_file_location
        importlib.machinery: SourceFileLoader SourcelessFileLoader
        imp: load_source load_compiled load_module
        """,
    ),
    (
        _FILE._replace(category="native_code", does="loads a native library as a module"),
        """
        importlib.machinery: ExtensionFileLoader AppleFrameworkLoader
        imp: load_dynamic create_dynamic
        """,
    ),
    (
        _LOADS,
        """
        imp
        importlib.util: module_from_spec LazyLoader source_from_cache
        importlib.machinery: BuiltinImporter FrozenImporter PathFinder FileFinder ModuleSpec
        importlib.machinery: NamespaceLoader WindowsRegistryFinder
        importlib.machinery: _load _exec _call_with_frames_removed
        importlib.abc: SourceLoader Loader InspectLoader ExecutionLoader FileLoader
        importlib.abc: MetaPathFinder PathEntryFinder
        importlib: _bootstrap_external _bootstrap
        builtins: __loader__ __spec__
        pkgutil: ImpImporter ImpLoader
        *.exec_module
        pytest.importorskip
        py.path.local().pyimport
        """,
    ),
    (_ARCHIVE, "zipimport zipimport.zipimporter"),
    (_FINDS, "importlib.util: find_spec\nimportlib: find_loader"),
    (_PACKAGE, "pkgutil: walk_packages"),
    (
        _INSTALLED,
        """
        importlib.metadata: EntryPoint().load entry_points().load
        pkg_resources: iter_entry_points load_entry_point working_set
        stevedore
        pluggy.PluginManager().load_setuptools_entrypoints
        """,
    ),
    (
        None,
        """
        importlib
        importlib.resources importlib.metadata importlib.invalidate_caches
        importlib.util: MAGIC_NUMBER cache_from_source decode_source resolve_name source_hash
        importlib.machinery: SOURCE_SUFFIXES EXTENSION_SUFFIXES BYTECODE_SUFFIXES all_suffixes
        importlib.abc: Traversable TraversableResources ResourceReader
        pkgutil: get_data extend_path iter_modules ModuleInfo
        zipimport.ZipImportError
        importlib.machinery: DEBUG_BYTECODE_SUFFIXES OPTIMIZED_BYTECODE_SUFFIXES
        pkg_resources: parse_version DistributionNotFound VersionConflict get_distribution
        pkg_resources: resource_filename resource_string resource_stream
        xml.sax.handler
        """,
    ),
)
