"""Notebook functions on Kafka streams, unchanged.

An app reads topics or files, puts functions and expressions on the way, and writes the results:

Example:
    >>> import pyudf as pu
    >>> app = pu.App("heat")
    >>> weather = app.topic("weather", key="station", time="time")
    >>> @app.udf(weather, to="celsius", column="temp_c")
    ... def celsius(temp_f: float) -> float:
    ...     return (temp_f - 32) / 1.8
    >>> weather.where(pu.col("temp_f") > 100).to("hot")
    >>> celsius(212)
    100.0
"""

from pyudf._places import FileTarget, file
from pyudf.aggregates import (
    Aggregate,
    bottom,
    collect,
    count,
    count_distinct,
    first,
    last,
    max,  # noqa: A004 - the word that users look for, behind pu.
    mean,
    median,
    min,  # noqa: A004
    quantile,
    std,
    sum,  # noqa: A004
    top,
    var,
)
from pyudf.app import App
from pyudf.calls import Aggregator, Call, call
from pyudf.custom import custom
from pyudf.emission import Early, early
from pyudf.errors import DefinitionError, LoadError
from pyudf.eventtime import EventTime, event_time
from pyudf.expressions import Expr, col, lit
from pyudf.functions import Function, define
from pyudf.keyed import State, Timer, state, timer
from pyudf.stream import Stream, Windowed
from pyudf.types import Field, FieldType
from pyudf.windows import Window, global_, hopping, session, sliding, tumbling

__version__ = "0.1.0"

__all__ = [
    "Aggregate",
    "Aggregator",
    "App",
    "Call",
    "DefinitionError",
    "Early",
    "EventTime",
    "Expr",
    "Field",
    "FieldType",
    "FileTarget",
    "Function",
    "LoadError",
    "State",
    "Stream",
    "Timer",
    "Window",
    "Windowed",
    "bottom",
    "call",
    "col",
    "collect",
    "count",
    "count_distinct",
    "custom",
    "define",
    "early",
    "event_time",
    "file",
    "first",
    "global_",
    "hopping",
    "last",
    "lit",
    "max",
    "mean",
    "median",
    "min",
    "quantile",
    "session",
    "sliding",
    "state",
    "std",
    "sum",
    "timer",
    "top",
    "tumbling",
    "var",
]
