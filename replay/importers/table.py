"""Parquet files as the user gave them: whole, with the columns expected, or not at all."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hfptm.errors import InputError


def read_table(path: Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """These columns, cast to these types; raises InputError, naming what was expected."""
    if not path.is_file():
        raise InputError(path, "no such file")
    try:
        file = pq.ParquetFile(path)
        missing = columns.keys() - set(file.schema_arrow.names)
        if missing:
            wanted = ", ".join(f"{name} ({kind})" for name, kind in columns.items())
            raise InputError(path, f"no column {', '.join(sorted(missing))}; expected {wanted}")
        return file.read(columns=list(columns)).cast(pa.schema(list(columns.items())))
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            path, f"not a readable Parquet file ({error}); copy it again; nothing was imported"
        ) from error
