from __future__ import annotations

import importlib.metadata
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from records import record

from kurt_ext import distinfo, shimfiles
from kurt_ext.errors import LockedError, StorageError
from kurt_ext.locks import lock
from kurt_ext.shim import Shim, activate

if TYPE_CHECKING:
    from kurt_ext.shimstate import Entry

ROOT = Path(__file__).parent.parent
Tree = dict[str, bytes]


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(str(tmp_path / "data" / "shim" / "project-1"))


def entry(name: str = "web-archiver", folder: str | None = None, **fields: Any) -> Entry:
    plain = record(name, **fields)
    return folder or f"/skills/{name}", plain, distinfo.offers(plain, {})


def tree(root: str) -> Tree:
    """Return path → content of every file below a shim, but for its own state and lock."""
    return {
        os.path.relpath(os.path.join(parent, name), root): Path(parent, name).read_bytes()
        for parent, _, names in os.walk(root)
        for name in names
        if name not in (".state", ".lock")
    }


def expected(*entries: Entry) -> Tree:
    """Return what a shim of these entries holds."""
    found: Tree = {}
    for folder, plain, offers in entries:
        directory = distinfo.dist_info_name(plain)
        for name, data in distinfo.files(plain, folder, offers).items():
            found[f"{directory}/{name}"] = data
        slug = plain["id"].replace("-", "_")
        found[f"kurt_skills/{slug}/__init__.py"] = distinfo.stub(folder)
    return found


def offered(root: str) -> dict[str, set[tuple[str, str, str]]]:
    """Return what stock `importlib.metadata` sees in a shim: distribution → its entry points."""
    return {
        found.metadata["Name"]: {(e.group, e.name, e.value) for e in found.entry_points}
        for found in importlib.metadata.distributions(path=[root])
    }


def test_a_sync_writes_exactly_the_files_of_its_skills(shim: Shim) -> None:
    entries = [entry("one"), entry("two-words"), entry("three", implements=[])]
    changes = shim.sync(entries)
    assert sorted(changes.written) == ["one", "three", "two-words"]
    assert not changes.removed
    assert not changes.kept
    assert not changes.findings
    assert tree(shim.root) == expected(*entries)
    assert not os.path.exists(os.path.join(shim.root, "kurt_skills", "__init__.py"))
    assert shim.distributions() == ["kurt-skill-one", "kurt-skill-three", "kurt-skill-two-words"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_directories_and_files_are_the_users_alone(shim: Shim) -> None:
    shim.sync([entry()])
    for parent, folders, names in os.walk(os.path.dirname(os.path.dirname(shim.root))):
        for name in folders:
            assert stat.S_IMODE(os.lstat(os.path.join(parent, name)).st_mode) == 0o700
        for name in names:
            assert stat.S_IMODE(os.lstat(os.path.join(parent, name)).st_mode) == 0o600


def test_an_unchanged_skill_costs_no_look_at_its_files(
    shim: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry(f"skill-{i}") for i in range(20)]
    shim.sync(entries)
    before = {path: os.stat(os.path.join(shim.root, path)).st_mtime_ns for path in tree(shim.root)}
    touched: list[str] = []
    hook = touched.append
    seen = {"on": True}

    def audit(event: str, args: tuple[object, ...]) -> None:
        if seen["on"] and event == "open":
            hook(str(args[0]))

    sys.addaudithook(audit)
    changes = shim.sync(entries)
    seen["on"] = False
    assert len(changes.kept) == 20
    assert [path for path in touched if path.startswith(shim.root)] == [f"{shim.root}/.state"]
    after = {path: os.stat(os.path.join(shim.root, path)).st_mtime_ns for path in tree(shim.root)}
    assert after == before


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "another"},
        {"version": "0.2.0"},
        {"implements": []},
        {"implements": [{"type": "tool", "class": "Other", "name": "archive"}]},
        {"folder": "/elsewhere/web-archiver"},
    ],
)
def test_only_a_changed_skill_is_written_again(shim: Shim, fields: dict[str, Any]) -> None:
    shim.sync([entry(), entry("other")])
    other = os.path.join(shim.root, "kurt_skill_other-0.1.0.dist-info", "METADATA")
    before = os.stat(other)
    changed = entry(**fields)
    changes = shim.sync([changed, entry("other")])
    assert changes.written == ("web-archiver",)
    assert changes.kept == ("other",)
    assert not changes.removed
    assert tree(shim.root) == expected(changed, entry("other"))
    assert os.stat(other).st_mtime_ns == before.st_mtime_ns
    assert shim.sync([changed, entry("other")]).kept == ("web-archiver", "other")


