"""What a dotted name means is what the tables say, by whatever name it goes."""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.analysis.catalogue import (
    ALIASES,
    RECEIVER,
    Meaning,
    bare,
    canonical,
    entries,
    meaning,
)
from kurt_ext.analysis.catalogue.lookup import TABLES
from kurt_ext.analysis.catalogue.meaning import rows
from kurt_ext.findings import SEVERITIES

NAMES = sorted(entries())
CATEGORIES = {
    "process",
    "code_execution",
    "reflection",
    "network",
    "host_tamper",
    "fs_write",
    "deserialization",
    "supply_chain",
    "dynamic_import",
    "sensitive_read",
    "secret_access",
    "native_code",
    "env_access",
    "external_api",
    "surveillance",
}
PERMISSIONS = {
    "processes",
    "filesystem_read",
    "filesystem_write",
    "network_hosts",
    "external_apis",
    "environment_variables",
    "native_code",
}
SUBJECTS = {"", "url", "host", "path", "program", "variable", "module", "code"}
VERBS = {"if", "unless", "mode", "writes", "flags", "text", "place", "url", "names", "given"}

#: Category and severity → names that mean it.
MEANT = {
    "process critical": """
        os.system os.popen os.execv os.execvp os.execl os.spawnl os.posix_spawn os.fork os.forkpty
        os.startfile posix.system posix.fork nt.system subprocess subprocess.run subprocess.Popen
    subprocess.call subprocess.check_output subprocess.getoutput
    subprocess._args_from_interpreter_flags
        _posixsubprocess.fork_exec pty.spawn pty.fork pexpect.spawn pexpect.run
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell
        asyncio.subprocess.create_subprocess_shell asyncio.subprocess.subprocess.Popen
        asyncio.get_running_loop().subprocess_exec asyncio.get_event_loop().subprocess_shell
        *.subprocess_exec *.subprocess_shell anyio.run_process trio.run_process sh.git sh.bash
        plumbum.local plumbum.cmd.ls multiprocessing.set_executable
        multiprocessing.get_context().set_executable imaplib.IMAP4_stream webbrowser.get
        webbrowser.register webbrowser.GenericBrowser paramiko.SSHClient().exec_command
        docker.from_env fabric.Connection().run shutil.os.system glob.os.system random._os.popen
        http.client.socket.os.system requests.compat.os.system logging.os.popen venv.create
        _winapi.CreateProcess multiprocessing.util.spawnv_passfds webbrowser.subprocess.run
        commands.getoutput torch.os.system *.os.system shutil._os.execv
    """,
    "process medium": """
        multiprocessing.Pool multiprocessing.Process multiprocessing.get_context().Pool
        concurrent.futures.ProcessPoolExecutor concurrent.futures.process.ProcessPoolExecutor
        joblib.Parallel ray.init multiprocessing.get_context().Process
    """,
    "process high": """
        os.kill os.killpg psutil.process_iter git.Repo webbrowser.open webbrowser.open_new_tab
        antigravity signal.pthread_kill
    """,
    "code_execution critical": """
        builtins.eval builtins.exec builtins.compile __builtins__.eval __builtin__.exec
        os.sys.breakpointhook code.interact code.InteractiveConsole
        code.InteractiveInterpreter().runsource codeop.compile_command runpy.run_path
        runpy.run_module runpy._run_code timeit.timeit timeit.Timer timeit.repeat cProfile.run
        cProfile.runctx profile.run profile.Profile().run trace.Trace().run pdb.run pdb.set_trace
    bdb.Bdb().run types.CodeType types.FunctionType builtins.breakpoint
    logging.config.dictConfig
        logging.config.fileConfig IPython.embed concurrent.interpreters.create
        _interpreters.exec pdb.Pdb cProfile.Profile().runctx
    """,
    "code_execution high": """
        sympy.sympify numexpr.evaluate pandas.eval doctest.testmod mako.template.Template
    """,
    "code_execution low": "typing.get_type_hints inspect.get_annotations",
    "dynamic_import high": """
        builtins.__import__ importlib.import_module importlib.__import__ pkgutil.resolve_name
        pydoc.locate pydoc.safeimport pydantic.ImportString
    """,
    "dynamic_import critical": """
        importlib.util.spec_from_file_location importlib.util.module_from_spec
        importlib.machinery.SourceFileLoader importlib.machinery.SourcelessFileLoader
        zipimport.zipimporter imp.load_source imp.load_module *.exec_module
        importlib._bootstrap._load _frozen_importlib.ModuleSpec importlib.machinery.PathFinder
        _frozen_importlib_external.SourceFileLoader
    """,
    "deserialization critical": """
        pickle.load pickle.loads pickle.Unpickler _pickle.loads dill.loads cloudpickle.load
        marshal.loads marshal.load shelve.open joblib.load jsonpickle.decode pandas.read_pickle
        yaml.load yaml.load_all yaml.unsafe_load yaml.UnsafeLoader torch.load
        pickle._Unpickler cPickle.loads multiprocessing.connection.Client
        multiprocessing.reduction.ForkingPickler diskcache.Cache
    """,
    "deserialization high": "numpy.load yaml.full_load transformers.AutoModel.from_pretrained",
    "native_code critical": """
        ctypes.CDLL ctypes.cdll ctypes.pythonapi ctypes.windll ctypes.util.find_library cffi.FFI
        importlib.machinery.ExtensionFileLoader sqlite3.connect().load_extension
        *.enable_load_extension _ctypes.dlopen ctypes imp.load_dynamic cffi.FFI().dlopen
    """,
    "network high": """
        socket.socket socket.create_connection _socket.socket socket.getaddrinfo
        socket.gethostbyname socket.socket().connect urllib.request.urlopen urllib.request.Request
        http.client.HTTPSConnection http.server.HTTPServer ftplib.FTP smtplib.SMTP poplib.POP3
        imaplib.IMAP4_SSL nntplib.NNTP telnetlib.Telnet xmlrpc.client.ServerProxy
        xmlrpc.server.SimpleXMLRPCServer socketserver.TCPServer asyncio.open_connection
        asyncio.start_server asyncio.get_running_loop().create_connection *.create_connection
        *.getaddrinfo *.sock_connect requests.get requests.Session requests.Session().post
        requests.api.get requests.sessions.Session().get httpx.get httpx.AsyncClient
        httpx.AsyncClient().get httpx.Client().request httpx2.AsyncClient aiohttp.ClientSession
        aiohttp.ClientSession().get urllib3.PoolManager websockets.connect
        websocket.create_connection grpc.insecure_channel zmq.Context paramiko.Transport
        logging.handlers.HTTPHandler logging.handlers.SocketHandler logging.handlers.SysLogHandler
        logging.handlers.DatagramHandler logging.handlers.SMTPHandler dns.resolver.resolve
        redis.Redis pymongo.MongoClient psycopg2.connect sqlalchemy.create_engine selenium.webdriver
        playwright.sync_api.sync_playwright fsspec.open s3fs.S3FileSystem smart_open.open
        yt_dlp.YoutubeDL feedparser.parse trafilatura.fetch_url pandas.read_csv pandas.read_html
        scapy.all nmap.PortScanner http.client.HTTPConnection urllib.request.build_opener().open
        ssl.SSLContext().wrap_socket().connect gdown.download polars.read_csv
    """,
    "network medium": "ssl.get_server_certificate",
    "network critical": "logging.config.listen",
    "external_api high": """
        openai.OpenAI anthropic.Anthropic boto3.client botocore.session google.cloud.storage.Client
        google.generativeai.GenerativeModel azure.storage.blob.BlobServiceClient stripe.Charge
        slack_sdk.WebClient twilio.rest.Client telegram.Bot discord.Client github.Github
        gitlab.Gitlab sendgrid.SendGridAPIClient huggingface_hub.hf_hub_download tweepy.Client
        praw.Reddit yfinance.download wikipedia.summary cohere.Client mistralai.Mistral groq.Groq
        openai.chat.completions.create
    """,
    "env_access high": """
        os.environ os.environb os.getenv os.getenvb os.environ.get os.environ.items os.putenv
        os.unsetenv posix.environ os.environ.copy os.environ.setdefault os.environ.update
        os.path.expandvars dotenv.load_dotenv pydantic_settings.BaseSettings decouple.config
        environs.Env shutil.os.environ
    """,
    "fs_write high": """
        builtins.open io.open os.open os.remove os.unlink os.mkdir os.makedirs os.rename os.replace
        os.symlink os.link os.chmod os.truncate os.utime shutil.copy shutil.copytree shutil.move
        shutil.unpack_archive zipfile.ZipFile zipfile.ZipFile().extractall tarfile.open
        tarfile.open().extractall pathlib.Path().write_text pathlib.Path().unlink
        pathlib.Path.home().joinpath().write_bytes pathlib.Path().parent.parent.mkdir
        pathlib.PosixPath().touch *.write_text *.to_csv *.open *.savefig
        pandas.DataFrame().to_csv logging.FileHandler logging.handlers.RotatingFileHandler
        sqlite3.connect dbm.open gzip.open codecs.open numpy.save cv2.imwrite mailbox.Maildir
        pathlib.Path.write_text pathlib.Path().rename tarfile.TarFile.open
    """,
    "fs_write critical": "shutil.rmtree",
    "fs_write low": "tempfile.NamedTemporaryFile tempfile.TemporaryDirectory tempfile.mkdtemp",
    "sensitive_read medium": """
        pathlib.Path().read_text pathlib.Path().read_bytes pathlib.Path().iterdir
        pathlib.Path().rglob *.read_text os.listdir os.walk os.scandir glob.glob linecache.getlines
        io.open_code configparser.ConfigParser().read PIL.Image.open pwd.getpwall
        pathlib.Path().with_suffix().read_text pathlib.Path.cwd().glob
    """,
    "sensitive_read high": "netrc.netrc",
    "sensitive_read critical": "spwd.getspall",
    "secret_access high": "keyring.get_password",
    "secret_access critical": "browser_cookie3.chrome",
    "surveillance critical": "keyboard.on_press pynput.keyboard.Listener",
    "surveillance high": """
        pyperclip.paste pynput.keyboard mss.mss PIL.ImageGrab.grab
        pyautogui.screenshot cv2.VideoCapture sounddevice.rec pyaudio.PyAudio
    """,
    "reflection critical": """
        gc.get_objects gc.get_referrers sys._current_frames sys._getframe().f_globals
        sys._getframe().f_back.f_locals inspect.currentframe().f_back.f_globals *.f_globals
    """,
    "reflection medium": "sys._getframe inspect.currentframe inspect.stack asyncio.all_tasks",
    "host_tamper critical": """
        sys.settrace sys.setprofile sys.addaudithook sys.meta_path sys.path_hooks
        threading.settrace threading.setprofile site.addsitedir importlib.reload
        threading.sys.settrace
    """,
    "host_tamper high": """
        asyncio.set_event_loop_policy asyncio.DefaultEventLoopPolicy signal.signal sys.path.insert
        sys.excepthook urllib.request.install_opener ssl._create_default_https_context
        unittest.mock.patch os.setuid asyncio.events.set_event_loop_policy
    """,
    "host_tamper medium": "logging.disable sys.setrecursionlimit os.chdir resource.setrlimit",
    "host_tamper low": "atexit.register",
    "supply_chain critical": "pip pip.main pip._internal.cli.main.main setuptools.setup",
}
CASES = [(name, what) for what, names in MEANT.items() for name in names.split()]

