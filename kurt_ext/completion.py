"""Complete words of the command line in a shell, with the names that are really there.

The scripts hand the words up to the cursor to ``kurt`` itself, in the variable
``COMP_WORDS``, and print what it answers. bash gives the line as it was typed:
it would split ``web-archiver:archive`` and ``url=x`` at the punctuation.
Completion imports no skill, and of the commands only the one that is typed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from click.shell_completion import CompletionItem

    from .discovery import Discovery

__all__ = [
    "SHELLS",
    "complete",
    "config_keys",
    "extensions",
    "kinds",
    "names",
    "plugins",
    "script",
    "skills",
    "tags",
]

_BASH = """\
_kurt_complete() {
    local line=${COMP_LINE:0:COMP_POINT} kind word
    local typed=${line##*[[:space:]]} before=
    case $typed in *[:=]*) before=${typed%"${typed##*[:=]}"} ;; esac
    COMPREPLY=()
    while IFS=, read -r kind word; do
        case $kind in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain) COMPREPLY+=("${word#"$before"}") ;;
        esac
    done < <(env COMP_WORDS="$line" _KURT_COMPLETE=bash_complete "$1" 2>/dev/null)
    case ${COMPREPLY[0]} in *[:=]) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _kurt_complete kurt
"""

_ZSH = """\
#compdef kurt
_kurt_complete() {
    local -a answer plain described
    local kind word text
    answer=("${(@f)$(env COMP_WORDS="${(pj:\\n:)words[1,CURRENT]}" \\
        _KURT_COMPLETE=zsh_complete ${words[1]} 2>/dev/null)}")
    for kind word text in "${answer[@]}"; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files ;;
            plain)
                if [[ -n ${text# } ]]; then
                    described+=("${word//:/\\\\:}:${text# }")
                else
                    plain+=("$word")
                fi ;;
        esac
    done
    (( $#described )) && _describe -V kurt described
    (( $#plain )) && compadd -- "${plain[@]}"
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _kurt_complete "$@"
else
    compdef _kurt_complete kurt
fi
"""

_FISH = """\
function _kurt_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    for answer in (env COMP_WORDS=(string join \\n -- $words | string collect -a) \\
            _KURT_COMPLETE=fish_complete $program 2>/dev/null)
        set -l parts (string split -m 1 , -- $answer)
        switch $parts[1]
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case plain
                echo $parts[2]
        end
    end
end
complete --command kurt --no-files --arguments "(_kurt_complete)"
"""

SHELLS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str) -> str:
    """Return the script that a shell sources."""
    return SHELLS[shell]


def complete(cli: click.Command, instruction: str) -> int:
    """Answer a shell on stdout and return the exit code.

    :param instruction: ``bash_complete``, ``zsh_complete`` or ``fish_complete``.
    """
    from click.shell_completion import ShellComplete

    from .session import Session

    shell, _, verb = instruction.partition("_")
    if shell not in SHELLS or verb != "complete":
        return 1
    words = _words(shell, os.environ.get("COMP_WORDS", ""))
    done, incomplete = words[1:-1], words[-1]
    try:
        asked = ShellComplete(cli, {"obj": Session(done)}, "kurt", "_KURT_COMPLETE")
        items = asked.get_completions(list(done), incomplete)
        sys.stdout.write("".join(_answer(shell, item) for item in items))
        sys.stdout.flush()
    except Exception:
        # A line that is still being typed has no place for a message.
        return 1
    return 0


def _words(shell: str, text: str) -> list[str]:
    """Return the words up to the cursor, the program first, the unfinished one last."""
    from click.shell_completion import split_arg_string

    if shell == "bash":
        words = split_arg_string(text)
        if not text or text[-1].isspace():
            words.append("")
    else:
        words = ["".join(split_arg_string(word)) for word in text.split("\n")]
    return words if len(words) > 1 else [*words, ""]


def _answer(shell: str, item: CompletionItem[str]) -> str:
    from .output import printable

    # One line each: a summary from a manifest must not forge an answer.
    text = " ".join(printable(item.help or "").split())
    value = printable(str(item.value)).replace("\n", " ")
    if shell == "zsh":
        return f"{item.type}\n{value}\n {text}\n"
    if shell == "fish" and text:
        return f"{item.type},{value}\t{text}\n"
    return f"{item.type},{value}\n"


def _discovery(ctx: click.Context) -> Discovery:
    from .session import Session

    return ctx.ensure_object(Session).discovery


def _items(pairs: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    unique = dict(sorted(pairs, reverse=True))
    return [
        CompletionItem(value, help=text or None)
        for value, text in sorted(unique.items())
        if value.startswith(incomplete)
    ]


def skills(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete the name of a skill."""
    return _items(((c.name, c.summary) for c in _discovery(ctx).winners), incomplete)


def plugins(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete the name of a plugin: of a skill that has code."""
    from .plugin_rows import plugins as found

    return _items(((c.name, c.summary) for c in found(_discovery(ctx))), incomplete)


def extensions(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete an extension: its bare name, or SKILL:EXTENSION once a colon is typed."""
    return _items(_extension_pairs(ctx, incomplete), incomplete)


def names(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete a skill or an extension."""
    pairs = [(c.name, c.summary) for c in _discovery(ctx).winners]
    return _items([*pairs, *_extension_pairs(ctx, incomplete)], incomplete)


def _extension_pairs(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    from .listing import is_ours

    found = [
        (candidate, name)
        for candidate in _discovery(ctx).winners
        for group, name, _ in candidate.offers
        if not is_ours(candidate, group)
    ]
    if ":" in incomplete:
        return [(f"{candidate.name}:{name}", candidate.summary) for candidate, name in found]
    counts: dict[str, int] = {}
    for _, name in found:
        counts[name] = counts.get(name, 0) + 1
    return [
        (name if counts[name] == 1 else f"{candidate.name}:{name}", candidate.summary)
        for candidate, name in found
    ]


def kinds(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete the name of a kind, as the installed distributions name them."""
    found = _discovery(ctx).offers("kurt.kind")
    return _items(((name, "") for _, name, _ in found), incomplete)


def tags(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete a tag that some skill has."""
    return _items(((tag, "") for c in _discovery(ctx).winners for tag in c.tags), incomplete)


def config_keys(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete a key of kurt.toml: those of every kind, and those that are set."""
    discovery = _discovery(ctx)
    pairs = [("skill_paths", "further folders of skills")]
    for _, kind, _ in discovery.offers("kurt.kind"):
        pairs += [
            (f"{kind}.enabled", "exactly these are loaded"),
            (f"{kind}.disabled", "these are never loaded"),
        ]
    for table in ("skill", "plugin"):
        pairs += [(f"{table}.{c.name}.", c.summary) for c in discovery.winners]
    return _items(pairs, incomplete)
