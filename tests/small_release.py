"""A checkout that installs like hfptm in seconds: the scripts of deploy/, and a program that does
next to nothing.

Its package needs no other; a build backend of its own makes the wheel.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = """\
import sys
from pathlib import Path
WELL, CONTENT = {well}, {content}
def main():
    command = sys.argv[1]
    if command == "doctor":
        sys.exit(not CONTENT)
    # As a service that is told to begin: is it ready?
    sys.exit(not WELL)
"""

KERNELS = """\
import os
from pathlib import Path
def compile_kernels():
    Path(os.environ["TMPDIR"], "compiled-" + {version!r}).touch()
"""

BACKEND = """\
import zipfile
from pathlib import Path
FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: hfptm\\nVersion: {version}\\n",
    "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "entry_points.txt": "[console_scripts]\\nhfptm=hfptm.cli:main\\n",
    "RECORD": "",
}
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "hfptm-{version}-py3-none-any.whl", "hfptm-{version}.dist-info/"
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        for source in Path("hfptm").glob("*.py"):
            wheel.write(source)
        for file, text in FILES.items():
            wheel.writestr(info + file, text)
    return name
"""

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["hfptm"]
[project]
name = "hfptm"
version = "{version}"
"""


PYTHON = """\
#!/bin/bash
if [ "$1 $2" != "-m venv" ]; then exec {python} "$@"; fi
{python} -m venv --without-pip "$3" && cd "$3"/lib/python3.*/site-packages && ln -s "{pip}"
"""


def quick_python(file: Path) -> None:
    """A Python whose environments share this one's pip, which would take seconds to install."""
    pip = find_spec("pip")
    assert pip, "the environment of the tests has a pip"
    place = next(iter(pip.submodule_search_locations or ()))
    file.write_text(PYTHON.format(python=sys.executable, pip=place))
    file.chmod(0o755)


def small_checkout(
    folder: Path, version: str, *, is_well: bool = True, is_content: bool = True
) -> Path:
    """`is_well`: whether its services become ready; `is_content`: whether its doctor is."""
    for name in ("hfptm", "notebooks", "recorder", "replay", "config"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copy(ROOT / "config" / "config.toml", folder / "config")
    kernels = KERNELS.format(version=version)
    files = {
        "hfptm/__init__.py": f'__version__ = "{version}"\n',
        "hfptm/cli.py": PROGRAM.format(well=is_well, content=is_content),
        "hfptm/engine.py": kernels,
        "hfptm/book_check.py": kernels,
        **{f"{name}/__init__.py": "" for name in ("notebooks", "recorder", "replay")},
        "hfptm/backend.py": BACKEND.replace("{version}", version),
        "deploy/requirements.lock": "",
        "pyproject.toml": PROJECT.format(version=version),
        "README.md": "",
        "LICENSE": "",
        "deploy/config/secrets.toml": "never to be copied",
    }
    (folder / "deploy" / "config").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
