"""The documents name what exists: links, commands, options, targets, benchmarks and keys."""

import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from docs.generate import FOLDER, pages
from hfptm.cli.app import app
from hfptm.config import SECTIONS
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PROSE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def commands_of(command: object, name: str = "") -> dict[str, TyperCommand]:
    """Every command by all its words, as "sandbox serve"."""
    if isinstance(command, TyperCommand):
        return {name: command}
    assert isinstance(command, TyperGroup)
    found: dict[str, TyperCommand] = {}
    for word, child in command.commands.items():
        found |= commands_of(child, f"{name} {word}".strip())
    return found


COMMANDS = commands_of(get_command(app))


def prose(page: Path) -> str:
    """Without what stands in blocks of code."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[tuple[Path, str]]:
    """File and anchor of each link that leads nowhere outside."""
    found = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", prose(page))
    return [((page.parent / file).resolve() if file else page, anchor) for file, anchor in found]


def anchors(page: Path) -> set[str]:
    """Of its headings, as forges make them; those said twice are numbered."""
    text = prose(page)
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        said = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", said).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_their_anchors_lead_somewhere(page: Path) -> None:
    lost = [
        f"{file.name}#{anchor}"
        for file, anchor in links(page)
        if not file.exists() or (anchor and anchor not in anchors(file))
    ]
    assert lost == []


def test_every_page_is_reachable_from_the_readme_and_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    assert index in [file for file, _ in links(ROOT / "README.md")]
    told = {file for file, _ in links(index)}
    assert [page.name for page in PAGES[2:] if page not in {*told, index}] == []


def test_generated_pages_are_as_generated() -> None:
    for name, text in pages().items():
        written = (FOLDER / name).read_text(encoding="utf-8")
        assert written == text, f"docs/{name}: run `make docs`"


def test_every_command_and_option_has_help() -> None:
    bare = [
        f"{name} {parameter.name}"
        for name, command in COMMANDS.items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert bare == []
    assert [name for name, command in COMMANDS.items() if not command.help] == []


def test_every_command_is_documented() -> None:
    assert [name for name in COMMANDS if f"hfptm {name}" not in PROSE] == []


def test_every_documented_command_and_option_exists() -> None:
    lines = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?hfptm ([a-z].*)$", PROSE, re.MULTILINE)
    assert lines
    for line in lines:
        name = max((name for name in COMMANDS if f"{line} ".startswith(f"{name} ")), default="")
        assert name, f"hfptm {line}"
        rest = line.removeprefix(name)
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= options, f"hfptm {name}"


def test_every_documented_make_target_and_benchmark_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {"".join(pair) for pair in re.findall(r"`make (\w+)`|^make (\w+)", PROSE, re.MULTILINE)}
    assert {"demo", "test"} <= used <= targets
    modules = re.findall(r"python -m ((?:benchmarks|docs|tests)\.\w+)", PROSE)
    assert len(set(modules)) > 10
    assert [module for module in modules if find_spec(module) is None] == []


def test_every_documented_test_exists() -> None:
    used = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PROSE)
    assert used
    for file, name in used:
        text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
        assert f"def {name or 'test_'}" in text, f"{file}::{name}"


def test_every_documented_setting_exists() -> None:
    used = re.findall(r"--set (\w+)\.(\w+)=", PROSE)
    real = [(s, k) for s, kind in SECTIONS.items() for k in kind.__struct_fields__]
    assert [pair for pair in used if pair not in real and pair != ("section", "key")] == []
