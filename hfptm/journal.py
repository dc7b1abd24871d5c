"""The record of one run under `<data>/runs/<run_id>`: what ran, what it decided, what came of it.

    config.toml  version.json  summary.json
    intents.parquet  decisions.parquet  outcomes.parquet  reports.parquet

A run is written under `<run_id>.partial` and renamed when it is closed: a half run is never taken
for a whole one. As long as it is written its folder is held (`hfptm.presence`).
"""

import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.errors import LakeError
from hfptm.opportunities import DECISION, OUTCOME
from hfptm.parquet import (
    TableFile,
    arrow_schema,
    make_folder,
    publish_bytes,
    read_rows,
    sync_folder,
    to_arrow,
)
from hfptm.presence import Reading
from hfptm.records import EVENT, INTENT

RowKind = Literal["intents", "decisions", "outcomes", "reports"]
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)
"""In the order in which the digest takes them."""

DTYPES = MappingProxyType(
    {"intents": INTENT, "decisions": DECISION, "outcomes": OUTCOME, "reports": EVENT}
)

GROUP_ROWS = 65_536
SUMMARY = "summary.json"
"""Of a run that is closed."""

Rows = npt.NDArray[np.void]


class CodeVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What code made a run."""

    package: str
    commit: str | None
    """None outside a git working tree; ends in "+changes" if the tree was not clean."""
    python: str
    numpy: str
    platform: str


class Digest:
    """SHA-256 over every row of each kind in order, however they were cut into blocks."""

    def __init__(self) -> None:
        self._hashes = {kind: hashlib.sha256() for kind in ROW_KINDS}

    def update(self, kind: RowKind, rows: Rows) -> None:
        """The packed little-endian dtype of a kind is the canonical form of its rows."""
        self._hashes[kind].update(np.ascontiguousarray(rows, DTYPES[kind]).tobytes())

    def hex(self) -> str:
        whole = hashlib.sha256()
        for kind in ROW_KINDS:
            whole.update(self._hashes[kind].digest())
        return whole.hexdigest()


class RunJournal:
    """Writer of one run. Raises LakeError if the run exists.

    As a context manager it keeps the rows under `.partial` when left without `close`.
    `is_again` writes the rows of a killed run anew: whatever else lies in its folder stays.
    """

    def __init__(
        self, data: Path, run_id: str, config_toml: str, *, is_again: bool = False
    ) -> None:
        self.path = data / "runs" / run_id
        self._partial = partial_of(self.path)
        for taken in (self.path,) if is_again else (self.path, self._partial):
            if taken.exists():
                raise LakeError(f"run {run_id} exists: {taken}; remove it or take another run id")
        make_folder(self._partial)
        self._held_folder = Reading(self._partial)
        if is_again:
            _remove_output(self._partial)
        else:
            publish_bytes(self._partial / "config.toml", config_toml.encode())
        publish_bytes(self._partial / "version.json", _json(code_version()))
        self.folder = self._partial
        """Where it is while it is written."""
        self._digest = Digest()
        self._files = {
            kind: TableFile(
                self._partial / f"{kind}.parquet", arrow_schema(DTYPES[kind]), GROUP_ROWS
            )
            for kind in ROW_KINDS
        }
        self._held: dict[RowKind, list[Rows]] = {kind: [] for kind in ROW_KINDS}
        self._held_rows = dict.fromkeys(ROW_KINDS, 0)

    def append(self, kind: RowKind, rows: Rows) -> None:
        """Rows of the kind's dtype, copied; written when `GROUP_ROWS` of them are held."""
        if len(rows) == 0:
            return
        self._digest.update(kind, rows)
        self._held[kind].append(rows.copy())
        self._held_rows[kind] += len(rows)
        if self._held_rows[kind] >= GROUP_ROWS:
            self._write_held(kind)

    def digest(self) -> str:
        """Of all rows appended so far, as `Run.digest` computes it from the files."""
        return self._digest.hex()

    def write(self, name: str, value: object) -> None:
        """A file of its own beside the rows, as JSON."""
        publish_bytes(self._partial / name, _json(value))

    def close(self, summary: dict[str, Any]) -> Path:
        """Write `summary` (JSON types), make the run visible, and return its folder."""
        self._publish()
        self.write(SUMMARY, summary)
        sync_folder(self._partial)
        self._partial.rename(self.path)
        sync_folder(self.path.parent)
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with self._held_folder:
            try:
                self._publish()
            except OSError:
                if error is None:  # else it follows from that: a full disk takes these no more
                    raise

    def _publish(self) -> None:
        for kind in list(self._files):
            self._write_held(kind)
            self._files.pop(kind).publish()

    def _write_held(self, kind: RowKind) -> None:
        if self._held[kind]:
            rows = np.concatenate(self._held[kind])
            self._files[kind].append(to_arrow(rows, arrow_schema(DTYPES[kind])))
            self._held[kind] = []
            self._held_rows[kind] = 0


