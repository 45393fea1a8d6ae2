"""The distributions that skills need are locked by their digests, and only those come."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from goods import write_plugin

from kurt_ext import installing_distributions as lane
from kurt_ext import pylock
from kurt_ext.errors import ConfigError, KurtError
from kurt_ext.places import Places


def wheel(folder: Path, name: str, version: str, *needs: str) -> Path:
    """Write a wheel with a module and nothing else."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name_, text)
    return path


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "alpha-thing", "1.0", "beta-thing>=1")
    wheel(folder, "beta-thing", "1.5")
    wheel(folder, "beta-thing", "0.9")
    return folder


@pytest.mark.venv
@pytest.mark.parametrize("by", ["uv", "pip"])
def test_a_lock_has_the_digest_of_every_wheel(
    wheels: Path, project: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "pip":
        monkeypatch.setattr(lane, "installer", lambda: "pip")
        if not lane.locks():
            with pytest.raises(KurtError, match="cannot write a lock"):
                pylock.lock(str(project / "x.toml"), ["alpha-thing>=1"], wheelhouse=str(wheels))
            pytest.skip("this pip cannot lock")
    path = str(project / pylock.PYLOCK_NAME)
    assert pylock.lock(path, ["alpha-thing>=1"], wheelhouse=str(wheels))
    assert not pylock.lock(path, ["alpha-thing>=1"], wheelhouse=str(wheels))
    found = pylock.read(path)
    assert found is not None
    assert pylock.asked(found) == ["alpha-thing>=1"]
    assert [(str(one.name), str(one.version)) for one in found.packages] == [
        ("alpha-thing", "1.0"),
        ("beta-thing", "1.5"),
    ]
    first = (found.packages[0].wheels or [])[0]
    data = (wheels / "alpha_thing-1.0-py3-none-any.whl").read_bytes()
    assert first.hashes == {"sha256": hashlib.sha256(data).hexdigest()}
    assert str(wheels) not in Path(path).read_text()


@pytest.mark.venv
def test_what_nobody_has_is_told(wheels: Path, project: Path) -> None:
    with pytest.raises(KurtError) as caught:
        pylock.lock(str(project / "x.toml"), ["gamma-thing"], wheelhouse=str(wheels))
    assert "gamma-thing" in str(caught.value.cause)
    assert not (project / "x.toml").exists()


@pytest.mark.parametrize("text", ["", "x", 'lock-version = "9"', "lock-version = 1", "\xff"])
def test_what_is_no_lock_is_told(project: Path, text: str) -> None:
    path = project / pylock.PYLOCK_NAME
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError):
        pylock.read(str(path))


def test_what_is_there_is_not_installed_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(pylock, "install_locked", lambda lines, **more: told.append(lines))
    monkeypatch.setattr(pylock, "installed_version", {"one": "1.0", "two": "1.0"}.get)
    (project / pylock.PYLOCK_NAME).write_text(
        'lock-version = "1.0"\ncreated-by = "x"\n'
        + "".join(
            f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{marker}'
            f'wheels = [{{ name = "{name}-{version}-py3-none-any.whl", path = "x.whl", '
            f'hashes = {{ sha256 = "{"0" * 64}" }} }}]\n'
            for name, version, marker in (
                ("one", "1.0", ""),
                ("two", "2.0", ""),
                ("three", "3.0", "marker = \"python_version < '3'\"\n"),
            )
        )
    )
    found = pylock.read(pylock.pylock_path(Places(str(project))))
    assert found is not None
    assert pylock.install(found) == ["two==2.0"]
    assert told == [[f"two==2.0 --hash=sha256:{'0' * 64}"]]


def test_what_skills_need_is_united(tmp_path: Path) -> None:
    from kurt_ext.manifest import read

    one = write_plugin(tmp_path, "com.example.one", requires=["b", "a>=1"])
    two = write_plugin(tmp_path, "com.example.two", requires=["a>=1"])
    records = [read(str(folder)).record or {} for folder in (one, two)]
    assert pylock.wanted(records) == ["a>=1", "b"]