def test_a_new_description_leaves_the_entry_points_untouched(shim: Shim) -> None:
    shim.sync([entry()])
    path = os.path.join(shim.root, "kurt_skill_web_archiver-0.1.0.dist-info", "entry_points.txt")
    before = os.stat(path)
    shim.sync([entry(description="another")])
    assert os.stat(path) == before


def test_a_skill_that_is_gone_is_removed(shim: Shim) -> None:
    shim.sync([entry("one"), entry("two")])
    changes = shim.sync([entry("two")])
    assert changes.removed == ("one",)
    assert tree(shim.root) == expected(entry("two"))
    assert shim.sync([]).removed == ("two",)
    assert tree(shim.root) == {}
    assert sorted(os.listdir(shim.root)) == [".lock", ".state", "kurt_skills"]


def test_nothing_to_show_makes_no_directory(shim: Shim) -> None:
    assert not shim.sync([])
    assert not os.path.exists(shim.root)


@pytest.mark.parametrize(
    "lost", ["kurt_skills/web_archiver", "kurt_skill_web_archiver-0.1.0.dist-info", ".state"]
)
def test_what_was_deleted_is_written_again(shim: Shim, lost: str) -> None:
    import shutil

    shim.sync([entry(), entry("other")])
    path = Path(shim.root, lost)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert "web-archiver" in shim.sync([entry(), entry("other")]).written
    assert tree(shim.root) == expected(entry(), entry("other"))


@pytest.mark.parametrize(
    "damage", [b"", b"kurt-state/1 0123456789abcdef\n\xff\xff", b"{", b"\0" * 99]
)
def test_a_damaged_state_is_not_believed(shim: Shim, damage: bytes) -> None:
    shim.sync([entry()])
    Path(shim.root, ".state").write_bytes(damage)
    assert shim.sync([entry()]).written == ("web-archiver",)
    assert tree(shim.root) == expected(entry())
    assert shim.sync([entry()]).kept == ("web-archiver",)


