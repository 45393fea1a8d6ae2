"""Every sample does what its line in sample_pkgs/README.md says, where pip has put it.

The wheels of all samples are built in one run of pip and installed in a fresh
environment; a second one holds what would be in the way there.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sites import trust
from venvs import ROOT, FreshEnv

from kurt_ext import KurtError, PluginEvent, PluginLoader

#: Plugins live where they live for everybody.
ISOLATED = True

SAMPLES = ROOT / "sample_pkgs"
#: Installed in the second environment only: it takes the name of another's extension.
CROWDING = "kurt-shout-too"
PACKAGES = sorted(path.parent.name for path in SAMPLES.glob("kurt-*/pyproject.toml"))
SKILLS = sorted(path.parent for path in SAMPLES.glob("skills/*/pyproject.toml"))
NO_SOURCE = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "kurt-*.lock")
ARTICLE = "skills/clean-text/examples/article.html"


class Line(NamedTuple):
    """One promise: what a command prints, and the code it leaves with."""

    command: str
    says: str
    code: int


class Row(NamedTuple):
    """One row of the table."""

    sample: str
    lines: tuple[Line, ...]


def table() -> list[Row]:
    """Read the table of the README."""
    span = re.compile(r"`([^`]+)`(?: says `([^`]+)`)?(?: \(exit (\d+)\))?(?:; |$)")
    rows = []
    for line in (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        sample, _, says = cells
        lines = tuple(Line(m[1], m[2] or "", int(m[3] or 0)) for m in span.finditer(says))
        assert "".join(m[0] for m in span.finditer(says)) == says, f"not a promise: {says}"
        rows.append(Row(sample.strip("`"), lines))
    return rows


TABLE = table()


class Said(NamedTuple):
    """What a command printed, and the code it left with."""

    code: int
    out: str
    err: str


class World:
    """An environment with samples in it.

    :param environment: the environment.
    :param home: the home of whoever types the commands.
    """

    def __init__(self, environment: FreshEnv, home: Path) -> None:
        self.environment = environment
        self.home = home
        home.mkdir(parents=True, exist_ok=True)

    def say(self, command: str, cwd: Path, *, trust: bool = True, **variables: str) -> Said:
        """Run a line as a shell would, variables before the command included.

        :param trust: trust the working directory without asking, as in CI.
        """
        words = shlex.split(command.replace("$PWD", str(cwd)))
        while re.match(r"[A-Z_]+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        environ = self.environment.environ | {"HOME": str(self.home)}
        if trust:
            environ["KURT_TRUST"] = str(cwd)
        for name in [name for name in environ if name.startswith("XDG_")]:
            del environ[name]
        program = str(self.environment.bin / words[0])
        done = subprocess.run(
            [program, *words[1:]],
            cwd=cwd,
            env=environ | variables,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def data(self, command: str, cwd: Path) -> Any:
        """Run a command with ``--json``, and return its data."""
        said = self.say(f"{command} --json", cwd)
        answer = json.loads(said.out)
        assert answer["ok"], answer
        return answer["data"]


@pytest.fixture(scope="module")
def wheels(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the wheels of all samples, built in one run of pip."""
    place = tmp_path_factory.mktemp("samples")
    copies = []
    for source in [*(SAMPLES / name for name in PACKAGES), *SKILLS]:
        copy = place / "sources" / source.name
        shutil.copytree(source, copy, ignore=NO_SOURCE)
        copies.append(str(copy))
    builder = FreshEnv(wheelhouse)
    try:
        builder.install("kurt-ext", "pip", "setuptools")
        wheel = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
        builder.run(*wheel, "--wheel-dir", str(place / "wheels"), *copies)
    finally:
        builder.remove()
    yield place / "wheels"


def make_world(wheelhouse: Path, wheels: Path, home: Path, *names: str) -> World:
    environment = FreshEnv(wheelhouse)
    environment.install("kurt-ext", "pip")
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--find-links", str(wheels))
    environment.run(*install, *names)
    return World(environment, home)