#: Names that lie beside the others, and mean nothing.
NOTHING = [
    "os",
    "os.path",
    "os.path.join",
    "os.path.exists",
    "os.getpid",
    "os.cpu_count",
    "os.sep",
    "os.linesep",
    "os.fspath",
    "os.PathLike",
    "os.name",
    "os.getcwd",
    "os.urandom",
    "os.stat",
    "os.strerror",
    "os.error",
    "os.fsencode",
    "socket.gethostname",
    "socket.AF_INET",
    "socket.SOCK_STREAM",
    "socket.timeout",
    "socket.gaierror",
    "socket.error",
    "ssl.SSLError",
    "ssl.create_default_context",
    "ssl.CERT_REQUIRED",
    "ssl.SSLCertVerificationError",
    "subprocess.PIPE",
    "subprocess.CalledProcessError",
    "subprocess.TimeoutExpired",
    "subprocess.list2cmdline",
    "subprocess.CompletedProcess",
    "subprocess.DEVNULL",
    "subprocess.CalledProcessError().returncode",
    "asyncio.subprocess.PIPE",
    "asyncio.sleep",
    "asyncio.gather",
    "asyncio.Lock",
    "asyncio.run",
    "asyncio.Queue",
    "asyncio.get_running_loop",
    "asyncio.get_running_loop().run_in_executor",
    "asyncio.new_event_loop",
    "asyncio.timeout",
    "asyncio.to_thread",
    "asyncio.create_task",
    "asyncio.TimeoutError",
    "pickle.PickleError",
    "pickle.HIGHEST_PROTOCOL",
    "pickle.dumps",
    "pickle.dump",
    "pickletools.dis",
    "marshal.dumps",
    "http.HTTPStatus",
    "http.HTTPStatus.OK",
    "http.client.responses",
    "http.client.HTTPException",
    "http.cookies.SimpleCookie",
    "urllib.parse.urlsplit",
    "urllib.parse.quote",
    "urllib.error.URLError",
    "urllib.request.pathname2url",
    "urllib.parse",
    "importlib.resources.files",
    "importlib.metadata.version",
    "importlib.resources.files().read_text",
    "importlib.resources.files().joinpath().read_bytes",
    "importlib.util.cache_from_source",
    "types.SimpleNamespace",
    "types.MappingProxyType",
    "types.ModuleType",
    "types.MethodType",
    "types.GenericAlias",
    "requests.exceptions.HTTPError",
    "requests.RequestException",
    "requests.get().json",
    "requests.Session().headers.update",
    "httpx.Timeout",
    "httpx.HTTPError",
    "httpx.URL",
    "httpx.Limits",
    "httpx.AsyncClient().aclose",
    "httpx.get().raise_for_status",
    "aiohttp.ClientTimeout",
    "aiohttp.ClientError",
    "multiprocessing.cpu_count",
    "multiprocessing.current_process",
    "sys",
    "sys.argv",
    "sys.version",
    "sys.version_info",
    "sys.platform",
    "sys.platform.startswith",
    "sys.stdout.write",
    "sys.stderr",
    "sys.maxsize",
    "sys.getsizeof",
    "sys.exc_info",
    "sys.exit",
    "sys.getrecursionlimit",
    "re.compile",
    "re.sub",
    "ast.literal_eval",
    "ast.parse",
    "json.loads",
    "json.dumps",
    "defusedxml.ElementTree",
    "yaml.safe_load",
    "yaml.safe_dump",
    "yaml.YAMLError",
    "yaml.dump",
    "logging.getLogger",
    "logging.info",
    "logging.getLogger().info",
    "logging.StreamHandler",
    "logging.NullHandler",
    "time.time",
    "time.sleep",
    "datetime.datetime.now",
    "random.choice",
    "secrets.token_hex",
    "uuid.uuid4",
    "hashlib.sha256",
    "hmac.new",
    "base64.b64decode",
    "zlib.decompress",
    "platform.system",
    "platform.node",
    "math.sqrt",
    "statistics.mean",
    "itertools.chain",
    "functools.partial",
    "operator.attrgetter",
    "collections.OrderedDict",
    "dataclasses.dataclass",
    "enum.Enum",
    "abc.ABC",
    "contextlib.suppress",
    "io.StringIO",
    "io.BytesIO",
    "io.StringIO().read",
    "csv.reader",
    "csv.DictWriter",
    "copy.deepcopy",
    "pathlib.Path",
    "pathlib.Path().name",
    "pathlib.Path().exists",
    "pathlib.PurePath",
    "pathlib.Path().parent",
    "pathlib.Path().with_suffix",
    "pathlib.Path().is_dir",
    "glob.escape",
    "fnmatch.fnmatch",
    "shutil.which",
    "shutil.get_terminal_size",
    "tempfile.gettempdir",
    "threading.Thread",
    "threading.Lock",
    "queue.Queue",
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.as_completed",
    "weakref.ref",
    "weakref.finalize",
    "warnings.warn",
    "tracemalloc.start",
    "gc.collect",
    "inspect.isclass",
    "inspect.getmembers",
    "signal.SIGTERM",
    "signal.Signals",
    "decimal.Decimal",
    "fractions.Fraction",
    "string.Template",
    "textwrap.dedent",
    "difflib.unified_diff",
    "typing.Any",
    "typing.cast",
    "zoneinfo.ZoneInfo",
    "sqlite3.Row",
    "sqlite3.connect().execute",
    "zipfile.is_zipfile",
    "zipfile.ZipFile().namelist",
    "tarfile.TarInfo",
    "tomllib.loads",
    "configparser.ConfigParser",
    "getpass.getuser",
    "pandas.DataFrame",
    "pandas.DataFrame().query",
    "pandas.DataFrame().eval",
    "*.query",
    "*.eval",
    "*.exec",
    "*.compile",
    "*.system",
    "*.run",
    "*.call",
    "*.load",
    "*.loads",
    "*.get",
    "*.connect",
    "*.socket",
    "*.replace",
    "*.remove",
    "*.rename",
    "*.copy",
    "*.send",
    "*.execute",
    "*.start",
    "*.to_json",
    "*.to_dict",
    "*.str.extractall",
    "numpy.array",
    "numpy.linalg.norm",
    "torch.nn.Linear",
    "torch.tensor",
    "sklearn.linear_model.LinearRegression",
    "jinja2.Environment",
    "pydantic.BaseModel",
    "pydantic_settings.SettingsConfigDict",
    "click.command",
    "typer.Typer",
    "rich.print",
    "tqdm.tqdm",
    "attr.s",
    "joblib.hash",
    "sh.ErrorReturnCode",
    "pexpect.EOF",
    "docker.errors.NotFound",
    "openai.RateLimitError",
    "botocore.exceptions.ClientError",
    "sqlalchemy.Column",
    "sqlalchemy.exc.SQLAlchemyError",
    "redis.exceptions",
    "skimage.io",
    "scipy.io",
    "boto.io.thing",
    "builtins.print",
    "builtins.len",
    "builtins.getattr",
    "builtins.str",
    "unittest.TestCase",
    "unittest.mock.Mock",
    "doctest.ELLIPSIS",
    "bs4.BeautifulSoup",
    "html.escape",
    "ctypes.c_int",
    "ctypes.Structure",
    "ctypes.sizeof",
    "timeit.default_timer",
    "code.nothing().at_all",
    "grpc.StatusCode",
    "zmq.Again",
    "psycopg2.Error",
    "pymongo.errors.PyMongoError",
    "websockets.exceptions",
]

