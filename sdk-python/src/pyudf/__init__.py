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
from pyudf.app import App
from pyudf.calls import Call, call
from pyudf.errors import DefinitionError, LoadError
from pyudf.eventtime import EventTime, event_time
from pyudf.expressions import Expr, col, lit
from pyudf.functions import Function, define
from pyudf.keyed import State, Timer, state, timer
from pyudf.stream import Stream
from pyudf.types import Field, FieldType

__version__ = "0.1.0"

__all__ = [
    "App",
    "Call",
    "DefinitionError",
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
    "call",
    "col",
    "define",
    "event_time",
    "file",
    "lit",
    "state",
    "timer",
]