@pytest.fixture(scope="module")
def world(
    wheelhouse: Path, wheels: Path, wayback: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Return an environment in which pip has installed every package but the crowding one."""
    home = tmp_path_factory.mktemp("home")
    names = [name for name in PACKAGES if name != CROWDING]
    made = make_world(wheelhouse, wheels, home, *names)
    # What a user keeps in a file of their own: here, another service that saves pages.
    # The service of the test answers on this machine, which the manifest does not name.
    stay = "kurt config set --scope user plugin.web-archiver.isolation none"
    set_service = f"kurt config set --scope user skill.web-archiver.service {wayback}"
    for line in (set_service, stay):
        assert made.say(line, home).code == 0
    yield made
    made.environment.remove()


@pytest.fixture(scope="module")
def other_world(
    wheelhouse: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Return an environment with the wheels of the skill folders, and two tools of one name."""
    names = [f"kurt-skill-{name}" for name in ("clean-text", "com-mycompany-calculator")]
    home = tmp_path_factory.mktemp("other-home")
    made = make_world(wheelhouse, wheels, home, "kurt-shout", CROWDING, *names)
    yield made
    made.environment.remove()


@pytest.fixture(scope="module")
def wayback() -> Iterator[str]:
    """Serve what the Wayback Machine answers to a request to save a page; return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = self.path.removeprefix("/save/")
            if "refused" in url:
                self.send_error(429)
            elif "silent" in url:
                self.send_response(200)
            elif self.headers.get("Authorization") == "LOW key:secret":
                self.send_response(200)
                self.send_header("Content-Location", f"/web/20260314063000/{url}")
            else:
                self.send_response(302)
                self.send_header("Location", f"/web/20260314063000/{url}")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def samples(project: Path) -> Path:
    """Return a copy of the samples' project, to change at will."""
    for name in ("kurt.toml", "skills", "elsewhere"):
        source = SAMPLES / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=NO_SOURCE)
        else:
            shutil.copy(source, project / name)
    return project


def test_every_sample_has_a_row_and_every_row_a_sample() -> None:
    found = {
        path.parent.relative_to(SAMPLES).as_posix()
        for pattern in ("kurt-*/pyproject.toml", "skills/*/*", "elsewhere/*/SKILL.md")
        for path in SAMPLES.glob(pattern)
        if path.name in ("pyproject.toml", "SKILL.md", "plugin.json")
    }
    assert {row.sample for row in TABLE} == found


@pytest.mark.slow
def test_every_sample_lives_a_whole_life_and_leaves_nothing_but_the_unruly_one(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, samples)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("WAYBACK_KEY", "anonymous")
    events: list[PluginEvent] = []
    fates: dict[str, str] = {}

    async def live(loader: PluginLoader, name: str) -> None:
        state = await loader.load_plugin(name)
        await loader.activate_plugin(name)
        await loader.reload_plugin(name)
        assert (state.status, state.generation) == ("active", 2)
        await loader.unload_plugin(name)
        assert state.status == "unloaded"

    async def main() -> None:
        async with PluginLoader() as loader:
            loader.subscribe(events.append)
            await loader.discover_plugins()
            ours = [row.name for row in loader.skills.discover().winners if row.scope == "project"]
            ours.remove("kurt-unruly")  # its task is waited for, and its own line tells
            ours.remove("writing-skills")  # it has no code
            for name in ours:
                try:
                    await live(loader, name)
                except KurtError as error:
                    fates[name] = error.message
            assert loader.leaks() == []

    asyncio.run(main())
    assert list(fates) == ["kurt-ahead"], fates
    assert "needs Python >=99" in fates["kurt-ahead"]
    assert [event for event in events if event.name == "left-behind"] == []
    assert len({event.plugin_id for event in events}) == 10


@pytest.mark.venv
@pytest.mark.parametrize("row", TABLE, ids=[row.sample for row in TABLE])
def test_a_sample_is_held_to_its_line(
    row: Row, request: pytest.FixtureRequest, samples: Path
) -> None:
    world: World = request.getfixturevalue("other_world" if row.sample == CROWDING else "world")
    for line in row.lines:
        said = world.say(line.command, samples)
        told = f"$ {line.command}\n{said.out}\n{said.err}"
        assert said.code == line.code, told
        assert line.says in said.out + said.err, told
        assert "Traceback" not in said.err, told