#: Names of other packages that begin like dangerous ones, or hold their words.
P31 = [
    "httpx_mock",
    "httpx_mock.get",
    "sysconfig",
    "sysconfig.get_paths",
    "os_utils",
    "os_utils.system",
    "executor_helpers.run",
    "subprocesses.run",
    "evaluate.load",
    "picklejar.loads",
    "sockets.open",
    "requests_mock.Mocker",
    "requestsx.get",
    "osx.system",
    "importlib_resources.files",
    "pipeline.main",
    "pipe.run",
    "codes.interact",
    "shutils.rmtree",
    "ctypesgen.run",
    "ssl_utils.wrap",
    "socketserverx.TCPServer",
    "envoy_config.read",
]

P30 = {
    "builtins.eval": "code_execution",
    "shutil.rmtree": "fs_write",
    "asyncio.create_subprocess_shell": "process",
    "pickle.loads": "deserialization",
    "pty.spawn": "process",
    "runpy.run_path": "code_execution",
    "posix.system": "process",
    "_posixsubprocess.fork_exec": "process",
    "ftplib.FTP": "network",
    "smtplib.SMTP": "network",
    "glob.os.system": "process",
    "pathlib.Path().unlink": "fs_write",
    "aiohttp.ClientSession": "network",
}

#: Name → what its argument names, its position and its keyword.
ARGUMENTS = {
    "os.system": ("program", 0, "cmd"),
    "subprocess.run": ("program", 0, "args"),
    "asyncio.get_running_loop().subprocess_exec": ("program", 1, ""),
    "requests.get": ("url", 0, "url"),
    "requests.Session().request": ("url", 1, "url"),
    "requests.Session.get": ("url", 1, "url"),
    "httpx.AsyncClient": ("url", None, "base_url"),
    "socket.create_connection": ("host", 0, "address"),
    "http.client.HTTPSConnection": ("host", 0, "host"),
    "os.getenv": ("variable", 0, "key"),
    "os.environ.get": ("variable", 0, "key"),
    "os.environ": ("variable", None, ""),
    "builtins.open": ("path", 0, "file"),
    "pathlib.Path().write_text": ("path", RECEIVER, ""),
    "pathlib.Path.write_text": ("path", 0, ""),
    "shutil.copy": ("path", 1, "dst"),
    "importlib.import_module": ("module", 0, "name"),
    "builtins.exec": ("code", 0, "source"),
}

