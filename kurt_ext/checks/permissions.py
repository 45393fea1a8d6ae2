"""Ask whether the permissions that the manifest declares are as narrow as its work.

They are what a user is shown before installing, and what a sandbox allows:
one that covers everything says nothing and protects from nothing.

Bad::

    permissions:
      filesystem_write: ["/etc"]
      network_hosts: ["*"]
      environment_variables: [AWS_SECRET_ACCESS_KEY]

Good::

    permissions:
      filesystem_write: ["./cache"]
      network_hosts: [web.archive.org]
      environment_variables: [WEB_ARCHIVER_KEY]
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..findings import Finding
from ..sources import show
from .stated import permissions
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "wide-read",
    "wide-write",
    "secret-path",
    "startup-path",
    "path-climbs",
    "path-deceives",
    "path-variable",
    "wide-network",
    "cloud-metadata",
    "not-a-host",
    "private-host",
    "undocumented-api",
    "wide-api",
    "wide-environment",
    "foreign-secret",
    "asks-for-secret",
    "loader-variable",
    "wide-resources",
    "wide-processes",
    "shell-process",
    "native-code",
)
CATEGORY = {
    **dict.fromkeys(RULES, "permission_overbroad"),
    **dict.fromkeys(("not-a-host", "undocumented-api", "native-code"), "style"),
}
_ANYTHING = frozenset(("*", "**", "/*", "/**", "*.*", "**/*", ".*", "all", "any"))
#: Whoever may write here decides what others run; POSIX and Windows.
_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/sbin", "/sys"),
    *("/usr", "/library", "/system", "/applications", "/var/spool", "/var/run", "/run"),
)
_WINDOWS = ("windows", "program files", "program files (x86)", "programdata")
#: Too much of other people's, or of the user's, to be read or written whole.
_WIDE = frozenset(
    (
        *("/", "~", "/home", "/users", "/root", "/etc", "/proc", "/sys", "/dev", "/usr", "/boot"),
        *("/opt", "/srv", "/run", "/var", "/var/lib", "/var/log", "/var/run", "/var/spool", "/mnt"),
        *("/media", "/volumes", "/library", "/system", "/private", "/private/etc", "/private/var"),
        *("~/.config", "~/.local", "~/.local/share", "~/library", "~/appdata", "~/documents"),
        *("~/desktop", "~/downloads", "~/appdata/roaming", "~/appdata/local"),
        *("~/library/application support", "/proc/self", "/usr/lib", "/usr/local"),
    )
)
_SHARED = frozenset(("/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "~/.cache", "/var/cache"))
#: Variables that stand for a home directory.
_HOMES = ("$home", "${home}", "%userprofile%", "%home%", "%homepath%", "%homedrive%%homepath%")
_EVERY_HOST = frozenset(("*", "*:*", "0.0.0.0", "0.0.0.0/0", "::", "::/0", "[::]", "any", "all"))
#: Where anybody may have a name of his own: beneath it, a wildcard is everybody.
_OPEN_SUFFIXES = frozenset(
    (
        *("github.io", "gitlab.io", "githubusercontent.com", "herokuapp.com", "vercel.app"),
        *("netlify.app", "pages.dev", "workers.dev", "web.app", "firebaseapp.com", "appspot.com"),
        *("run.app", "cloudfront.net", "amazonaws.com", "s3.amazonaws.com", "azurewebsites.net"),
        *("windows.net", "blob.core.windows.net", "core.windows.net", "azureedge.net"),
        *("cloudapp.net", "ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok.dev", "loca.lt"),
        *("trycloudflare.com", "repl.co", "replit.dev", "glitch.me", "blogspot.com"),
        *("wordpress.com", "surge.sh", "onrender.com", "fly.dev", "railway.app", "deno.dev"),
        *("r2.dev", "digitaloceanspaces.com", "ondigitalocean.app", "supabase.co", "nip.io"),
        *("sslip.io", "duckdns.org", "no-ip.org", "ddns.net", "dyndns.org", "googleapis.com"),
        *("storage.googleapis.com", "cloudfunctions.net", "gitbook.io", "notion.site"),
        *("pipedream.net", "webhook.site", "requestbin.com", "oast.fun", "interact.sh"),
    )
)
#: What stands before a country's two letters, and is open to everybody there.
_SECOND = frozenset(
    (
        "co",
        "com",
        "org",
        "net",
        "ac",
        "gov",
        "edu",
        "or",
        "ne",
        "go",
        "gob",
        "nom",
        "ltd",
        "plc",
        "mil",
    )
)
_METADATA = frozenset(
    (
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("metadata", "metadata.google.internal", "metadata.goog", "instance-data"),
        *("instance-data.ec2.internal", "metadata.azure.internal", "metadata.packet.net"),
    )
)


#: Characters that are drawn as a slash and are none: what follows them is one name, or a path.
_SLASHES = str.maketrans({"\u2044": "/", "\u2215": "/", "\u29f8": "/", "\u29f5": "\\"})


_DRAWN = frozenset("\u2044\u2215\u29f8\u29f5\uff0f\uff3c\u2024\u2025")


class _Verdict(NamedTuple):
    rule: str
    severity: str
    message: str
    fix: str


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is wider than a skill's work can be."""
    granted = permissions(subject)
    judges: dict[str, Callable[[str], _Verdict | None]] = {
        "filesystem_read": _read,
        "filesystem_write": _write,
        "network_hosts": _host,
        "external_apis": _api,
        "environment_variables": lambda text: _variable(text, granted),
        "system_resources": _resource,
        "processes": _process,
    }
    for key, judge in judges.items():
        for number, value in enumerate(granted.get(key, ())):
            verdict = judge(value)
            if verdict is not None:
                at = _at(subject, key, number)
                rule, severity, message, fix = verdict
                yield subject.finding(rule, severity, message, at, fix=fix, evidence=value[:200])
    if granted.get("external_apis") and not granted.get("network_hosts"):
        message = "services are named, and no host where they are"
        at = _at(subject, "external_apis", 0)
        yield subject.finding("undocumented-api", "low", message, at, fix="name network_hosts")
    if granted.get("native_code"):
        message = "native code is not bound by what Python can watch"
        yield subject.finding("native-code", "low", message, _at(subject, "native_code", 0))


