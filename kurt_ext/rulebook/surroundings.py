"""The rules of what lies around a manifest: folders, distributions, shims, settings, trust."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

_PLACE = Entry(
    "The folders for data, cache and configuration can be written.",
    "Trust, shims and settings are kept there.",
)
_STATE = Entry(
    "What is enabled can also run.",
    "A skill that is broken, shadowed or not trusted does not, whatever kurt.toml says.",
)

ENTRIES = {
    **dict.fromkeys(["place-cache", "place-config", "place-data"], _PLACE),
    **dict.fromkeys(
        ["skill-broken", "skill-instructions", "skill-shadowed", "skill-untrusted"], _STATE
    ),
    "acceptances-unreadable": Entry(
        "The file of accepted findings can be read, and only its user may write it.",
        "Whoever can write it decides what counts. One that cannot be believed accepts nothing.",
    ),
    "check-failed": Entry(
        "A check answers with findings.",
        "One that raises or gives something else says nothing about the skill.",
    ),
    "command": Entry(
        "The kurt on PATH is the one that you are running.",
        "Another one sees other packages, and so other skills.",
    ),
    "command-conflict": Entry(
        "No two distributions bring a command of one name.",
        "The first one found hides the other.",
    ),
    "config-type": Entry(
        "A key of kurt.toml has a value of the type that it asks for.",
        "A list of names that cannot be read enables nothing, rather than everything.",
        'enabled = "archive"',
        'enabled = ["archive"]',
    ),
    "config-unknown": Entry(
        "A key of kurt.toml is one that there is, and names a skill or kind that there is.",
        "A slip of the pen in `disabled` would leave on what you meant to switch off.",
        'enable = ["archive"]',
        'enabled = ["archive"]',
    ),
    "config-unreadable": Entry(
        "kurt.toml is TOML, in UTF-8, and can be read.",
        "What it disables cannot be known, so that nothing is enabled until it is mended.",
    ),
    "host-extension": Entry(
        "Kinds, checks and commands come from installed distributions alone.",
        "They run within kurt itself, and a folder is found by lying there.",
    ),
    "index": Entry(
        "The index of what was found can be written.",
        "Without it every start looks at every file again.",
    ),
    "intruding-package": Entry(
        "No file makes kurt_skills a regular package.",
        "Python then looks for skills beside that file and nowhere else.",
    ),
    "judge-died": Entry(
        "The process that judges a skill ends with a verdict, and in time.",
        "One that dies or hangs has met files that were made for it, or a fault of a check.",
    ),
    "kind-conflict": Entry(
        "A kind has a word and a namespace of its own.",
        "The second one that claims either is not used.",
    ),
    "kind-unusable": Entry(
        "An entry point of kurt.kind names a kurt_ext.kinds.Kind that can be imported.",
        "The extensions of a kind that cannot be used are found and cannot be called.",
    ),
    "left-behind": Entry(
        "A plugin that is unloaded leaves nothing in the process.",
        "What it started and nobody ended runs on, and what it changed stays changed.",
        "threading.Thread(target=self.poll).start()",
        "keep the thread, and end it in cleanup()",
    ),
    "link-dead": Entry(
        "A link from site-packages leads to a shim that is there.",
        "One that leads nowhere shows skills to nobody; `kurt doctor --fix` removes it.",
    ),
    "link-loop": Entry(
        "Symbolic links lead to a folder.",
        "A loop of them leads nowhere, and is left out.",
    ),
    "malformed-distribution": Entry(
        "The *.dist-info of a distribution holds the METADATA and entry points that pip wrote.",
        "Python's own look at entry points fails for all distributions because of a damaged one.",
    ),
    "name-conflict": Entry(
        "No two skills offer an extension of one name in one namespace.",
        "The bare name then means neither: say SKILL:EXTENSION, or disable one of them.",
    ),
    "plugin-disabled": Entry(
        "A plugin that is enabled by name is not disabled as a whole.",
        "`enabled = false` in its table [plugin.NAME] outranks the lists of the kinds.",
    ),
    "python": Entry(
        "The Python that runs is new enough.",
        "kurt uses what older ones do not have.",
    ),
    "quarantine": Entry(
        "A plugin loads, or fails fewer than three times in a row.",
        "One that fails at every start is not tried again until it, the host or Python changes; "
        "`kurt enable NAME --force` has it tried at once.",
    ),
    "requires-api": Entry(
        "Each service in a skill's requires_api has a key in the skill's table of kurt.toml.",
        "A call fails without it; the fix is the line to paste.",
    ),
    "second-opinion": Entry(
        "Code follows the security rules of another program, where kurt.toml asks for that.",
        "They are about mistakes of honest authors: they warn, and lower no score.",
        "hashlib.md5(password)",
        "hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1)",
    ),
    "second-opinion-missing": Entry(
        "A program that is asked for a second opinion is installed, and answers.",
        "Silence would look like consent.",
    ),
    "shadowed": Entry(
        "A skill's name is found in one place.",
        "The project's goes before the user's, and that before an installed one.",
    ),
    "shim-damaged": Entry(
        "A shim's files are as kurt wrote them.",
        "Other programs would be told something else than the skill's manifest says.",
    ),
    "shim-foreign": Entry(
        "A shim holds nothing but what kurt wrote.",
        "It is on Python's search path, where a strange file can shadow a module.",
    ),
    "shim-leftover": Entry(
        "A shim shows no skill that is gone.",
        "Other programs would try to load it.",
    ),
    "shim-missing": Entry(
        "Each folder that may be imported is shown by its shim.",
        "Other programs do not see it until the next look writes it.",
    ),
    "shim-not-ours": Entry(
        "A shim belongs to you, and only you can write to it.",
        "Whoever writes there runs code as you.",
    ),
    "shim-orphan": Entry(
        "No shim is left of a project that is gone.",
        "It only takes up room; `kurt doctor --fix` removes it.",
    ),
    "shim-refused": Entry(
        "A skill can be shown by a shim; the message says what stands against it.",
        "Kurt runs it all the same, and other programs do not see it.",
    ),
    "shim-stale": Entry(
        "A shim says what the skill's manifest says now.",
        "Other programs see the skill as it was before its last change.",
    ),
    "shim-unreadable": Entry(
        "A shim can be read and listed.",
        "Nobody can tell what it shows.",
    ),
    "trust": Entry(
        "What was found is trusted.",
        "The code of a folder that nobody has trusted is never imported.",
    ),
    "trust-everything": Entry(
        "KURT_TRUST names the folders whose code you mean, not the root of all.",
        "A skill in a folder that you have just cloned would run.",
    ),
    "trust-file": Entry(
        "The trust file is yours alone, and is the JSON that kurt wrote.",
        "Whoever can write it decides whose code runs as you; until then it trusts nothing.",
    ),
    "unreadable-folder": Entry(
        "A folder of skills can be listed.",
        "What lies in it is not found.",
    ),
    "untrusted-config": Entry(
        "A project that nobody has trusted may disable, and not configure or switch on.",
        "Its settings could send your secrets elsewhere, or put its own code around every call.",
    ),
}