CONDITIONS = {
    "yaml.load": "unless:1/Loader=SafeLoader|CSafeLoader|BaseLoader|CBaseLoader",
    "numpy.load": "if:allow_pickle=True",
    "torch.load": "unless:weights_only=True",
    "builtins.open": "text:0/file&mode:1/mode",
    "pathlib.Path().open": "mode:0/mode",
    "pathlib.Path.open": "mode:1/mode",
    "sqlite3.connect": "unless:0/database=:memory:|file::memory:",
    "pandas.read_csv": "url:0/filepath_or_buffer",
}


def of(name: str) -> str:
    found = meaning(name)
    return f"{found.category} {found.severity}" if found else "nothing"


@pytest.mark.parametrize(("name", "what"), CASES)
def test_a_name_means_what_it_does(name: str, what: str) -> None:
    assert of(name) == what


@pytest.mark.parametrize("name", NOTHING)
def test_a_harmless_name_means_nothing(name: str) -> None:
    assert of(name) == "nothing"


@pytest.mark.parametrize("name", P31)
def test_p31_a_name_that_only_begins_like_a_dangerous_one_means_nothing(name: str) -> None:
    assert of(name) == "nothing"


@pytest.mark.parametrize(("name", "category"), P30.items())
def test_p30_what_went_unseen_is_listed(name: str, category: str) -> None:
    found = meaning(name)
    assert found is not None
    assert found.category == category
    assert found.severity in ("high", "critical")


