"""House rules that can be read off the source; every finding names what to do instead."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 300
TEST_MODULE_LINES_MAX = 500
POSITIONAL_MAX = 6
FILE_BYTES_MAX = 2_000_000

FOLDERS = (
    *("hfptm", "recorder", "replay", "benchmarks", "tests"),
    *("notebooks", "config", "docs", "deploy", ".ci"),
)
SECRETS = "config/secrets.toml"
WORKTREE = ".git"
"""A file, where the project is checked out as one of several working trees."""

TEXT_BANS = (
    (r"\b(TO[D]O|FIX[M]E|XX[X])\b", "do it now or file it outside the source"),
    (r"\bfor[ ]now\b", "say what holds, and under which condition it ends"),
    # Where a server has it is the same on every server.
    (
        r"(?<![\w.])/(work|root|tmp|home|opt(?!/hfptm\b)|Users)/",
        "a path relative to the project or tmp_path",
    ),
    (r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|deb[.]debian[.]org", "no host: the client knows"),
)

UNITS = frozenset({"e4", "e6", "ns", "us", "ms", "s", "usd", "bytes", "rows", "h", "wei"})
DIMENSIONLESS = frozenset({"exponent", "model"})
QUANTITIES = frozenset(
    {
        *("bankroll", "cash", "cost", "exposure", "fee", "outlay", "payout", "price", "profit"),
        *("age", "grace", "interval", "latency", "size", "tick", "timeout", "ts", "window"),
    }
)
"""A name with one of these words is a quantity, and says its unit last."""


@dataclass(frozen=True)
class Ban:
    """A dotted name that may be used only in `allowed` (path prefixes) of `scope`."""

    pattern: str
    instead: str
    scope: tuple[str, ...] = ("",)
    allowed: tuple[str, ...] = ()

    def holds_in(self, path: str) -> bool:
        return path.startswith(self.scope) and not path.startswith(self.allowed)


CLOCK = ("hfptm/clock.py", "tests/unit/test_clock.py")
NO_FLOAT = ("hfptm/kernel/", "hfptm/sim/")
CACHE_PATH = ("hfptm/kernel/jit.py",)
NUMBA = ("hfptm/kernel/jit.py", "hfptm/kernel/arrays.py")

IMPORT_BANS = (
    Ban(r"time|datetime", "hfptm.clock", allowed=CLOCK),
    Ban(r"random", "a seeded np.random.Generator"),
    Ban(r"numba(\..*)?", "hfptm.kernel.jit", allowed=NUMBA),
)
NAME_BANS = (
    Ban(r"print", "return it, or rich in hfptm/cli", allowed=("hfptm/cli/", "benchmarks/")),
    Ban(
        r"os\.(environ|getenv|putenv)",
        "hfptm.config, which takes the environment as an argument",
        allowed=("hfptm/config.py", "tests/conftest.py"),
    ),
    Ban(
        r"(np|numpy)\.random\.(?!Generator$|default_rng$|SeedSequence$|PCG64$).*",
        "a seeded np.random.Generator",
    ),
    Ban(r"float|np\.float\d*", "an int in _e4 or _e6", scope=NO_FLOAT),
)


def project_files(root: Path) -> Iterator[Path]:
    """Every file of the project that is meant to be committed, sorted."""
    inside = (path for folder in FOLDERS for path in (root / folder).rglob("*"))
    for path in sorted([*root.iterdir(), *inside]):
        kept = path.is_file() and "__pycache__" not in path.parts
        if kept and path.relative_to(root).as_posix() not in (SECRETS, WORKTREE):
            yield path


def check_text(path: str, text: str) -> Iterator[str]:
    """Findings in any text file: "path:line: what; instead"."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in TEXT_BANS:
            if found := re.search(pattern, line):
                yield f"{path}:{number}: {found[0]!r}; instead: {instead}"


