"""Files that are not the plugin's are declared; keys and start-up files never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.files import check

NONE: dict[str, Any] = {}
DATA = {"filesystem_write": ["/data"]}
P = "from pathlib import Path\nimport os, tempfile, shutil\ndef f(n):\n    "
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (P + "open('/data/x', 'w')", DATA, {("declared-write", "low")}),
    (P + "open('/srv/x', 'w')", DATA, {("undeclared-write", "high")}),
    (P + "(Path(__file__).parent / 'x.json').read_text()", NONE, set()),
    (P + "open(os.path.join(os.path.dirname(__file__), 'x'))", NONE, set()),
    (P + "open(os.path.join(tempfile.gettempdir(), 'x'), 'w')", NONE, {("declared-write", "low")}),
    (
        P + "open(tempfile.mkdtemp() + '/x', 'w')",
        NONE,
        {("declared-write", "low"), ("undeclared-read", "low")},
    ),
    (P + "os.path.exists('/data/x')", NONE, set()),
    (P + "Path('/data/x').name", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


SECRETS = (
    "~/.ssh/id_rsa ~/.ssh/config ~/.aws/credentials ~/.netrc ~/.gnupg/secring.gpg /etc/shadow "
    "~/.docker/config.json ~/.kube/config ~/.config/gcloud/x ~/.bash_history ~/.git-credentials "
    "/proc/self/environ /home/a/.ssh/id_ed25519 ~/.mozilla/firefox/x ~/.pypirc /root/.ssh/id_rsa"
).split()


@pytest.mark.parametrize("path", SECRETS)
def test_where_secrets_lie_is_read_by_no_permission(tmp_path: Path, path: str) -> None:
    permissions = {"filesystem_read": ["~", "/"]}
    code = P + f"open({path!r}).read()"
    assert ("reads-secret", "critical") in asked(check, tmp_path, code, permissions=permissions)
    code = P + f"(Path.home() / {path.removeprefix('~/')!r}).read_text()"
    assert ("reads-secret", "critical") in asked(check, tmp_path, code, permissions=permissions)


RUN_LATER = (
    "~/.bashrc ~/.profile ~/.zshrc ~/.config/autostart/x.desktop ~/.config/systemd/user/x.service "
    "/etc/cron.d/x /var/spool/cron/root ~/Library/LaunchAgents/x.plist ~/.ssh/authorized_keys "
    "~/.gitconfig .git/hooks/pre-commit ~/.vimrc /etc/profile.d/x.sh /usr/bin/x CLAUDE.md "
    "~/.claude/settings.json ~/.cursor/x kurt.toml /x/sitecustomize.py ~/.vscode/tasks.json"
).split()


@pytest.mark.parametrize("path", RUN_LATER)
def test_what_others_run_later_is_written_by_no_permission(tmp_path: Path, path: str) -> None:
    permissions = {"filesystem_write": ["~", "/", "."]}
    code = P + f"open({path!r}, 'a').write('x')"
    assert ("runs-later", "critical") in asked(check, tmp_path, code, permissions=permissions)


@pytest.mark.parametrize(
    "path",
    ["/data/profile.json", "/data/ssh.txt", "/data/cookies-recipe.md", "/data/env.txt",
     "/data/history.csv", "/data/startup-list.md", "/data/claude.txt", "/data/lib/x"],
)  # fmt: skip
def test_names_that_only_remind_of_those_are_fine(tmp_path: Path, path: str) -> None:
    permissions = {"filesystem_write": ["/data"], "filesystem_read": ["/data"]}
    for code in (P + f"open({path!r}, 'w')", P + f"open({path!r})"):
        found = {rule for rule, _ in asked(check, tmp_path, code, permissions=permissions)}
        assert not found & {"runs-later", "reads-secret"}


@pytest.mark.parametrize(
    "expression",
    ["(Path(__file__).parent / 'main.py').write_text(n)", "open(__file__, 'w').write(n)"],
)
def test_a_plugin_does_not_rewrite_its_own_code(tmp_path: Path, expression: str) -> None:
    assert ("own-code-written", "high") in asked(check, tmp_path, P + expression)


@pytest.mark.parametrize("expression", ["shutil.rmtree('/')", "shutil.rmtree(Path.home())"])
def test_deleting_all_is_critical(tmp_path: Path, expression: str) -> None:
    assert ("undeclared-write", "critical") in asked(check, tmp_path, P + expression)
