"""Commands that a text tells an agent to run, and that fetch code or carry files away.

Read line by line with expressions whose gaps are bounded. A command without an
address (``curl | bash`` in a list of what to look for) is no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

__all__ = ["Recipe", "recipes"]

#: Installers that their makers tell everybody to pipe into a shell, by host.
KNOWN = frozenset(
    "sh.rustup.rs astral.sh bun.sh get.docker.com deno.land install.python-poetry.org get.pnpm.io "
    "raw.githubusercontent.com/nvm-sh raw.githubusercontent.com/homebrew fnm.vercel.app brew.sh "
    "get.helm.sh raw.githubusercontent.com/helm ollama.com cli.github.com claude.ai nodejs.org "
    "deb.nodesource.com get.sdkman.io fly.io tailscale.com starship.rs volta.sh mise.run "
    "get.k3s.io raw.githubusercontent.com/kubernetes-sigs bootstrap.pypa.io just.systems "
    "foundry.paradigm.xyz release.solana.com release.anza.xyz get.nextflow.io "
    "cursor.com opencode.ai parallel.ai".split()
)
_SHELL = (
    r"(?:sudo\s{1,9}(?:-\S{1,9}\s{1,9})?)?(?:/\S{0,40}/)?(?:(?:env|nohup|command|exec)\s{1,9})?"
)
_SHELL += r"(?:ba|z|k|da|fi|c)?sh\b|(?:sudo\s{1,9})?(?:python[\d.]*|perl|ruby|node|php|deno|bun)\b"
_FETCH = r"\b(?:curl|wget|fetch|aria2c|http|xh)\b"
_SOURCES = (
    (rf"{_FETCH}[^|\n;]{{0,300}}\|(?:[^|\n]{{0,80}}\|)?\s{{0,9}}(?:{_SHELL})", "remote"),
    (
        rf"(?:{_SHELL}|\b(?:source|eval)\b|(?:^|\s)\.\s)[^\n;|]{{0,40}}(?:<\(|\$\(|`)\s{{0,9}}{_FETCH}",
        "remote",
    ),
    (
        rf"{_FETCH}[^\n]{{0,300}}(?:&&|;)[^\n]{{0,60}}(?:\b(?:{_SHELL})\s|chmod\s{{1,9}}\S{{0,9}}x|\./)",
        "remote",
    ),
    (
        r"\b(?:iwr|irm|invoke-webrequest|invoke-restmethod|downloadstring|curl)\b[^\n]{0,300}\|\s{0,9}(?:iex|invoke-expression)\b",
        "remote",
    ),
    (
        r"\b(?:iex|invoke-expression)\b[^\n]{0,60}\b(?:iwr|irm|invoke-webrequest|invoke-restmethod|downloadstring|curl)\b",
        "remote",
    ),
    (rf"\bbase64\s{{1,9}}(?:-d|-D|--decode)\b[^|\n]{{0,200}}\|\s{{0,9}}(?:{_SHELL})", "encoded"),
    (
        r"\bpowershell(?:\.exe)?\b[^\n]{0,80}\s-(?:e|enc|encodedcommand)\s{1,9}[A-Za-z0-9+/=]{20,}",
        "encoded",
    ),
    (r"\b(?:uv\s{1,9})?pip[\d.]*\s{1,9}install\b[^\n]{0,200}\s(?:git\+)?http://\S", "package"),
    (
        r"\b(?:uv\s{1,9})?pip[\d.]*\s{1,9}install\b[^\n]{0,120}(?:\s|=)https://(?!github\.com|gitlab\.com|pypi\.org|download\.pytorch\.org|files\.pythonhosted\.org|test\.pypi\.org|pypi\.nvidia\.com|huggingface\.co|\S{0,60}pypi)\S{0,300}(?:\.whl|\.tar\.gz|\.zip|/simple)",
        "package",
    ),
    (
        r"\b(?:npm\s{1,9}(?:i|install)\b[^\n]{0,80}|npx(?:\s{1,9}-[^\s=]{1,40}){0,6})[\s=]https?://(?!github\.com|registry\.npmjs\.org|gitlab\.com|pkg\.pr\.new)\S",
        "package",
    ),
    (
        r"\bcurl\b[^\n]{0,300}(?:-d|-F|-T|--data\S{0,12}|--upload-file|--form)[\s=]{0,3}['\"]?(?:\w{1,30}=)?@?[^\n\s]{0,60}(?:\.ssh/|\.aws/|/\.env\b|@\.env\b|\.netrc|id_rsa|id_ed25519|/etc/passwd|/etc/shadow|\.bash_history|\.git-credentials)",
        "carries",
    ),
    (
        r"(?:\bcat\s[^\n|]{0,80}(?:\.ssh/|\.aws/|\.env\b|\.netrc|id_rsa|id_ed25519|/etc/passwd)|\b(?:printenv|env)\b)[^\n]{0,80}\|[^\n]{0,80}\b(?:curl|nc|ncat|wget|socat|openssl)\b",
        "carries",
    ),
    (
        r"\bcurl\b[^\n]{0,200}(?:\$\(\s{0,3}(?:cat|env|printenv)\b|`(?:cat|env|printenv)\b)",
        "carries",
    ),
    (
        r"(?:/dev/tcp/\S{1,80}|\bnc\s[^\n]{0,60}-e\s{1,3}/bin|\bncat\s[^\n]{0,60}--?(?:e|exec)\s)",
        "remote",
    ),
)
_HINT = re.compile(
    r"curl|wget|iwr|irm|iex|invoke-|pip\d? |npx|npm i|base64|/dev/tcp|ncat|\bnc |fetch"
    r"|encodedc|-enc|printenv|env \|",
    re.IGNORECASE,
)
#: What a text has at least where an expression of ``_HINT`` can be found; far cheaper to look for.
_PARTS = (
    *("curl", "wget", "iwr", "irm", "iex", "invoke-", "pip", "npx", "npm i", "base64", "/dev/tcp"),
    *("ncat", "nc ", "fetch", "encodedc", "-enc", "printenv", "env |"),
)
_HOST = re.compile(r"https?://([^\s/'\"`)>|]{1,200})(/[^\s/'\"`)>|]{0,80})?")
#: Words of a heading or a line above under which commands are examples of what is wrong.
_ABOUT = re.compile(
    r"\b(?:dangerous|unsafe|flags|flagged|detects?|suspicious|malicious|attack\w*|look for"
    r"|forbid\w*|prohibit\w*|denied|deny|anti-?patterns?|bad examples?|insecure|vulnerab\w*"
    r"|payloads?|exploit\w*|risky|blocked|injection|typical|indicators?|signs? of|reverse shells?"
    r"|malware|compromised?|break-in|intrusion|incident)\b",
    re.IGNORECASE,
)
#: Words on the same line before a command that warn of it.
_WARNED = re.compile(
    r"\b(?:never|don'?t|do not|avoid|instead of|rather than|bad|wrong|reject\w*|blocks|e\.g\."
    r"|such as)(?!\w)|❌|🚫",
    re.IGNORECASE,
)
_SAYS = {
    "remote": "has code from the network run",
    "encoded": "has encoded code run",
    "package": "installs a package from an address instead of a registry",
    "carries": "carries files or variables away",
}


class Recipe(NamedTuple):
    """A command in a text.

    :param kind: ``remote``, ``encoded``, ``package`` or ``carries``.
    :param known: whether a well-known installer is fetched over TLS.
    :param says: what it does, to complete "a command …".
    """

    kind: str
    line: int
    column: int
    text: str
    known: bool
    says: str


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(source, re.IGNORECASE), kind) for source, kind in _SOURCES)


def recipes(text: str, *, about: bool = False) -> Iterator[Recipe]:
    """Yield the dangerous commands of a text that it does not warn of.

    :param about: whether the text is about attacks, so that inline commands are quotations.
    """
    low = text.lower()
    if not any(part in low for part in _PARTS):
        return
    lead = heading = ""
    pending = ""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if bare.startswith("#") and " " in bare:
            heading = bare
        if bare and not bare.startswith(("```", "-", "*", "|")):
            lead = (
                bare
                if bare.endswith(":")
                else lead
                if pending or bare[:1] != bare[:1].upper()
                else bare
            )
        if bare.endswith("\\") and len(pending) < 2000:
            pending += bare[:-1] + " "
            continue
        whole, pending = (pending + line)[:4000], ""
        if not _HINT.search(whole):
            continue
        for pattern, kind in _patterns():
            found = pattern.search(whole)
            if found is None:
                continue
            host = _HOST.search(whole)
            if (
                kind in ("remote", "package")
                and not host
                and "$" not in found[0]
                and "/dev/tcp" not in found[0]
            ):
                continue
            if kind == "remote" and not host and "/dev/tcp" not in found[0]:
                continue
            warned = _WARNED.search(whole[: found.start()])
            if about or warned or any(map(_ABOUT.search, (whole, heading, lead))):
                continue
            yield Recipe(kind, number, found.start() + 1, found[0], _known(host), _SAYS[kind])
            break


def _known(host: re.Match[str] | None) -> bool:
    if host is None or host[0].startswith("http://"):
        return False
    name, folder = host[1].lower(), (host[2] or "").lower()
    return name in KNOWN or name.removeprefix("www.") in KNOWN or name + folder in KNOWN
