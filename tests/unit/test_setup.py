"""Installing, upgrading and going back, in a folder instead of a machine.

The scripts, environments and pip are the real ones. systemd is not: a script in its place notes
what it is told, and asks the release that is to run whether it is ready. With systemd itself:
`tests/e2e/test_server.py`.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from hfptm.config import environment
from tests.conftest import ROOT
from tests.small_release import quick_python, small_checkout

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "flock", "tar", "sha256sum"))),
    reason="the scripts of deploy/ are for Debian, whose tools are missing here",
)

MANAGER = """\
#!/bin/bash
# --root=ROOT COMMAND [--quiet] SERVICE
root=${1#--root=}
echo "${@:2}" >>"$root/told"
case $2 in
    is-active) grep -qx "${@: -1}" "$root/active" ;;
    restart) "$root/opt/hfptm/current/bin/hfptm" record ;;
esac
"""


class Machine(NamedTuple):
    """A folder in its place."""

    root: Path
    tools: Path

    def script(
        self, name: Path, *arguments: object, first: Sequence[str] = ()
    ) -> "subprocess.CompletedProcess[str]":
        variables = {
            **environment(),
            "PATH": f"{self.tools}:{environment()['PATH']}",
            "HFPTM_LOOK_S": "0",
            "HFPTM_PYTHON": str(self.tools / "python3"),
        }
        command = ["bash", str(name), *first, "--root", str(self.root), *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=variables)

    def runs(self, *services: str) -> None:
        (self.root / "active").write_text("".join(f"{name}\n" for name in services))

    def link(self, name: str) -> str:
        return str((self.root / "opt/hfptm" / name).readlink())

    @property
    def told(self) -> list[str]:
        """What was begun again."""
        lines = (self.root / "told").read_text().splitlines()
        return [line for line in lines if line.startswith("restart")]


def machine(folder: Path) -> Machine:
    made = Machine(folder / "root", folder / "tools")
    made.root.mkdir()
    made.tools.mkdir()
    (made.tools / "systemctl").write_text(MANAGER)
    (made.tools / "systemctl").chmod(0o755)
    quick_python(made.tools / "python3")
    made.runs()
    return made


def everything(folder: Path) -> dict[str, bytes | str]:
    """Paths below it, with content or target."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
        if path.name not in (".lock", "told")
    }