def check_python(path: str, text: str) -> Iterator[str]:
    """Findings in a Python file: sizes, then every rule of `RULES` on every node."""
    lines = text.splitlines()
    limit = TEST_MODULE_LINES_MAX if path.startswith("tests/") else MODULE_LINES_MAX
    if len(lines) > limit:
        yield f"{path}:1: {len(lines)} lines, at most {limit}; split it by noun"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield f"{path}:{number}: {len(line)} columns, at most {COLUMNS_MAX}"
    code = _code_lines(text)
    for node in ast.walk(ast.parse(text)):
        for rule in RULES:
            for problem in rule(path, node):
                yield f"{path}:{getattr(node, 'lineno', 1)}: {problem}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _long_function(path, node, code)


def _code_lines(text: str) -> set[int]:
    """Lines that hold a token other than a comment."""
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    return {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in layout
        for line in range(token.start[0], token.end[0] + 1)
    }


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _long_function(path: str, node: Function, code: set[int]) -> Iterator[str]:
    first, last = node.lineno, node.end_lineno or node.lineno
    documented = isinstance(node.body[0], ast.Expr) and ast.get_docstring(node) is not None
    docstring = range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    lines = set(range(first, last + 1)) & code - (set(docstring) if documented else set())
    if len(lines) > FUNCTION_LINES_MAX:
        limit = f"at most {FUNCTION_LINES_MAX}; extract a step with a name"
        yield f"{path}:{first}: {node.name} has {len(lines)} lines of code, {limit}"


def _many_positionals(path: str, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    names = [a.arg for a in [*node.args.posonlyargs, *node.args.args] if a.arg not in _SELF]
    if len(names) > POSITIONAL_MAX:
        limit = f"at most {POSITIONAL_MAX}; pass a record, or keywords"
        yield f"{node.name} takes {len(names)} positional arguments, {limit}"


_SELF = ("self", "cls")


def _banned_imports(path: str, node: ast.AST) -> Iterator[str]:
    modules: list[str] = []
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        modules = [node.module]
    yield from _apply(IMPORT_BANS, path, modules, "import of ")


def _banned_names(path: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        yield from _apply(NAME_BANS, path, [ast.unparse(node)], "")


def _apply(bans: tuple[Ban, ...], path: str, names: list[str], verb: str) -> Iterator[str]:
    for ban in bans:
        for name in names:
            if ban.holds_in(path) and re.fullmatch(ban.pattern, name):
                yield f"{verb}{name}; instead: {ban.instead}"


def _unseeded(path: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and ast.unparse(node).endswith("default_rng()"):
        yield "default_rng() without a seed; instead: a seed that is an argument or a constant"


def _float_arithmetic(path: str, node: ast.AST) -> Iterator[str]:
    if not path.startswith(NO_FLOAT) or path.startswith(CACHE_PATH):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield f"float {node.value}; instead: an int in _e4 or _e6"
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        yield "/ makes a float; instead: // where the rounding is meant and said"


def _broad_or_silent_except(path: str, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.ExceptHandler):
        return
    if node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)):
        yield "catches everything; instead: name what can be raised"
    if all(isinstance(statement, ast.Pass) for statement in node.body):
        yield "swallows an error; instead: handle it, count it or let it pass up"


def _unitless_columns(path: str, node: ast.AST) -> Iterator[str]:
    """Fields of a literal numpy dtype."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.dtype" and node.args:
        for field in getattr(node.args[0], "elts", []):
            if isinstance(field, ast.Tuple) and isinstance(field.elts[0], ast.Constant):
                yield from _unitless(str(field.elts[0].value))


def _unitless_settings(path: str, node: ast.AST) -> Iterator[str]:
    """Fields of the configuration and of the registry that hold a number."""
    if path not in ("hfptm/sections.py", "hfptm/registry.py") or not isinstance(node, ast.ClassDef):
        return
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and ast.unparse(field.annotation) != "str":
            yield from _unitless(ast.unparse(field.target))


def _unitless(name: str) -> Iterator[str]:
    words = name.split("_")
    if QUANTITIES.intersection(words) and words[-1] not in UNITS | DIMENSIONLESS:
        yield f"{name} does not end in its unit; instead: one of _{', _'.join(sorted(UNITS))}"


Rule = Callable[[str, ast.AST], Iterator[str]]
RULES: tuple[Rule, ...] = (
    _many_positionals,
    _banned_imports,
    _banned_names,
    _unseeded,
    _float_arithmetic,
    _broad_or_silent_except,
    _unitless_columns,
    _unitless_settings,
)
