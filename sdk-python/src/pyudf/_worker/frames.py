"""Arrays, frames and tables as bytes: what numpy and Arrow write themselves."""

from __future__ import annotations

import io
from typing import Any, Final

import msgspec
import numpy as np

from pyudf._annotations import Container

__all__ = ["form"]

_NAME: Final = b"pyudf.name"
_COLUMN: Final = "value"


def form(container: Container) -> Array | Table | Frame | Series:
    """Return what writes the values of a container.

    Raises:
        ImportError: The library that writes them is not there.
    """
    match container:
        case Container.NDARRAY:
            return Array()
        case Container.TABLE:
            return Table()
        case Container.FRAME:
            return Frame()
        case _:
            return Series()


class Array:
    """A numpy array of any dtype but objects."""

    def encode(self, value: Any) -> bytes:
        """Return the array as np.save writes it."""
        if not isinstance(value, np.ndarray):
            raise _wrong(value, "np.ndarray")
        file = io.BytesIO()
        np.save(file, value, allow_pickle=False)
        return file.getvalue()

    def decode(self, data: bytes) -> Any:
        """Return the array in memory of its own."""
        return np.load(io.BytesIO(data), allow_pickle=False)


class Table:
    """An Arrow table."""

    def __init__(self) -> None:
        """Import Arrow, which only its users pay for."""
        import pyarrow as pa  # noqa: PLC0415

        self._pa: Any = pa

    def encode(self, value: Any) -> bytes:
        """Return the table as an Arrow stream."""
        if not isinstance(value, self._pa.Table):
            raise _wrong(value, "pa.Table")
        sink = self._pa.BufferOutputStream()
        with self._pa.ipc.new_stream(sink, value.schema) as writer:
            writer.write_table(value)
        data: bytes = sink.getvalue().to_pybytes()
        return data

    def decode(self, data: bytes) -> Any:
        """Return the table."""
        return self._pa.ipc.open_stream(data).read_all()


class Frame:
    """A DataFrame with its index, through Arrow."""

    def __init__(self) -> None:
        """Import what writes frames."""
        import pandas as pd  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        self._from_pandas: Any = pa.Table.from_pandas
        self._table = Table()
        self._kind = pd.DataFrame

    def encode(self, value: Any) -> bytes:
        """Return the frame as an Arrow stream."""
        if not isinstance(value, self._kind):
            raise _wrong(value, "pd.DataFrame")
        return self._table.encode(self._from_pandas(value))

    def decode(self, data: bytes) -> Any:
        """Return the frame in memory of its own."""
        return self._table.decode(data).to_pandas().copy()


class Series:
    """A Series with its index and name, through Arrow."""

    def __init__(self) -> None:
        """Import what writes frames."""
        import pandas as pd  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        self._from_pandas: Any = pa.Table.from_pandas
        self._table = Table()
        self._kind = pd.Series

    def encode(self, value: Any) -> bytes:
        """Return the Series as an Arrow stream of one column."""
        if not isinstance(value, self._kind):
            raise _wrong(value, "pd.Series")
        table = self._from_pandas(value.to_frame(_COLUMN))
        name = msgspec.msgpack.encode(value.name)
        return self._table.encode(
            table.replace_schema_metadata({**(table.schema.metadata or {}), _NAME: name})
        )

    def decode(self, data: bytes) -> Any:
        """Return the Series in memory of its own."""
        table = self._table.decode(data)
        name = msgspec.msgpack.decode(table.schema.metadata[_NAME])
        return table.to_pandas()[_COLUMN].rename(name).copy()


def _wrong(value: Any, wanted: str) -> TypeError:
    return TypeError(f"{type(value).__qualname__} is set where {wanted} belongs")
