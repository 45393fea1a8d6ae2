"""The rules of an archive: that it is a plain zip, with one meaning and within bounds."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

_SIDE_BY_SIDE = Entry(
    "The files of a zip lie side by side from the first byte to the directory at its end.",
    "In a gap lies what only some readers see; what overlaps unpacks to more than it is.",
)

_FORMAT = {
    **dict.fromkeys(["archive-gap", "archive-overlap"], _SIDE_BY_SIDE),
    "archive-damaged": Entry(
        "A file in a zip unpacks, and has the checksum that stands beside it.",
        "What came is not what was sent: fetch it again, or ask who made it.",
    ),
    "archive-link": Entry(
        "A zip holds files and folders, and no links.",
        "The next file can be written through a link, to anywhere.",
        "config.json → /etc/passwd",
        "config.json, as a file",
    ),
    "archive-ratio": Entry(
        "A file of more than 1 MiB becomes at most 100 times as large when it is unpacked.",
        "More than that is a bomb: a few bytes that fill a disk.",
    ),
    "archive-split": Entry(
        "A zip is whole, and no part of several.",
        "What lies in the other parts is not there to be looked at.",
    ),
    "encrypted": Entry(
        "Nothing in a zip is encrypted.",
        "What cannot be read cannot be judged before it runs.",
    ),
    "folder-with-bytes": Entry(
        "A folder in a zip has no content.",
        "Some readers make a file of it, and others pass over it.",
    ),
    "hidden-data": Entry(
        "The packed bytes of a file end where the file ends.",
        "What stands behind them is unpacked by nobody, and can be anything.",
    ),
    "lying-directory": Entry(
        "The directory of a zip has as many entries as it says, each where it says.",
        "Readers that count and readers that search would see other files.",
    ),
    "lying-header": Entry(
        "The header before a file says of it what the directory says.",
        "Of two answers one reader believes the first, another the second.",
    ),
    "lying-size": Entry(
        "A file in a zip has the size that stands beside it, wherever it stands.",
        "Who believes a size makes room for it; a wrong one hides bytes, or fills the disk.",
    ),
    "not-zip": Entry(
        "The archive of a skill is a zip, from its first byte to its last.",
        "One format, read strictly, has one meaning; tar has several, and so has a program with "
        "a zip at its end.",
        "tar czf skill.tar.gz my-skill",
        "zip -X -r skill.zip my-skill",
    ),
    "packing-method": Entry(
        "The files of a zip are stored or deflated.",
        "Other methods are not known to every reader.",
    ),
    "special-rights": Entry(
        "No file in a zip runs with the rights of its owner or group.",
        "It would do what the one who starts it may not.",
    ),
    "too-many-files": Entry(
        "An archive has no more files than a skill needs: 512, or 10,000 in a wheel.",
        "Each of them costs time and room, however small it is.",
    ),
    "trailing-data": Entry(
        "A zip ends with its end record.",
        "What stands behind it is read by other programs, as another zip or a script.",
    ),
    "two-ends": Entry(
        "A zip has one end record.",
        "Of two, one reader takes the first and another the last, and they show other files.",
    ),
    "two-names": Entry(
        "A file in a zip has one name, in its header and in the directory.",
        "It would be judged by the one and written by the other.",
    ),
    "unicode-path": Entry(
        "No extra field gives a file in a zip another name.",
        "Readers that know the field write another file than those that do not.",
    ),
    "zip64": Entry(
        "A zip is written in the plain form, not in the one for more than 4 GiB.",
        "Sizes then stand in two places, and no skill is so large.",
    ),
}

_PATHS = {
    "absolute-path": Entry(
        "A path begins with a name, not with a slash.",
        "It would be written outside of the skill's folder.",
        "/etc/cron.d/job",
        "data/job",
    ),
    "backslash": Entry(
        "A path has no backslash.",
        "On Windows it parts folders, elsewhere it belongs to the name.",
        "data\\page.html",
        "data/page.html",
    ),
    "case-collision": Entry(
        "No two paths differ in case alone, or in how a character is composed.",
        "macOS and Windows take them for one, so that the second overwrites the first.",
        "README.md and readme.md",
        "README.md",
    ),
    "deep-path": Entry(
        "A path leads through at most 20 folders.",
        "Programs that go through folders step by step come to their end in deeper ones.",
    ),
    "device-name": Entry(
        "No name is that of a device on Windows, with or without an extension.",
        "To write it there is to write to the device.",
        "aux.py",
        "auxiliary.py",
    ),
    "drive-path": Entry(
        "A path names no drive of Windows.",
        "It would be written outside of the skill's folder.",
        "C:/Windows/evil.dll",
        "data/page.html",
    ),
    "duplicate-path": Entry(
        "A path is there once.",
        "Of two files of one name the one is judged, and the other may be what is run.",
    ),
    "edge-of-name": Entry(
        "No name begins with a blank, or ends with a blank or a dot.",
        "Windows leaves them away, and then it is another file.",
        "skill.py.",
        "skill.py",
    ),
    "empty-path": Entry(
        "A file has a name.",
        "Without one it would be the folder itself.",
    ),
    "file-and-folder": Entry(
        "A path is a file or a folder, by its name and by its rights.",
        "Which one it becomes would be up to the reader.",
    ),
    "long-path": Entry(
        "A path has at most 1,024 bytes, and each name in it 255.",
        "Most file systems take no longer ones, and some cut them off.",
    ),
    "name-encoding": Entry(
        "A name in a zip is ASCII, or marked as UTF-8.",
        "Otherwise it is another name on every machine.",
    ),
    "not-nfc": Entry(
        "Names are in the normal form NFC.",
        "Other forms look the same and are other names; some file systems change them.",
    ),
    "odd-path": Entry(
        "Between the slashes of a path stand names, and neither nothing nor a dot.",
        "Two such paths can be one file.",
        "data//./page.html",
        "data/page.html",
    ),
    "parent-path": Entry(
        "No path leads upwards.",
        "It would be written outside of the skill's folder.",
        "../../.bashrc",
        "data/bashrc",
    ),
    "reserved-character": Entry(
        'No name has one of < > : " | ? *.',
        "Windows has no such names, and a colon opens a hidden stream of a file there.",
        "skill.py:hidden",
        "skill.py",
    ),
    "unseen-character": Entry(
        "Every character of a name can be seen.",
        "Others hide what a name is, or turn it around.",
    ),
}

_SKILL = {
    "case-of-manifest": Entry(
        "The manifest is written SKILL.md or plugin.json.",
        "Where case counts another spelling is another file, which other programs do not find.",
        "skill.md",
        "SKILL.md",
    ),
    "nested-manifest": Entry(
        "An archive holds one skill: one folder, with its manifest at the top.",
        "A second skill within would come along without being listed or asked for.",
    ),
    "no-manifest": Entry(
        "An archive has a SKILL.md or a plugin.json at its top, or in the one folder there.",
        "Without it nobody knows what it is, and what it may do.",
    ),
}

ENTRIES = {**_FORMAT, **_PATHS, **_SKILL}