@pytest.mark.parametrize("text", ["https://example.com", "see https://example.com/a.b?c=os.system"])
def test_p33_a_url_is_no_name(text: str) -> None:
    assert of(text) == "nothing"


@pytest.mark.parametrize(("name", "expected"), ARGUMENTS.items())
def test_a_meaning_says_which_argument_names_the_target(
    name: str, expected: tuple[str, int | None, str]
) -> None:
    found = meaning(name)
    assert found is not None
    assert (found.subject, found.argument, found.word) == expected


@pytest.mark.parametrize(("name", "condition"), CONDITIONS.items())
def test_a_meaning_says_when_it_holds(name: str, condition: str) -> None:
    found = meaning(name)
    assert found is not None
    assert found.condition == condition


def test_opening_without_a_mode_that_writes_reads() -> None:
    found = meaning("builtins.open")
    assert found is not None
    assert found.permission == "filesystem_write"
    assert found.otherwise is not None
    assert found.otherwise.permission == "filesystem_read"


def all_meanings() -> list[Meaning]:
    found = {one for one in entries().values() if one is not None}
    for one in list(found):
        while one.otherwise is not None:
            one = one.otherwise
            found.add(one)
    return sorted(found, key=str)


def test_meanings_speak_the_words_of_the_report() -> None:
    for one in all_meanings():
        assert one.category in CATEGORIES, one
        assert one.severity in SEVERITIES, one
        assert one.permission in {"", *PERMISSIONS}, one
        assert one.subject in SUBJECTS, one
        assert one.factor in {"", "dangerous", "write", "network", "service", "environment"}, one
        assert one.does, one
        assert one.does[0].islower(), one
        assert not one.does.endswith("."), one


