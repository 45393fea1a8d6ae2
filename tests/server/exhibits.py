"""A marketplace with something of everything that pages have to show.

    python -m server.exhibits FOLDER [SKILLS]

makes one of 200 skills in a folder, to be served and looked at.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from market.conftest import CODE, write_skill

from kurt_ext.findings import Finding
from kurt_ext.market.building import build
from kurt_ext.market.collecting import folder_files
from kurt_ext.market.digests import of_bytes
from kurt_ext.market.publishers import change
from kurt_ext.market.publishing import publish, set_status, yank
from kurt_ext.places import Places
from kurt_ext.report import Report

__all__ = ["HOSTILE", "LONG", "README", "Exhibition", "archiver", "make"]

LONG = "com.example.wordy-and-long-name-of-a-plugin-that-does-not-break"
README = """\
# Web archiver

Keeps a copy of a web page, **with** its pictures. See [the manual](https://example.org/manual).

```console
$ kurt run web-archiver:archive url=https://example.org/a/very/long/address/that/is/wider/than/a/telephone
```

| option | meaning | default | since | remarks that make the table wider than a telephone is |
|---|---|---|---|---|
| `depth` | how many links are followed from the first page | 1 | 1.0.0 | more than 3 is slow |

> A page that asks for a password is left out.

1. Find the page.
2. Keep it.
   - with pictures
   - without advertisements

---

###### A deep heading

~~Not true any more.~~ `code` and *emphasis*.
"""
HOSTILE = (
    """\
<script>document.title = "taken"</script>
<iframe src="https://evil.test"></iframe>
<style>body { display: none }</style>

# Hostile <img src=x onerror="document.title='taken'">

[a link](javascript:alert(1)) [another](data:text/html,x) ![a picture](https://evil.test/track.gif)

"""
    + "| "
    + " | ".join(f"column {n}" for n in range(40))
    + " |\n"
    + "|---" * 40
    + "|\n"
    + ("| " + " | ".join("value" for n in range(40)) + " |\n") * 30
    + "\n"
    + "x" * 3000
    + "\n\n"
    + "> " * 15
    + "deep\n\n"
    + "\u202egnp.exe\u202c\n"
)
_TEXT = "Greets somebody by name. Use it when somebody wants a greeting."
_ALL = """\
  kurt/permissions.network-hosts: "*"
  kurt/permissions.filesystem-read: "~/Documents /etc/hosts ./data"
  kurt/permissions.filesystem-write: "~/Documents/out /tmp"
  kurt/permissions.environment-variables: "HOME API_KEY ACME_*"
  kurt/permissions.processes: "git curl"
  kurt/permissions.external-apis: "github openai"
  kurt/permissions.system-resources: "gpu"
"""
_HOSTS = '  kurt/permissions.network-hosts: "*.example.org"\n'
_WRITES = _HOSTS + '  kurt/permissions.filesystem-write: "./archive"\n'


class Exhibition:
    """Publishes skills into a marketplace, each judged as it is told.

    :param root: the folder of the marketplace; ``theirs`` is where skills are written.
    """

    def __init__(self, root: Path, theirs: Path, places: Places) -> None:
        self.root = root
        self.theirs = theirs
        self.places = places
        root.mkdir(parents=True, exist_ok=True)
        (root / "market.toml").write_text(
            'name = "acme-skills"\ntitle = "Skills of Acme"\npublisher = "acme"\n'
            "minimum-score = 0\n"
        )

    def release(
        self,
        name: str,
        version: str = "1.0.0",
        text: str = _TEXT,
        *,
        more: str = "",
        readme: str | None = README,
        findings: Sequence[Finding] = (),
        publisher: str | None = None,
        tags: str = "greeting demo",
        files: dict[str, str | bytes | None] | None = None,
    ) -> None:
        """Publish one release; of ``files``, what is None is removed."""
        folder = write_skill(self.theirs / name, version, more=more)
        manifest = folder / "SKILL.md"
        said = manifest.read_text().replace(_TEXT, text).replace("greeting demo", tags)
        manifest.write_text(said, encoding="utf-8")
        if readme is None:
            (folder / "README.md").unlink(missing_ok=True)
        else:
            (folder / "README.md").write_text(readme, encoding="utf-8")
        for path, content in (files or {}).items():
            place = folder / path
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        publish(
            str(folder),
            str(self.root),
            self.places,
            publisher=publisher,
            report=_report(folder, findings),
            ruleset="exhibits",
        )


def _report(folder: Path, findings: Sequence[Finding]) -> dict[str, Any]:
    files = folder_files(str(folder), 512, 16 << 20)
    digests = {path: of_bytes(data).removeprefix("sha256:") for path, data in files.items()}
    why = {"network-undeclared": "Whoever installs it is not told where their data goes."}
    made = Report(str(folder), folder.name, "publish", list(findings), digests=digests, why=why)
    return made.as_dict()


_FOUND = [
    Finding(
        "network-undeclared",
        "medium",
        "it talks to a host that is not declared",
        path="skill.py",
        line=12,
    ),
    Finding("long-line", "low", "a line has 401 characters", path="skill.py", line=40),
]


def make(root: Path, theirs: Path, places: Places, skills: int = 0) -> None:
    """Make a marketplace of one skill of every sort, and of ordinary ones besides."""
    shown = Exhibition(root, theirs, places)
    archiver(shown)
    shown.release(LONG, text="Archive" + "s" * 200 + " without a blank.")
    for name in ("archive-lister", "page-counter"):
        shown.release(name, "0.3.0", f"Does what its name says: {name.replace('-', ' ')}.")
    shown.release("note-keeper", "0.3.0", "Keeps notes.", findings=_FOUND)
    set_status(str(root), "note-keeper", "deprecated", "take web-archiver")
    arabic = "أداة تحفظ نسخة من صفحة الويب مع صورها؛ استعملها متى أردت القراءة لاحقًا."
    shown.release("right-to-left", text=arabic, readme=f"# {arabic}\n\n{arabic} (v1.0)\n")
    chinese = "保存网页的副本及其图片。当有人想稍后阅读网页时使用。" * 6
    shown.release("chinese-words", text=chinese, readme=f"# 网页\n\n{chinese}\n")
    shown.release(
        "emoji-lover", text="🎉🎉 Greets with 👩‍👩‍👧‍👦, 🇩🇪 and e\u0301\u0302\u0303\u0304\u0305."
    )
    shown.release("hostile-words", text="<script>alert(1)</script> & <b>bold</b>", readme=HOSTILE)
    shown.release("without-readme", readme=None)
    shown.release("asks-for-all", more=_ALL, findings=_FOUND)
    grades = ("low", "medium", "low", "info")
    many = [
        Finding(f"rule-{n % 9}", grades[n % 4], f"finding number {n}, " * (1 + n % 5),
                path=f"package/module_{n % 13}.py", line=n + 1)
        for n in range(130)
    ]  # fmt: skip
    shown.release("many-findings", findings=many)
    shown.release("quarantined-one")
    set_status(str(root), "quarantined-one", "quarantined", "it sends what it reads to strangers")
    shown.release("withdrawn-one")
    yank(str(root), "withdrawn-one", "1.0.0", "it never worked, " * 12)
    versions = 8 if not skills else 120
    for number in range(versions):
        shown.release(
            "many-versions",
            f"1.{number}.0-rc.1+build.{number}" if number % 5 == 4 else f"1.{number}.0",
        )
    shown.release("of-another", publisher="somebody-else", text="Is another publisher's.")
    change(str(root), "somebody-else", title="Somebody Else", homepage="https://example.org/else")
    change(str(root), "acme", title="Acme of Example", homepage="https://example.org")
    _ordinary(shown, skills)
    (root / "kurt/v1/advisories").mkdir(exist_ok=True)
    (root / "kurt/v1/advisories/ACME-1.json").write_text(
        '{"id": "ACME-1", "modified": "2026-11-21T12:00:00Z", "summary": "web-archiver writes'
        ' outside its folder", "affected": [{"package": {"ecosystem": "Kurt:acme-skills", "name":'
        ' "web-archiver"}, "versions": ["1.0.0"]}]}'
    )
    build(str(root), places)


def archiver(shown: Exhibition) -> None:
    """Publish four versions, with every way in which a file can change."""
    text = "Keeps a copy of a web page. Use it when somebody wants to read a page later."
    rows = [f"def step_{n}(page):\n    return page + {n}\n\n\n" for n in range(60)]
    shown.release("web-archiver", "1.0.0", text, findings=_FOUND[1:], files={
        "steps.py": "".join(rows),
        "notes/old-name.md": "".join(f"A note about step {n}.\n" for n in range(30)),
        "moved.txt": "This stays as it is.\n",
        "logo.png": b"\x89PNG\0\1\2",
        "gone.txt": "Nobody needs this.\nNor this.\n",
        "bundle.js": "x = 1;" * 20_000,
        "no-end.txt": "one\ntwo",
        "windows.txt": "one\r\ntwo\r\n",
    })  # fmt: skip
    shown.release("web-archiver", "1.1.0", text, more=_HOSTS, findings=_FOUND)
    rows[7] = 'def step_7(page):\n    """Do more."""\n    return page * 7\n\n\n'
    rows[40:43] = ["# \u202egnihton\u202c is hidden here\n"]
    shown.release("web-archiver", "1.2.0", text, more=_WRITES, findings=_FOUND[:1], files={
        "steps.py": "".join(rows),
        "notes/old-name.md": None,
        "notes/new-name-that-is-a-good-deal-longer-than-the-old-one-was.md": "".join(
            f"A note about step {n}.\n" for n in range(3, 32)
        ),
        "moved.txt": None,
        "elsewhere/moved.txt": "This stays as it is.\n",
        "logo.png": b"\x89PNG\0\1\2\3",
        "gone.txt": None,
        "guide.md": "Read this first.\n\n<script>alert(1)</script>\n",
        "bundle.js": "x = 1;" * 19_999 + "y = 2;",
        "no-end.txt": "one\ntwo\n",
        "windows.txt": "one\ntwo\n",
        "empty.txt": "",
        "data.csv": "".join(f"{n},{n * n},{n ** 3}\n" for n in range(2_000)),
        "huge.txt": "a line of it\n" * 30_000,
    })  # fmt: skip
    shown.release(
        "web-archiver", "1.3.0", text, more=_HOSTS, files={"skill.py": CODE + "\n# end\n"}
    )
    yank(str(shown.root), "web-archiver", "1.1.0", "it loses pages")


def _ordinary(shown: Exhibition, skills: int) -> None:
    dice = random.Random(5)
    words = "archive page note mail photo music table chart text code log disk map time key".split()
    for number in range(skills):
        name = f"{dice.choice(words)}-{dice.choice(words)}-{number}"
        shown.release(
            name,
            f"0.{number % 7}.{number}",
            f"Looks after a {name.partition('-')[0]}, in {number} ways. " * (1 + number % 4),
            more=dice.choice(["", _HOSTS, _WRITES]),
            findings=many_of(dice),
            tags=" ".join(dice.sample(words, 1 + number % 9)),
            publisher=dice.choice([None, "somebody-else", "third-one"]),
        )


def many_of(dice: random.Random) -> list[Finding]:
    """Return a few findings."""
    return dice.sample(_FOUND, dice.randint(0, 2))


if __name__ == "__main__":
    folder = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as temporary:
        given = int(sys.argv[2]) if len(sys.argv) > 2 else 200
        make(folder, Path(temporary), Places(temporary), given)