@pytest.mark.venv
def test_a_folder_and_its_wheel_are_one_tool(
    world: World, other_world: World, samples: Path, tmp_path: Path
) -> None:
    article = str(SAMPLES / ARTICLE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = f"KURT_ISOLATION=none kurt run clean-text source={article}"  # it lies elsewhere
    from_folder = world.data(run, samples)
    from_wheel = other_world.data(run, elsewhere)
    assert from_folder["data"] == from_wheel["data"]
    assert other_world.say(run, elsewhere).out == world.say(run, samples).out

    shim = Path(world.say("kurt shim path", samples).out.strip())
    site = Path(other_world.environment.site)
    name = "kurt_skill_clean_text-1.0.0.dist-info"
    for file in ("entry_points.txt", "kurt.json"):
        assert (shim / name / file).read_bytes() == (site / name / file).read_bytes()


@pytest.mark.venv
def test_every_skill_folder_was_made_a_wheel_that_offers_the_same(
    wheels: Path, world: World, samples: Path
) -> None:
    shim = Path(world.say("kurt shim path", samples).out.strip())
    for name in [path.name for path in SKILLS]:
        found = list(shim.glob(f"kurt_skill_*{name.replace('-', '_')}-*.dist-info"))
        assert len(found) == 1, name
        stem = found[0].name.removesuffix(".dist-info")
        with zipfile.ZipFile(wheels / f"{stem}-py3-none-any.whl") as wheel:
            for file in ("entry_points.txt", "kurt.json"):
                assert wheel.read(f"{found[0].name}/{file}") == (found[0] / file).read_bytes()


@pytest.mark.venv
def test_pip_lists_the_folders_as_installed(world: World, samples: Path) -> None:
    shim = world.say("kurt shim path", samples).out.strip()
    world.say("kurt list", samples)
    listed = world.environment.run("-m", "pip", "list", "--path", shim, "--editable")
    names = {line.split()[0] for line in listed.splitlines()[2:]}
    assert {"kurt-skill-clean-text", "kurt-skill-com-mycompany-calculator"} <= names
    assert len(names) == 12


@pytest.mark.venv
def test_the_project_is_listed_untrusted_and_runs_once_it_is_trusted(
    world: World, samples: Path
) -> None:
    run = f"kurt run clean-text source=$PWD/{ARTICLE}"
    listed = world.say("kurt list --json", samples, trust=False)
    states = {row["name"]: row["state"] for row in json.loads(listed.out)["data"]}
    assert states["clean-text"] == "untrusted"
    assert states["kurt-shout"] == "ready"
    refused = world.say(run, samples, trust=False)
    assert refused.code == 5
    assert "kurt skill trust" in refused.err
    assert world.say("kurt skill trust .", samples, trust=False).code == 0
    assert world.say(run, samples, trust=False).code == 0


@pytest.mark.venv
@pytest.mark.parametrize(
    ("order", "passes"),
    [("clock,again", 1), ("again,clock", 3)],
)
def test_middleware_lies_in_the_order_of_the_configuration(
    world: World, samples: Path, order: str, passes: int
) -> None:
    world.say("kurt enable flaky", samples)
    world.say(f"kurt config set middleware.enabled {order}", samples)
    metadata = world.data("kurt run flaky times=2", samples)["metadata"]
    assert metadata["attempts"] == 3
    assert len(metadata["clock"]) == passes


@pytest.mark.venv
def test_a_wish_of_middleware_outranks_the_order(world: World, samples: Path) -> None:
    world.say("kurt enable flaky", samples)
    world.say("kurt config set middleware.enabled again,clock,stopwatch", samples)
    metadata = world.data("kurt run flaky times=2", samples)["metadata"]
    assert (len(metadata["clock"]), len(metadata["stopwatch"])) == (3, 1)


@pytest.mark.venv
@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ("torn-assertion", "an assertion at import"),
        ("torn-exit", "sys.exit(3)"),
        ("torn-import", "a_library_that_nobody_has"),
        ("torn-syntax", "SyntaxError"),
    ],
)
def test_torn_extensions_are_told_with_their_reasons(
    world: World, samples: Path, extension: str, reason: str
) -> None:
    world.say("kurt enable kurt-torn", samples)
    failed = world.say(f"kurt run {extension}", samples)
    assert failed.code == 1
    assert reason in failed.err
    assert "kurt_torn" in failed.err  # the place
    told = world.say(f"kurt explain kurt-torn:{extension} --load", samples)
    assert reason in told.out + told.err