def test_conditions_are_of_the_language() -> None:
    for one in all_meanings():
        for part in one.condition.split("&") if one.condition else ():
            verb, _, rest = part.partition(":")
            argument, is_equal, values = rest.partition("=")
            position, _, word = argument.partition("/")
            assert verb in VERBS, one
            assert position.isdigit() or position.isidentifier(), one
            assert not word or word.isidentifier(), one
            assert bool(is_equal and values) == (verb in ("if", "unless")), one


def test_a_meaning_that_falls_back_has_a_condition() -> None:
    assert all(one.condition for one in all_meanings() if one.otherwise is not None)


def test_no_name_has_two_meanings() -> None:
    seen = defaultdict(list)
    for table, lines in TABLES.items():
        for name, _ in rows(lines):
            seen[name].append(table)
    assert {name: tables for name, tables in seen.items() if len(tables) > 1} == {}


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_is_reached_by_its_name(table: str) -> None:
    for name, found in rows(TABLES[table]):
        assert canonical(name) == name
        assert meaning(name) == found, name


def test_names_are_dotted() -> None:
    for name in NAMES:
        for part in name.split("."):
            assert part == "*" or part.removesuffix("()").isidentifier(), name


def test_every_danger_of_a_module_has_a_table() -> None:
    found = {one.category for one in entries().values() if one}
    assert found == CATEGORIES


