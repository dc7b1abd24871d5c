"""What a notebook is about unless told otherwise: the newest run, sweep or capture analysis."""

import duckdb

from hfptm.errors import LakeError

TWIN = "-twin"
"""After the id of a live run: its paper twin."""


def run(connection: duckdb.DuckDBPyConnection, *modes: str) -> str:
    """Id of the newest closed run, of these modes if any are given; LakeError without one."""
    rows = connection.execute(
        "SELECT run_id FROM runs WHERE len($modes) = 0 OR mode IN $modes "
        "ORDER BY run_id DESC LIMIT 1",
        {"modes": list(modes)},
    ).fetchall()
    if not rows:
        makers = " or ".join(f"`hfptm {mode}`" for mode in modes or ("replay", "paper"))
        raise LakeError(f"no such run here yet: make one with {makers}")
    return str(rows[0][0])


def pair(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The newest live run and its paper twin by name; else the two newest runs.

    Raises LakeError if there are no two.
    """
    rows = connection.execute("SELECT run_id, mode FROM runs ORDER BY run_id DESC").fetchall()
    modes = dict(rows)
    live = next((run_id for run_id in modes if f"{run_id}{TWIN}" in modes), None)
    if live:
        return {"live": live, "paper twin": f"{live}{TWIN}"}
    if len(rows) < 2:
        raise LakeError("two runs are wanted: `hfptm live` makes a pair, or `hfptm replay` twice")
    return {f"{modes[run_id]} {run_id}": run_id for run_id in list(modes)[1::-1]}


def sweep(connection: duckdb.DuckDBPyConnection) -> str:
    """Id of the newest sweep; raises LakeError without one."""
    return _newest(connection, "kind <> 'capture'", "hfptm sweep GRID.toml")


def capture(connection: duckdb.DuckDBPyConnection) -> str:
    """Id of the newest capture analysis; raises LakeError without one."""
    return _newest(connection, "kind = 'capture'", "hfptm capture")


def _newest(connection: duckdb.DuckDBPyConnection, where: str, maker: str) -> str:
    rows = connection.execute(f"SELECT max(sweep_id) FROM sweeps WHERE {where}").fetchall()
    if rows[0][0] is None:
        raise LakeError(f"none here yet: make one with `{maker}`")
    return str(rows[0][0])