def _at(subject: Subject, key: str, number: int) -> tuple[str, int, int]:
    portable = f"kurt/permissions.{key.replace('_', '-')}"
    return subject.at(("permissions", key, number), ("metadata", portable))


@cache
def _secret_paths() -> re.Pattern[str]:
    """Return what matches paths where secrets lie, below a home directory or anywhere."""
    return re.compile(
        r"(?:^|/)(?:\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker|\.netrc|_netrc|\.pypirc|\.npmrc|"
        r"\.git-credentials|\.config/(?:gcloud|gh|google-chrome|chromium|op|rclone)|"
        r"\.password-store|\.mozilla|\.thunderbird|\.electrum|\.bitcoin|\.ethereum|\.vault-token|"
        r"\.(?:bash|zsh|python|psql|mysql|node_repl)_history|\.local/share/keyrings|keychains|"
        r"library/(?:cookies|messages|mail)|appdata/(?:local/google/chrome|roaming/mozilla)|"
        r"microsoft/(?:credentials|protect)|id_(?:rsa|ed25519|ecdsa)|etc/g?shadow-?|"
        r"etc/sudoers(?:\.d)?|etc/passwd|etc/ssl/private|etc/ssh|proc/(?:self|[0-9]+|\*)/environ|"
        r"proc/(?:k?core|kallsyms|\*|[0-9]+)|docker\.sock|dev/(?:mem|kmem|sd[a-z].*|disk|input))(?:/|$)"
    )


@cache
def _startup_paths() -> re.Pattern[str]:
    """Return what matches paths of what is run, or obeyed, without being asked for."""
    return re.compile(
        r"(?:^|/)(?:\.(?:bashrc|bash_profile|profile|zshrc|zprofile|zshenv|xinitrc|xprofile|"
        r"pythonrc\.py|vimrc|gitconfig)|\.config/(?:autostart|systemd|fish|environment\.d)|"
        r"\.local/bin|\.local/lib|library/launch(?:agents|daemons)|start menu/programs/startup|"
        r"spool/cron|cron(?:\.d|tab|tabs)|site-packages|dist-packages|\.git/hooks|sitecustomize\.py|"
        r"usercustomize\.py|\.kurt|kurt\.toml|claude\.md|agents\.md|\.claude|\.cursor|"
        r"\.cursorrules|\.vscode|\.github/workflows|\.pth)(?:/|$)"
    )


