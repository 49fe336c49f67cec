"""What a type annotation means to the engine."""

from __future__ import annotations

import enum


class Container(enum.Enum):
    """What a function takes its input in.

    ``SCALAR``: one value a parameter. ``RECORD``: one whole record. The others take a batch:
    a pandas Series, a numpy array or an Arrow array a parameter, or one DataFrame or Arrow table.
    """

    SCALAR = "scalar"
    RECORD = "record"
    SERIES = "pandas.Series"
    NDARRAY = "numpy.ndarray"
    ARRAY = "pyarrow.Array"
    FRAME = "pandas.DataFrame"
    TABLE = "pyarrow.Table"