PARTS = st.sampled_from(
    [
        *("os", "_os", "sys", "path", "system", "Path()", "pathlib", "parent", "random", "*", "x"),
        *sorted({part for name in [*ALIASES, *NAMES[::40]] for part in name.split(".")}),
    ]
)
DOTTED = st.lists(PARTS, min_size=1, max_size=6).map(".".join)


@given(DOTTED)
def test_a_canonical_name_stays_as_it_is(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)
    assert meaning(canonical(name)) == meaning(name)


@given(st.sampled_from(NAMES), st.from_regex(r"zq[a-z]{1,8}", fullmatch=True))
def test_what_lies_beneath_a_name_means_the_same(name: str, beneath: str) -> None:
    called = "()" in name or name.startswith("*")
    assert called or meaning(f"{name}.{beneath}") == meaning(name)


@given(st.sampled_from(NAMES), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_a_longer_word_is_another_name(name: str, more: str) -> None:
    longer = f"{name}_{more}zq"
    parent = name.rpartition(".")[0]
    if name.endswith("()"):
        return
    assert meaning(longer) == (meaning(parent) if parent and "*" not in parent else None)


@given(st.sampled_from(NAMES))
def test_what_a_call_returns_means_nothing_new(name: str) -> None:
    if "()" not in name and canonical(f"{name}()") == f"{name}()":
        assert meaning(f"{name}().zq") is None


@given(
    st.sampled_from([name for name in NAMES if name.startswith(("os.", "subprocess."))]),
    st.sampled_from(["shutil", "glob", "random._", "tempfile", "logging", "numpy.testing"]),
)
def test_a_module_is_itself_wherever_it_is_held(name: str, holder: str) -> None:
    dot = "" if holder.endswith("_") else "."
    assert meaning(f"{holder}{dot}{name}") == meaning(name)


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_ends_at_a_name_of_its_own(alias: str) -> None:
    assert canonical(alias) != alias
    assert canonical(canonical(alias)) == canonical(alias)


@pytest.mark.parametrize(
    "module",
    [
        "os",
        "sys",
        "builtins",
        "subprocess",
        "ctypes",
        "pickle",
        "socket",
        "posix",
        "shutil",
        "importlib",
        "pty",
    ],
)
def test_a_dangerous_module_is_not_to_be_handed_on(module: str) -> None:
    assert bare(module)


@pytest.mark.parametrize(
    "module", ["json", "re", "math", "pathlib", "os.path", "urllib.parse", "logging", "io"]
)
def test_a_harmless_module_may_be_handed_on(module: str) -> None:
    assert not bare(module)


#: Modules of the standard library that may be used whole without a word.
QUIET = [
    "__future__",
    "abc",
    "argparse",
    "array",
    "ast",
    "base64",
    "binascii",
    "bisect",
    "calendar",
    "cmath",
    "cmd",
    "collections",
    "colorsys",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "encodings",
    "enum",
    "errno",
    "fractions",
    "functools",
    "getopt",
    "gettext",
    "graphlib",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "imghdr",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "math",
    "numbers",
    "operator",
    "optparse",
    "platform",
    "pprint",
    "queue",
    "quopri",
    "random",
    "re",
    "reprlib",
    "sched",
    "secrets",
    "selectors",
    "select",
    "shlex",
    "sndhdr",
    "stat",
    "statistics",
    "string",
    "stringprep",
    "struct",
    "symtable",
    "sysconfig",
    "tabnanny",
    "textwrap",
    "this",
    "time",
    "token",
    "tomllib",
    "tracemalloc",
    "traceback",
    "types",
    "unicodedata",
    "uuid",
    "warnings",
    "weakref",
    "xdrlib",
    "zlib",
    "zoneinfo",
]


@pytest.mark.parametrize("module", [one for one in QUIET if one in sys.stdlib_module_names])
def test_most_of_the_standard_library_is_harmless(module: str) -> None:
    assert meaning(module) is None
    assert not bare(module)