def _path(text: str) -> str:
    """Return a path with one spelling: slashes, ``~`` for a home, no case, no globs at its end.

    A drive's root is ``C:``; what begins with ``//`` lies on another computer.
    """
    path = unicodedata.normalize("NFKC", text.strip()).translate(_SLASHES)
    path = path.replace("\\", "/").casefold().removeprefix("file://")
    for prefix in ("//?/unc/", "//?/", "//./"):
        if path.startswith(prefix):
            path = ("//" if "unc" in prefix else "") + path[len(prefix) :]
    for home in _HOMES:
        if path == home or path.startswith(home + "/"):
            path = "~" + path[len(home) :]
    while path.rpartition("/")[2] in ("*", "**", "*.*") and "/" in path:
        path = path.rpartition("/")[0] or "/"
    if path.startswith("//") and path.strip("/"):
        return "//" + posixpath.normpath(path.strip("/"))
    return posixpath.normpath(path) if path.strip("/") else "/"


def _climbs(text: str) -> bool:
    return ".." in text.replace("\\", "/").split("/")


def _wide(text: str, path: str) -> bool:
    """Return whether a path is that of everything, or of nearly everything of somebody's."""
    if text.strip().lower() in _ANYTHING or path in _WIDE:
        return True
    first, _, rest = path.partition("/")
    if len(first) == 2 and first[1] == ":":
        return rest in ("", ".", "users", "home") or rest.partition("/")[0] in _WINDOWS
    if re.fullmatch(r"/(?:home|users)/[^/]+|~[^/]+", path):
        return True  # somebody's whole home; ``~name`` is another's
    if path.startswith("//"):
        return path.count("/") <= 3  # //server or //server/share
    # What is wide before its first wildcard is wide whatever follows.
    before = re.split(r"[*?\[{]", path, maxsplit=1)[0]
    if before == path or not path.startswith(("/", "~")):
        return False
    return (before.rstrip("/") or "/") in _WIDE or before == "/"


def _anywhere(text: str, verb: str, rule: str) -> _Verdict | None:
    path = _path(text)
    if _wide(text, path):
        message = f"it asks to {verb} all of {show(text)}"
        return _Verdict(rule, "high", message, "name a folder below it")
    if _secret_paths().search(path):
        message = f"{show(text)} is where secrets lie"
        return _Verdict("secret-path", "high", message, f"name what it really {verb}s")
    if path in _SHARED:
        message = f"{show(text)} is shared by all programs"
        return _Verdict(rule, "medium", message, "name a folder of the skill's own below it")
    if not text.isascii() and not _DRAWN.isdisjoint(text):
        message = f"{show(text)} holds a character that looks like a slash"
        return _Verdict("path-deceives", "high", message, "write it as it is meant")
    if _climbs(text):
        severity = "high" if path.startswith("..") else "medium"
        message = f"{show(text)} leads out of where it begins"
        return _Verdict("path-climbs", severity, message, "write it without ..")
    if re.match(r"\$[{(]?[a-z_]|%[a-z_()0-9]+%", path):
        whole = "/" not in path
        message = f"{show(text)} is decided by the environment of whoever runs it"
        severity = "high" if whole else "medium"
        return _Verdict("path-variable", severity, message, "name the folder, or begin it with ~/")
    return None


def _read(text: str) -> _Verdict | None:
    return _anywhere(text, "read", "wide-read")


def _write(text: str) -> _Verdict | None:
    path = _path(text)
    if not _wide(text, path) and _startup_paths().search(path):
        message = f"what stands in {show(text)} is run, or obeyed, without being asked for"
        fix = "write below the skill's own data folder"
        return _Verdict("startup-path", "high", message, fix)
    system = path.startswith(tuple([f"{one}/" for one in _SYSTEM]))
    if system and path not in ("/dev/null", "/dev/stdout", "/dev/stderr") and not _own_run(path):
        message = f"{show(text)} belongs to the system, or to its other users"
        fix = "write below the skill's own data folder"
        return _Verdict("wide-write", "high", message, fix)
    return _anywhere(text, "write", "wide-write")


def _own_run(path: str) -> bool:
    """Return whether a path is that of one program's run-time files, or shared memory."""
    return path.startswith(("/run/", "/var/run/", "/dev/shm/")) and "docker" not in path


