"""What changes how the host works: its hooks, its import, its loop, its logging, its limits."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_HOOKS = Meaning("host_tamper", "critical", "", "puts itself in the way of the host", "dangerous")
_TRACES = _HOOKS._replace(does="watches every line that the host runs")
_IMPORTS = _HOOKS._replace(does="changes how the host imports")
_CHANGES = Meaning("host_tamper", "high", "", "changes how the host works")
_LOOP = _CHANGES._replace(does="replaces the host's event loop")
_SIGNALS = _CHANGES._replace(does="takes over the host's signals")
_QUIET = Meaning("host_tamper", "medium", "", "switches off what the host tells")
_LIMITS = Meaning("host_tamper", "medium", "", "changes a limit of the host's process")
_ENDS = Meaning("host_tamper", "high", "", "ends the host")
#: Seen where it is registered; what it registers is judged as any other reference.
_LATER = Meaning("host_tamper", "low", "", "runs when the host ends")
_FORKED = Meaning("host_tamper", "medium", "", "runs whenever the host makes a copy of itself")
_PICKLED = Meaning("host_tamper", "medium", "", "changes how the whole program pickles objects")
_PATCHES = _CHANGES._replace(does="replaces what belongs to others")
_FOLDER = _CHANGES._replace(severity="medium", does="changes the host's working folder or user")
_CREDENTIALS = _CHANGES._replace(does="changes who the host's process is")
_INSTALLS = Meaning("supply_chain", "critical", "", "installs packages into the host", "dangerous")

TABLE: Table = (
    (
        _TRACES,
        """
        sys: settrace setprofile addaudithook monitoring
        sys: _settraceallthreads _setprofileallthreads remote_exec
        threading: settrace setprofile settrace_all_threads setprofile_all_threads
        sys.call_tracing
        bdb.Bdb().set_trace
        """,
    ),
    (
        _IMPORTS,
        """
        sys: meta_path path_hooks path_importer_cache
        site: addsitedir addpackage execsitecustomize execusercustomize main
        site: addusersitepackages addsitepackages venv enablerlcompleter
        importlib: reload
        imp.reload
        pyximport.install
        """,
    ),
    (_IMPORTS._replace(severity="high", factor=""), "sys: path.insert path.append path.extend"),
    (
        _CHANGES,
        """
        sys: excepthook unraisablehook displayhook set_coroutine_origin_tracking_depth
        sys: set_asyncgen_hooks set_int_max_str_digits
        threading.excepthook
        asyncio.AbstractEventLoop().set_exception_handler
        asyncio.AbstractEventLoop().set_task_factory
        asyncio.AbstractEventLoop().set_default_executor
        builtins.__build_class__
        gc: callbacks
        os: dup2
        fcntl.ioctl
        urllib.request: install_opener
        ssl._create_default_https_context
        codecs: register unregister
        """,
    ),
    (
        _LOOP,
        """
        asyncio: set_event_loop_policy DefaultEventLoopPolicy _set_running_loop
        asyncio: AbstractEventLoopPolicy WindowsSelectorEventLoopPolicy
        asyncio: WindowsProactorEventLoopPolicy set_child_watcher
        asyncio: events._set_running_loop
        uvloop nest_asyncio
        gevent.monkey eventlet.monkey_patch
        asyncio: eager_task_factory create_eager_task_factory
        """,
    ),
    (
        _SIGNALS,
        """
        signal: signal set_wakeup_fd siginterrupt pthread_sigmask setitimer alarm raise_signal
        asyncio.AbstractEventLoop().add_signal_handler
        asyncio.AbstractEventLoop().remove_signal_handler
        *.add_signal_handler
        """,
    ),
    (
        _QUIET,
        """
        logging: disable shutdown setLoggerClass setLogRecordFactory captureWarnings raiseExceptions
        logging: lastResort root.handlers.clear root.handlers root.disabled
        logging: Logger.manager.loggerDict root.manager
        logging.getLogger().disabled
        """,
    ),
    (
        _LIMITS,
        """
        gc: disable freeze unfreeze set_threshold set_debug
        tty: setraw setcbreak
        termios.tcsetattr
        socket.setdefaulttimeout
        decimal.setcontext
        locale.setlocale
        sys: setrecursionlimit setswitchinterval set_lazy_imports
        resource: setrlimit prlimit
        threading: stack_size
        os: nice setpriority sched_setscheduler sched_setaffinity sched_setparam
        psutil: Process().cpu_affinity Process().rlimit Process().ionice
        """,
    ),
    (_FOLDER, "os: chdir fchdir umask\ncontextlib.chdir"),
    (
        _CREDENTIALS,
        """
        os: setuid setgid seteuid setegid setreuid setregid setresuid setresgid setgroups
        os: initgroups chroot unshare setns login_tty
        """,
    ),
    (_FORKED, "os: register_at_fork"),
    (_PICKLED, "copyreg: pickle"),
    (_ENDS, "faulthandler: _sigsegv _sigabrt _stack_overflow _fatal_error"),
    (_LATER, "atexit atexit: register\nthreading._register_atexit"),
    (
        _PATCHES,
        """
        unittest.mock: patch patch.object patch.dict patch.multiple
        wrapt: patch_function_wrapper wrap_function_wrapper wrap_object
        forbiddenfruit gorilla
        pytest.MonkeyPatch
        """,
    ),
    (
        _INSTALLS,
        """
        pip pip._internal pip.main
        setuptools setuptools.setup
        distutils distutils.core.setup distutils.core.run_setup
        easy_install setuptools.command.easy_install
        pipx conda.cli uv poetry
        """,
    ),
    (
        None,
        """
        atexit.unregister
        unittest.mock.patch.stopall
        signal: SIGINT SIGTERM SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIG_DFL SIG_IGN SIGCHLD SIGPIPE
        signal: Signals Handlers getsignal strsignal valid_signals default_int_handler
        setuptools: find_packages find_namespace_packages Extension version.__version__
        distutils: version util.strtobool log errors
        """,
    ),
)