@pytest.mark.venv
def test_a_service_comes_back_once_it_is_there(world: World, samples: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    world.say("kurt enable note", samples)
    assert world.say("kurt run note text=milk", samples).code == 3
    for text in ("milk", "bread"):
        said = world.say(f"kurt run note text={text} --json", samples, NOTES_FILE=str(notes))
    assert json.loads(said.out)["data"]["data"] == {"notes": ["milk", "bread"]}
    assert notes.read_text() == "milk\nbread\n"


@pytest.mark.venv
def test_an_extension_of_a_kind_of_ones_own_is_switched_like_any_other(
    world: World, samples: Path
) -> None:
    assert world.say("kurt disable csv", samples).code == 0
    assert world.say("kurt run csv text=a", samples).code == 5
    assert world.say("kurt enable csv", samples).code == 0
    assert world.data("kurt run csv text=a", samples)["data"] == []


@pytest.mark.venv
@pytest.mark.parametrize("name", ["kurt-register", "kurt-register:turn"])
def test_what_a_skill_registers_is_switched_by_name_too(
    world: World, samples: Path, name: str
) -> None:
    run = "kurt run kurt-register:turn text=x"
    world.say("kurt config set tool.enabled shout", samples)
    assert world.say(run, samples).code == 5
    for _ in range(2):
        said = world.say(f"kurt enable {name}", samples)
        assert said.code == 0, said
    assert world.say(run, samples).code == 0
    assert world.say("kurt disable kurt-register", samples).code == 0
    refused = world.say(run, samples)
    assert refused.code == 5
    assert "skills.disabled names kurt-register" in refused.err


@pytest.mark.venv
def test_two_of_one_name_are_both_named_and_one_can_be_switched_off(
    other_world: World, tmp_path: Path
) -> None:
    said = other_world.say("kurt run shout text=x", tmp_path)
    assert said.code == 6
    assert "kurt-shout:shout" in said.err
    assert "kurt-shout-too:shout" in said.err
    assert other_world.say("kurt disable kurt-shout-too:shout", tmp_path).code == 0
    assert "X" in other_world.say("kurt run shout text=x", tmp_path).out


@pytest.mark.venv
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("url=https://example.com/a?b=c", 0, "20260314063000"),
        ("url=https://example.com/silent", 1, "gave no address of a copy"),
        ("url=https://example.com/refused", 1, "answered 429"),
        ("url=example.com", 2, "begins with http"),
        ("url=file:///etc/passwd", 2, "begins with http"),
    ],
)
def test_a_page_is_archived(
    world: World, samples: Path, arguments: str, code: int, says: str
) -> None:
    for key in ("anonymous", "key:secret"):
        said = world.say(f"kurt run archive {arguments}", samples, WAYBACK_KEY=key)
        assert said.code == code, said
        assert says in said.out + said.err
        assert "secret" not in said.out + said.err


@pytest.mark.venv
def test_settings_that_break_the_schema_are_told_before_the_plugin_runs(
    world: World, samples: Path
) -> None:
    key = shlex.quote('skill."com.mycompany.calculator".precision')
    assert world.say(f"kurt config set {key} 99", samples).code == 0
    said = world.say("kurt run com.mycompany.calculator:arithmetic expression=1", samples)
    assert said.code == 1
    assert "precision" in said.err
    assert "50" in said.err


@pytest.mark.venv
@pytest.mark.parametrize("folder", sorted(path.name for path in (SAMPLES / "skills").iterdir()))
def test_a_skill_is_fit_to_be_published(world: World, samples: Path, folder: str) -> None:
    if folder == "web-archiver":  # in the form of the document; strangers are given the portable
        rewritten = world.say(f"kurt skill fmt --portable skills/{folder}", samples)
        assert rewritten.code == 0, rewritten
    said = world.say(f"kurt validate skills/{folder} --profile publish", samples)
    assert said.code == 0, said


@pytest.mark.venv
def test_the_checks_let_every_sample_in_and_say_what_none_of_them_can_know(
    world: World, samples: Path
) -> None:
    names = sorted(path.name for path in (SAMPLES / "skills").iterdir())
    rows = world.data(f"kurt validate {' '.join(f'skills/{name}' for name in names)}", samples)
    found = {
        name: {f["rule"] for f in row["findings"] if f["severity"] == "medium"}
        for name, row in zip(names, rows, strict=True)
    }
    assert [row["valid"] for row in rows] == [True] * len(rows)
    # What their users name, nobody can know before.
    assert {name: rules for name, rules in found.items() if rules} == {
        "clean-text": {"unproven-read"},
        "fetch-feeds": {"unproven-read", "unproven-network"},
        "web-archiver": {"unproven-network"},
    }
    assert min(row["security_score"] for row in rows) >= 60