def _host(text: str) -> _Verdict | None:
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().casefold()).rstrip(".")
    bare = host.partition("/")[0].rpartition("@")[2]
    address = bare if bare.count(":") > 1 else bare.partition(":")[0]
    address = address.strip("[]").rstrip(".")
    if address in _METADATA or _dotted(address) in _METADATA:
        message = f"{show(text)} hands out the keys of the machine that it runs on"
        return _Verdict("cloud-metadata", "high", message, "delete it")
    if host in _EVERY_HOST or _is_open(address) or _is_network(host):
        message = f"{show(text)} is every host, or nearly"
        return _Verdict("wide-network", "high", message, "name the hosts")
    if not _host_name().fullmatch(text.strip().casefold()):
        fix = f"write {bare}" if _host_name().fullmatch(bare) else "write it like api.example.com"
        message = f"{show(text)} is not the name of a host"
        return _Verdict("not-a-host", "warning", message, fix)
    if _private().match(host):
        message = f"{show(text)} is this computer, or the network it stands in"
        return _Verdict(
            "private-host", "medium", message, "say in the description why it is needed"
        )
    return None


@cache
def _host_name() -> re.Pattern[str]:
    return re.compile(
        r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*"
        r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?"
    )


@cache
def _private() -> re.Pattern[str]:
    return re.compile(
        r"localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.|\[::1\]|"
        r"\[f[cde]"
    )


def _is_open(host: str) -> bool:
    """Return whether a pattern holds hosts of everybody: ``*.com``, ``*.co.uk``, ``a.*``."""
    if "*" not in host:
        return False
    rest = host.removeprefix("*.")
    labels = rest.split(".")
    if "*" in rest or host[:2] != "*." or len(labels) < 2 or rest in _OPEN_SUFFIXES:
        return True
    return len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND


def _is_network(host: str) -> bool:
    """Return whether an address with a prefix holds more than 256 hosts."""
    address, slash, length = host.partition("/")
    if not slash or not length.isdigit() or not re.fullmatch(r"[0-9a-f.:\[\]]+", address):
        return False
    return int(length) < (120 if ":" in address else 24)


def _dotted(host: str) -> str:
    """Return an IPv4 address in its usual form: ``2852039166`` and ``0xa9fea9fe`` are ones."""
    if not re.fullmatch(
        r"(?:0x[0-9a-f]{1,8}|[0-9]{1,12})(?:\.(?:0x[0-9a-f]{1,8}|[0-9]{1,12})){0,3}", host
    ):
        return host
    try:
        *firsts, last = [
            int(part, 16 if part[:2] == "0x" else 8 if part[0] == "0" and len(part) > 1 else 10)
            for part in host.split(".")
        ]
    except ValueError:
        return host
    value = last
    for number, part in enumerate(firsts):
        value += part << (24 - 8 * number)
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _api(text: str) -> _Verdict | None:
    if text.strip().lower() in _ANYTHING:
        return _Verdict("wide-api", "high", f"{show(text)} is every service", "name each service")
    return None


#: First word of a variable that opens another service → what the service is called elsewhere.
_SERVICES = {
    **dict.fromkeys(("AWS",), ("aws", "amazon")),
    **dict.fromkeys(("AZURE", "ARM"), ("azure", "windows.net", "microsoft")),
    **dict.fromkeys(("GOOGLE", "GCP", "GCLOUD"), ("google", "gcp")),
    **dict.fromkeys(("GITHUB", "GH"), ("github",)),
    **dict.fromkeys(("GITLAB", "CI"), ("gitlab",)),
    **dict.fromkeys(("NPM", "NODE"), ("npm",)),
    **dict.fromkeys(("PYPI", "TWINE", "UV"), ("pypi",)),
    **dict.fromkeys(("HF", "HUGGING", "HUGGINGFACE"), ("huggingface", "hf.co")),
    **dict.fromkeys(("DOCKER", "DOCKERHUB"), ("docker",)),
    **dict.fromkeys(("OPENAI",), ("openai",)),
    **dict.fromkeys(("ANTHROPIC",), ("anthropic",)),
    **dict.fromkeys(("STRIPE",), ("stripe",)),
    **dict.fromkeys(("SLACK",), ("slack",)),
    **dict.fromkeys(("VAULT",), ("vault",)),
    **dict.fromkeys(("DIGITALOCEAN", "DO"), ("digitalocean",)),
    **dict.fromkeys(("CLOUDFLARE", "CF"), ("cloudflare",)),
    **dict.fromkeys(("HEROKU",), ("heroku",)),
    **dict.fromkeys(("PGPASSWORD", "PG", "POSTGRES"), ("postgres", "pg")),
    **dict.fromkeys(("MYSQL",), ("mysql", "mariadb")),
    **dict.fromkeys(("SSH",), ("ssh",)),
    **dict.fromkeys(("KUBECONFIG",), ("kube", "k8s")),
}
_SECRET_WORDS = frozenset(
    ("SECRET", "PASSWORD", "PASSWD", "PWD", "TOKEN", "KEY", "CREDENTIAL", "CREDENTIALS", "APIKEY")
)
#: Whole names that open something though no word of theirs says so.
_OPENERS = frozenset(("SSH_AUTH_SOCK", "KUBECONFIG", "PGPASSWORD", "DATABASE_URL", "NETRC"))
#: Always another's: the host's own, and those of whoever runs it.
_NEVER = ("KURT", "MARKET", "SUDO", "ANSIBLE", "GPG")
_LOADERS = frozenset(
    ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PATH", "BASH_ENV", "IFS")
)


