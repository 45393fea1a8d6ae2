"""What reads or changes the environment of the process."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_READS = Meaning(
    *("env_access", "high", "environment_variables", "reads the environment", "environment"),
    subject="variable",
    argument=0,
    word="key",
)
_ALL = _READS._replace(subject="", argument=None, word="", does="reads the whole environment")
_PROXIES = _ALL._replace(severity="medium", does="reads the proxies that the environment names")
_WRITES = _READS._replace(does="changes the host's environment")
_FILE = _ALL._replace(does="fills the environment from a file")
_SETTINGS = _ALL._replace(does="reads settings from the environment", called=False)
_NAMED = _READS._replace(word="env_var")

TABLE: Table = (
    (_READS._replace(argument=None, word=""), "os: environ environb"),
    (
        _READS,
        """
        os: getenv getenvb
        os: environ.get environ.__getitem__ environ.__contains__
        os: environb.get environb.__getitem__
        """,
    ),
    (
        _WRITES,
        """
        os: putenv unsetenv
        os: environ.setdefault environ.pop environ.__setitem__ environ.__delitem__ environb.pop
        """,
    ),
    (_PROXIES, "urllib.request: getproxies getproxies_environment"),
    (
        _ALL,
        """
        os: _Environ
        os: environ.items environ.values environ.keys environ.copy
        os: get_exec_path
        """,
    ),
    (
        _WRITES._replace(subject="", argument=None, word=""),
        "os: environ.update environ.clear environ.popitem",
    ),
    (_ALL._replace(does="puts variables of the environment into text"), "os.path: expandvars"),
    (
        _FILE,
        """
        dotenv dotenv: load_dotenv dotenv_values find_dotenv get_key set_key
        """,
    ),
    (_NAMED._replace(word="option"), "decouple: config AutoConfig Config"),
    (_NAMED._replace(word="name"), "environs: Env().str Env().int Env().bool Env().list Env().url"),
    (_NAMED._replace(word="var"), "environ: Env().str Env().bool Env().int"),
    (
        _SETTINGS,
        """
        environs decouple
        pydantic_settings: BaseSettings EnvSettingsSource DotEnvSettingsSource
        pydantic_settings: CliSettingsSource SecretsSettingsSource
        pydantic: BaseSettings
        starlette.config.Config
        dynaconf
        envparse everett goodconf
        """,
    ),
    (
        None,
        """
        pydantic_settings
        pydantic_settings: SettingsConfigDict
        decouple: Csv UndefinedValueError RepositoryEmpty
        environs: EnvError EnvValidationError
        dynaconf.Validator
        """,
    ),
)