def test_what_is_not_ours_is_reported_and_left(shim: Shim) -> None:
    shim.sync([entry()])
    strange = {
        "json.py": b"print('shadow')",
        "six-1.0.dist-info/METADATA": b"Name: six\nVersion: 1.0\n",
        "kurt_skill_x-1.dist-info/INSTALLER": b"pip\n",
        "kurt_skills/__init__.py": b"",
        "kurt_skills/foreign/__init__.py": b"",
    }
    for name, data in strange.items():
        path = Path(shim.root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    paths = {
        os.path.join(shim.root, name)
        for name in (
            "json.py",
            "six-1.0.dist-info",
            "kurt_skill_x-1.dist-info",
            "kurt_skills/__init__.py",
            "kurt_skills/foreign",
        )
    }
    for findings in (
        shim.sync([entry()]).findings,
        shim.sync([entry(version="0.2.0")]).findings,
        shim.status([entry(version="0.2.0")]),
    ):
        assert {(f.rule, f.severity, f.path) for f in findings} == {
            ("shim-foreign", "error", path) for path in paths
        }
    assert tree(shim.root) == expected(entry(version="0.2.0")) | strange

    changes = shim.repair([entry(version="0.2.0")])
    assert set(changes.removed) == {os.path.relpath(path, shim.root) for path in paths}
    assert tree(shim.root) == expected(entry(version="0.2.0"))
    assert shim.status([entry(version="0.2.0")]) == []


def test_status_names_each_way_to_differ(shim: Shim) -> None:
    assert [f.rule for f in shim.status([entry()])] == ["shim-missing"]
    shim.sync([entry(), entry("gone")])
    assert shim.status([entry(), entry("gone")]) == []
    assert [f.rule for f in shim.status([entry()])] == ["shim-leftover"]
    assert [f.rule for f in shim.status([entry(description="x"), entry("gone")])] == ["shim-stale"]
    point = Path(shim.root, "kurt_skill_gone-0.1.0.dist-info", "entry_points.txt")
    point.write_text("[kurt.tool]\narchive = os:system\n")
    found = shim.status([entry(), entry("gone")])
    assert [(f.rule, f.path) for f in found] == [("shim-damaged", str(point))]
    shim.repair([entry(), entry("gone")])
    assert shim.status([entry(), entry("gone")]) == []


def test_a_skill_that_cannot_be_written_does_not_keep_the_others_out(shim: Shim) -> None:
    broken = entry("broken", implements=[{"type": "tool", "class": "A", "name": "x\n[evil]"}])
    changes = shim.sync([entry(), broken])
    assert changes.written == ("web-archiver",)
    assert [(f.rule, f.path) for f in changes.findings] == [("shim-refused", "/skills/broken")]
    assert tree(shim.root) == expected(entry())
    shim.sync([entry(), entry("broken")])
    assert shim.sync([entry(), broken]).removed == ("broken",)


def test_of_two_folders_with_one_slug_the_first_counts(shim: Shim) -> None:
    first = entry("a-b", folder="/first")
    assert shim.sync([first, entry("a.b", folder="/second")]).written == ("a-b",)
    assert tree(shim.root) == expected(first)


def test_a_link_or_a_file_in_place_of_a_directory_is_replaced(shim: Shim, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "precious").write_text("kept")
    shim.sync([entry()])
    info = Path(shim.root, "kurt_skill_web_archiver-0.1.0.dist-info")
    info.rename(tmp_path / "moved")
    info.symlink_to(target)
    package = Path(shim.root, "kurt_skills", "web_archiver")
    package.rename(tmp_path / "moved-too")
    package.write_text("")
    shim.sync([entry(description="new")])
    assert tree(shim.root) == expected(entry(description="new"))
    assert os.listdir(target) == ["precious"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners")
def test_a_shim_that_others_own_or_may_write_is_refused(
    shim: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim.sync([entry()])
    path = list(sys.path)
    os.chmod(shim.root, 0o777)
    for act in (lambda: shim.sync([entry()]), lambda: activate([shim.root])):
        with pytest.raises(StorageError, match="not safe to use") as caught:
            act()
        assert shim.root in (caught.value.hint or "")
    assert [f.rule for f in shim.status([entry()])] == ["shim-not-ours"]
    os.chmod(shim.root, 0o700)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        with pytest.raises(StorageError, match="not safe to use"):
            shim.sync([entry()])
        with pytest.raises(StorageError, match="not safe to use"):
            activate([shim.root])
    assert sys.path == path


def test_a_link_in_place_of_the_shim_is_refused(shim: Shim, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    os.makedirs(os.path.dirname(shim.root))
    os.symlink(tmp_path / "elsewhere", shim.root)
    with pytest.raises(StorageError):
        shim.sync([entry()])
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_read_only_data_directory_is_a_typed_error(
    shim: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    shim.sync([entry()])

    def refuse(path: str, *args: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system", path)

    # The test may run as root, whom permissions do not stop.
    with monkeypatch.context() as patch:
        for name in ("mkdir", "replace", "rename", "unlink", "rmdir", "open"):
            patch.setattr(shimfiles.os, name, refuse)
        assert shim.sync([entry()]).kept == ("web-archiver",)
        with pytest.raises(StorageError) as caught:
            shim.sync([entry(description="new")])
    assert "Read-only" in (caught.value.cause or "")
    assert "KURT_DATA" in (caught.value.hint or "")
    assert tree(shim.root) == expected(entry())


def test_a_held_lock_is_a_typed_error(shim: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    shim.sync([entry()])
    monkeypatch.setattr("kurt_ext.shim.lock", lambda path: lock(path, timeout=0.01))
    with lock(os.path.join(shim.root, ".lock")):
        assert shim.sync([entry()]).kept == ("web-archiver",)
        with pytest.raises(LockedError):
            shim.sync([])


# What a process that dies leaves behind.

STEPS = ("mkdir", "open", "write", "rename", "replace", "unlink", "rmdir")
BEFORE = [entry("kept"), entry("edited"), entry("newer"), entry("gone"), entry("moved")]
AFTER = [
    entry("kept"),
    entry("edited", implements=[{"type": "tool", "class": "New", "name": "new"}]),
    entry("newer", version="0.2.0", implements=[{"type": "tool", "class": "B", "name": "b"}]),
    entry("added"),
    entry("moved", folder="/other/moved"),
]


def die_at(step: int, root: str, entries: list[Entry]) -> bool:
    """Sync in a child that dies before its ``step``-th change of the disk; tell whether it did."""
    child = os.fork()
    if child == 0:
        count = 0

        def wrap(real: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                nonlocal count
                count += 1
                if count == step:
                    if real is write:
                        real(args[0], args[1][: len(args[1]) // 2])
                    os._exit(9)
                return real(*args, **kwargs)

            return call

        write = os.write
        for name in STEPS:
            setattr(os, name, wrap(getattr(os, name)))
        try:
            Shim(root).sync(entries)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("start", [[], BEFORE], ids=["first", "later"])
def test_a_crash_at_any_step_leaves_old_or_new_and_the_next_sync_heals(
    tmp_path: Path, start: list[Entry]
) -> None:
    old = {f"kurt-skill-{r['id']}": set(offers) for _, r, offers in start}
    new = {f"kurt-skill-{r['id']}": set(offers) for _, r, offers in AFTER}
    step = 0
    while True:
        step += 1
        root = str(tmp_path / f"shim-{step}")
        Shim(root).sync(start)
        died = die_at(step, root, AFTER)
        seen = offered(root) if os.path.isdir(root) else {}
        for name, points in seen.items():
            assert points in [table[name] for table in (old, new) if name in table], (step, name)
        assert {name for name in old if name in new} <= seen.keys(), step
        # Whoever comes next may want the old state as well as the new one.
        for target in (AFTER, start) if step % 2 else (start, AFTER):
            Shim(root).sync(target)
            assert tree(root) == expected(*target), step
            leftovers = [name for name in os.listdir(root) if name.startswith(".tmp")]
            assert leftovers == [], step
        if not died:
            break
    assert step > 40


SYNC = """
import sys, json
from kurt_ext.shim import Shim
root, rounds, entries = json.load(sys.stdin)
for _ in range(rounds):
    Shim(root).sync([(f, r, [tuple(o) for o in offers]) for f, r, offers in entries])
"""


def test_twenty_processes_that_sync_one_shim_agree(shim: Shim) -> None:
    import json

    ours = [entry(f"skill-{i}") for i in range(8)]
    others = [entry(f"skill-{i}", version="0.2.0") for i in range(4, 12)]
    processes = []
    for number in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", SYNC], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        )
        assert process.stdin is not None
        wanted = ours if number % 2 else others
        process.stdin.write(json.dumps([shim.root, 4, wanted]).encode())
        process.stdin.close()
        process.stdin = None
        processes.append(process)
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    assert tree(shim.root) in (expected(*ours), expected(*others))
    shim.sync(ours)
    assert tree(shim.root) == expected(*ours)


# The stub, in each Python that is here.


def pythons() -> Iterator[str]:
    import glob
    import shutil

    yield sys.executable
    for version in ("3.11", "3.12", "3.13"):
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        candidates = [
            shutil.which(f"python{version}"),
            *glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}")),
        ]
        for candidate in candidates:
            if candidate and not subprocess.call(
                [candidate, "-c", "pass"], stderr=subprocess.DEVNULL
            ):
                yield candidate
                break


CHECK_STUB = r"""
import importlib, importlib.resources, inspect, os, pkgutil, sys
root, folder = sys.argv[1:]
sys.path.insert(0, root)
import kurt_skills.web_archiver as package
assert getattr(sys.modules["kurt_skills"], "__file__", None) is None
init = os.path.join(folder, "__init__.py")
assert package.__path__ == [folder], package.__path__
assert package.__file__ == package.__spec__.origin == package.__loader__.path == init
assert package.__spec__.submodule_search_locations == [folder]
assert sorted(n for n in vars(package) if n[0] != "_") == ["VALUE", "helper", "name"], vars(package)
assert package.__doc__ == "The skill's own words."
assert package.VALUE == 1 and package.name == "helped"
from kurt_skills.web_archiver import skill
assert skill.name == "helped" and skill.deeper.DEEP == 2
assert skill.__file__ == os.path.join(folder, "skill.py")
assert importlib.resources.files(package).joinpath("data.txt").read_text() == "data"
assert importlib.resources.files(skill.deeper.__package__).joinpath("d.txt").read_text() == "d"
assert pkgutil.get_data("kurt_skills.web_archiver", "data.txt") == b"data"
assert "VALUE" in inspect.getsource(package)
assert {m.name for m in pkgutil.iter_modules(package.__path__)} >= {"skill", "helper", "sub"}
with open(init, "a") as stream:
    stream.write("VALUE = 2\n")
assert importlib.reload(package).VALUE == 2
assert package.__file__ == init and package.__path__ == [folder]
try:
    import skill as stray
except ImportError:
    pass
else:
    raise AssertionError("the folder itself must not be on sys.path")
"""


@pytest.mark.parametrize("python", list(pythons()))
def test_the_stub_imports_the_folder_as_a_package(python: str, shim: Shim, tmp_path: Path) -> None:
    folder = tmp_path / "skills" / "web-archiver"
    (folder / "sub").mkdir(parents=True)
    for name, text in {
        "__init__.py": '# -*- coding: latin-1 -*-\n"""The skill\'s own words."""\n'
        "from __future__ import annotations as __annotations__\n"
        "from .helper import name\nVALUE = 1\n",
        "helper.py": "name = 'helped'\n",
        "skill.py": "from .helper import name\nfrom .sub import deeper\n",
        "sub/__init__.py": "",
        "sub/deeper.py": "DEEP = 2\n",
        "sub/d.txt": "d",
        "data.txt": "data",
    }.items():
        (folder / name).write_text(text)
    shim.sync([entry(folder=str(folder))])
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [python, "-W", "error", "-c", CHECK_STUB, shim.root, str(folder)],
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    # Bytecode that Python wrote beside the stub is no obstacle, nor is it believed later.
    elsewhere = tmp_path / "skilly" / "web-archiver"
    elsewhere.parent.mkdir()
    folder.rename(elsewhere)
    (elsewhere / "__init__.py").write_text("")
    moved = entry(folder=str(elsewhere))
    shim.sync([moved])
    found = subprocess.check_output(
        [python, "-c", "import kurt_skills.web_archiver as p; print(*p.__path__)"],
        env=environment | {"PYTHONPATH": shim.root},
        text=True,
    )
    assert found.strip() == str(elsewhere)
    shim.sync([])
    assert sorted(os.listdir(shim.root)) == [".lock", ".state", "kurt_skills"]


@pytest.mark.parametrize("python", list(pythons()))
def test_a_folder_without_an_init_is_a_package_too(python: str, shim: Shim, tmp_path: Path) -> None:
    folder = tmp_path / "bäre skill"
    folder.mkdir()
    (folder / "skill.py").write_text("import importlib.resources as r; X = r.files(__package__)")
    (folder / "data.txt").write_text("data")
    shim.sync([entry("bare", folder=str(folder))])
    code = (
        "import importlib, kurt_skills.bare, kurt_skills.bare.skill as s;"
        "importlib.reload(kurt_skills.bare); print((s.X / 'data.txt').read_text())"
    )
    found = subprocess.check_output(
        [python, "-c", code], env=os.environ | {"PYTHONPATH": shim.root}, text=True
    )
    assert found.strip() == "data"


# sys.path


@pytest.fixture
def own_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", ["/app", "/lib", "/env/site-packages", "/usr/dist-packages"])
    yield
    for name in [n for n in sys.modules if n == "kurt_skills" or n.startswith("kurt_skills.")]:
        del sys.modules[name]


@pytest.mark.usefixtures("own_path")
def test_shims_are_inserted_before_the_first_site_packages_in_their_order(tmp_path: Path) -> None:
    project, user = Shim(str(tmp_path / "project-1")), Shim(str(tmp_path / "user"))
    project.sync([entry("one")])
    user.sync([entry("two")])
    rest = ["/env/site-packages", "/usr/dist-packages"]
    for _ in range(2):
        activate([project.root, str(tmp_path / "absent"), user.root])
        assert sys.path == ["/app", "/lib", project.root, user.root, *rest]
    activate([user.root, project.root])
    assert sys.path == ["/app", "/lib", user.root, project.root, *rest]


@pytest.mark.usefixtures("own_path")
def test_without_site_packages_shims_come_last(shim: Shim) -> None:
    shim.sync([entry()])
    sys.path[:] = ["/app", "/lib"]
    activate([shim.root])
    assert sys.path == ["/app", "/lib", shim.root]


@pytest.mark.usefixtures("own_path")
def test_what_is_synced_later_is_seen_at_once(shim: Shim, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "skill.py").write_text(f"NAME = {name!r}")
    first = entry("one", folder=str(tmp_path / "one"))
    second = entry("two", folder=str(tmp_path / "two"))
    shim.sync([first])
    activate([shim.root])
    assert importlib.import_module("kurt_skills.one.skill").NAME == "one"
    with pytest.raises(ImportError):
        importlib.import_module("kurt_skills.two.skill")
    places = (shim.root, os.path.join(shim.root, "kurt_skills"))
    before = [os.stat(path) for path in places]
    importlib.metadata.distribution("kurt-skill-one")
    shim.sync([first, second])
    # A coarse clock must not hide it.
    for path, found in zip(
        (shim.root, os.path.join(shim.root, "kurt_skills")), before, strict=True
    ):
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    shim.sync([first, second, entry("three")])
    assert importlib.import_module("kurt_skills.two.skill").NAME == "two"
    assert importlib.metadata.distribution("kurt-skill-two").version == "0.1.0"


def test_activation_imports_nothing_heavy(shim: Shim) -> None:
    shim.sync([entry()])
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from kurt_ext.shim import Shim, activate;"
        "activate([sys.argv[1]]); assert sys.argv[1] in sys.path;"
        "print(*({'re', 'json', 'typing', 'pathlib', 'importlib.metadata', 'hashlib', 'fcntl',"
        "'dataclasses', 'enum', 'shutil', 'tempfile', 'email'} & sys.modules.keys()))"
    )
    found = subprocess.check_output(
        [sys.executable, "-I", "-S", "-c", code, shim.root, str(ROOT)], text=True
    )
    assert found.split() == []


@pytest.mark.skipif(not Path("/proc/tty").is_dir(), reason="no folder here in which none is made")
def test_where_no_folder_can_be_made_it_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        shimfiles.make_folder("/proc/tty/one/two")