class Run:
    """Reader of a whole run. Raises LakeError if it does not exist or was never closed."""

    def __init__(self, data: Path, run_id: str) -> None:
        self.path = data / "runs" / run_id
        if not self.path.is_dir():
            raise LakeError(_no_run(self.path))
        self.config_toml = (self.path / "config.toml").read_text()
        self.version = _decode(self.path / "version.json", CodeVersion)
        self.summary = _decode(self.path / SUMMARY, dict[str, Any])

    def rows(self, kind: RowKind) -> Rows:
        return read_rows(self.path / f"{kind}.parquet", DTYPES[kind])

    def digest(self) -> str:
        digest = Digest()
        for kind in ROW_KINDS:
            digest.update(kind, self.rows(kind))
        return digest.hex()


def read_run(data: Path, run_id: str) -> Run:
    return Run(data, run_id)


def run_ids(data: Path) -> list[str]:
    """Closed runs, by name."""
    folders = (data / "runs").glob(f"*/{SUMMARY}")
    return sorted(file.parent.name for file in folders if file.parent.suffix != ".partial")


def partial_runs(data: Path) -> list[Path]:
    """Folders of runs that were never closed, by name: under way, or given up."""
    return sorted((data / "runs").glob("*.partial"))


def partial_of(path: Path) -> Path:
    """The folder of a run that is not closed."""
    return path.with_name(f"{path.name}.partial")


def code_version() -> CodeVersion:
    return CodeVersion(
        package=_package_version(),
        commit=_commit(),
        python=platform.python_version(),
        numpy=np.__version__,
        platform=platform.platform(),
    )


def _package_version() -> str:
    try:
        return metadata.version("hfptm")
    except metadata.PackageNotFoundError:  # run from its sources
        return "not installed"


def _commit() -> str | None:
    source = Path(__file__).resolve()
    if _git(source, "ls-files", "--error-unmatch", source.name) is None:
        return None  # installed inside somebody else's working tree, or in none
    commit = _git(source, "rev-parse", "HEAD")
    changed = _git(source, "status", "--porcelain", "--untracked-files=no", ":/")
    return f"{commit}+changes" if commit and changed else commit


def _git(source: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(source.parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, or not in it
        return None
    return done.stdout.strip()


def _no_run(path: Path) -> str:
    if partial_of(path).exists():
        return f"run {path.name} was never finished; {path}.partial holds its rows; run it again"
    known = ", ".join(run_ids(path.parents[1])[-5:]) or "none"
    return f"no run {path.name} in {path.parent}; the latest are: {known}"


def _remove_output(partial: Path) -> None:
    """What is written again; inputs stay."""
    for name in (*(f"{kind}*" for kind in ROW_KINDS), "version.json", "portfolio.json", "summary*"):
        for file in partial.glob(name):
            file.unlink()


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _decode(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise LakeError(f"{path}: unreadable ({error}); run it again") from error