def _variable(text: str, granted: Mapping[str, Any]) -> _Verdict | None:
    name = text.strip().upper()
    if "*" in name or "?" in name or name == "ALL":
        plain = re.sub(r"[*?_]+", "", name)
        narrow = name[:1].isalpha() and name.rstrip("*") == name.replace("*", "")
        if name == "ALL" or not narrow or len(plain) < 3:
            message = f"{show(text)} is the whole environment, or its secrets"
            return _Verdict("wide-environment", "high", message, "name the variables")
        name = name.rstrip("*") + ("KEY" if name.rstrip("*").endswith("_") else "_KEY")
        if name.partition("_")[0] not in (*_SERVICES, *_NEVER):
            return None
    words = name.split("_")
    own = "use a variable of the skill's own, or a setting: [skill.NAME] in kurt.toml"
    if name in _LOADERS or name.startswith(("LD_", "DYLD_")):
        message = f"{show(text)} decides what other programs load"
        return _Verdict("loader-variable", "medium", message, own)
    secret = not _SECRET_WORDS.isdisjoint(words) or name in _OPENERS
    if not secret:
        return None
    service = _SERVICES.get(words[0])
    if words[0] in _NEVER or name in _OPENERS or service is not None:
        due = service is not None and _serves(granted, service)
        message = f"{show(text)} opens far more than this skill's work"
        return _Verdict("foreign-secret", "low" if due else "medium", message, own)
    if {"SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"} & set(words) or (
        "PRIVATE" in words and "KEY" in words
    ):
        return _Verdict("asks-for-secret", "low", f"{show(text)} holds a secret", own)
    return None


def _serves(granted: Mapping[str, Any], service: tuple[str, ...]) -> bool:
    """Return whether the manifest says that the skill works with a service."""
    said = [*granted.get("network_hosts", ()), *granted.get("external_apis", ())]
    said += granted.get("processes", ())
    return any(word in one.casefold() for one in said for word in service)


def _resource(text: str) -> _Verdict | None:
    if text.strip().lower() in _ANYTHING:
        return _Verdict(
            "wide-resources", "high", f"{show(text)} is everything", "name what it needs"
        )
    return None


def _process(text: str) -> _Verdict | None:
    if text.strip().lower() in _ANYTHING or text.strip().endswith(("/*", "\\*")):
        return _Verdict(
            "wide-processes", "high", f"{show(text)} is every program", "name the programs"
        )
    name = text.replace("\\", "/").rpartition("/")[2].casefold().removesuffix(".exe")
    if name in ("sudo", "su", "doas", "pkexec", "runas"):
        message = f"{show(text)} starts every program, as everybody"
        return _Verdict("shell-process", "high", message, "name the program")
    if re.fullmatch("sh|bash|zsh|dash|fish|ksh|csh|tcsh|cmd|powershell|pwsh|busybox", name):
        message = f"{show(text)} can start every other program"
        return _Verdict("shell-process", "high", message, "name the program that it is to start")
    if re.fullmatch("env|xargs|python[0-9.]*|perl|ruby|node|osascript", name):
        message = f"{show(text)} can start every other program"
        return _Verdict("shell-process", "medium", message, "name the program")
    return None