class Story(NamedTuple):
    machine: Machine
    first: Path
    second: Path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Release 1.0 installed, then settings written, then 2.0 installed while a recorder runs."""
    folder = tmp_path_factory.mktemp("setup")
    made = machine(folder)
    first, second = (small_checkout(folder / each, each) for each in ("1.0", "2.0"))
    result = made.script(first / "deploy/setup.sh")
    assert result.returncode == 0, result.stderr
    assert made.link("current").startswith("releases/1.0-")
    (made.root / "etc/hfptm/config.toml").write_text("[trading]\nbankroll_usd = 5\n")
    made.runs("hfptm-record")
    result = made.script(second / "deploy/upgrade.sh")
    assert result.returncode == 0, result.stderr
    return Story(made, first, second)


def test_an_upgrade_runs_and_the_release_before_it_stays(story: Story) -> None:
    made = story.machine
    assert made.link("current").startswith("releases/2.0-")
    assert made.link("previous").startswith("releases/1.0-")
    assert made.told == ["restart hfptm-record"]
    for link, version in (("current", "2.0"), ("previous", "1.0")):
        release = made.root / "opt/hfptm" / made.link(link)
        assert (release / "installed").exists()
        assert (made.root / "var/cache/hfptm" / f"compiled-{version}").exists()
        text = f"import hfptm; assert hfptm.__version__ == '{version}'"
        subprocess.run([release / "bin/python", "-c", text], check=True, cwd=made.root)


def test_settings_stay_and_secrets_are_never_copied(story: Story) -> None:
    root = story.machine.root
    assert (root / "etc/hfptm/config.toml").read_text() == "[trading]\nbankroll_usd = 5\n"
    assert list(root.rglob("secrets.toml")) == []
    units = sorted(path.name for path in (root / "etc/systemd/system").iterdir())
    assert units == sorted(path.name for path in (ROOT / "deploy/systemd").iterdir())


def test_a_second_time_changes_nothing(story: Story) -> None:
    before = everything(story.machine.root)
    result = story.machine.script(story.second / "deploy/upgrade.sh")
    assert result.returncode == 0
    assert "runs already" in result.stderr
    result = story.machine.script(story.second / "deploy/setup.sh")
    assert result.returncode == 0, result.stderr
    assert everything(story.machine.root) == before


def test_setup_is_no_upgrade(story: Story) -> None:
    result = story.machine.script(story.first / "deploy/setup.sh")
    assert result.returncode == 1
    assert "upgrade.sh" in result.stderr
    assert story.machine.link("current").startswith("releases/2.0-")


def test_a_release_that_is_not_well_gives_way_to_the_one_that_was(
    story: Story, tmp_path: Path
) -> None:
    made = story.machine
    before, told = everything(made.root), len(made.told)
    bad = small_checkout(tmp_path / "bad", "3.0", is_well=False)
    result = made.script(bad / "deploy/upgrade.sh")
    assert result.returncode == 1
    assert "was not well; releases/2.0-" in result.stderr
    assert made.told[told:] == ["restart hfptm-record"] * 2
    after = everything(made.root)
    assert after.pop("var/cache/hfptm/compiled-3.0") == b""
    assert after == before


def test_a_release_with_which_the_doctor_is_worse_never_runs(story: Story, tmp_path: Path) -> None:
    made = story.machine
    before, told = everything(made.root), len(made.told)
    bad = small_checkout(tmp_path / "bad", "4.0", is_content=False)
    result = made.script(bad / "deploy/upgrade.sh")
    assert result.returncode == 1
    assert "finds what that of" in result.stderr
    assert made.told[told:] == []
    assert {**everything(made.root), "var/cache/hfptm/compiled-4.0": b""} == {
        **before,
        "var/cache/hfptm/compiled-4.0": b"",
    }


def test_nothing_is_changed_while_real_orders_leave(story: Story) -> None:
    made = story.machine
    made.runs("hfptm-live")
    before = everything(made.root)
    for script in (story.first / "deploy/upgrade.sh", story.first / "deploy/rollback.sh"):
        result = made.script(script)
        assert result.returncode == 1
        assert "systemctl stop hfptm-live" in result.stderr
    made.runs("hfptm-record")
    assert everything(made.root) == {**before, "active": b"hfptm-record\n"}


def test_back_and_forth(story: Story) -> None:
    made = story.machine
    current, previous = made.link("current"), made.link("previous")
    for expected in ((previous, current), (current, previous)):
        result = made.script(made.root / "opt/hfptm/current/deploy/rollback.sh")
        assert result.returncode == 0, result.stderr
        assert (made.link("current"), made.link("previous")) == expected


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    made = machine(tmp_path)
    (made.root / "etc").mkdir()
    before = everything(made.root)
    checkout = small_checkout(tmp_path / "first", "1.0")
    (checkout / "deploy/requirements.lock").write_text("hfptm-needs-what-has-no-hash==1\n")
    result = made.script(checkout / "deploy/setup.sh")
    assert result.returncode == 1
    assert "taking back" in result.stderr
    left = {name for name, content in everything(made.root).items() if content != ""}
    assert left == {name for name, content in before.items() if content != ""}
    assert not list(made.root.rglob("hfptm"))


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    made = machine(tmp_path)
    before = everything(tmp_path)
    result = made.script(ROOT / "deploy/setup.sh", "--dry-run")
    assert result.returncode == 0, result.stderr
    for word in ("-m venv", "--require-hashes", "compile_kernels", "config.toml", "current"):
        assert word in result.stdout
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--start", "live"], "by hand"),
        (["--start", "everything"], "record, paper or dashboard"),
        (["--start", "record", "--start", "paper"], "the same data"),
        (["--start"], "wants a service"),
        (["--fire"], "unknown option --fire"),
        (["no-such-checkout"], "no such checkout"),
        (["--start", "record"], "--root only writes files"),
        (["--firewall"], "--root only writes files"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, arguments: list[str], told: str) -> None:
    made = machine(tmp_path)
    before = everything(tmp_path)
    result = made.script(ROOT / "deploy/setup.sh", *arguments)
    assert result.returncode == 1
    assert told in result.stderr
    assert everything(tmp_path) == before


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    made = machine(tmp_path)
    result = made.script(ROOT / "deploy/setup.sh", made.tools)
    assert result.returncode == 1
    assert "is no checkout" in result.stderr


def test_upgrading_and_going_back_need_something_installed(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert "setup.sh comes first" in made.script(ROOT / "deploy/upgrade.sh").stderr
    assert "no release before" in made.script(ROOT / "deploy/rollback.sh").stderr


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *author, *arguments], check=True, cwd=folder, capture_output=True)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_one_file_fetches_the_rest(tmp_path: Path) -> None:
    """From a repository, one of its tags, and an archive; it needs nothing beside it."""
    made = machine(tmp_path)
    alone = tmp_path / "install-server.sh"
    shutil.copy(ROOT / "deploy" / "install-server.sh", alone)
    repository = small_checkout(tmp_path / "repository", "1.0")
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=1.0")
    git(repository, "tag", "v1.0")
    archive = tmp_path / "hfptm.tar.gz"
    git(repository, "archive", "--prefix=hfptm-1.0/", f"--output={archive}", "v1.0")
    (repository / "hfptm/__init__.py").write_text('__version__ = "1.1"\n')
    git(repository, "commit", "--quiet", "--all", "--message=1.1")
    address = f"file://{repository}"
    for source, version in ((address, "1.1"), (f"{address}@v1.0", "1.0"), (archive, "1.0")):
        result = made.script(alone, "--dry-run", first=[str(source)])
        assert result.returncode == 0, result.stderr
        assert f"-m venv {made.root}/opt/hfptm/releases/{version}-" in result.stdout
    assert "from where?" in made.script(alone).stderr
    assert "no such file" in made.script(alone, first=["gone.tar.gz"]).stderr
