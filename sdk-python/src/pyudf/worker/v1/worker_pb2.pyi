from pyudf.plan.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_ADD: _ClassVar[Action]
    ACTION_MERGE: _ClassVar[Action]
    ACTION_RESULT: _ClassVar[Action]
ACTION_UNSPECIFIED: Action
ACTION_ADD: Action
ACTION_MERGE: Action
ACTION_RESULT: Action

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("plan", "error", "content_hash", "sdk_version", "python_version", "pid", "protocol")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    SDK_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    error: LoadError
    content_hash: str
    sdk_version: str
    python_version: str
    pid: int
    protocol: int
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., error: _Optional[_Union[LoadError, _Mapping]] = ..., content_hash: _Optional[str] = ..., sdk_version: _Optional[str] = ..., python_version: _Optional[str] = ..., pid: _Optional[int] = ..., protocol: _Optional[int] = ...) -> None: ...

class LoadError(_message.Message):
    __slots__ = ("message", "traceback")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    message: str
    traceback: str
    def __init__(self, message: _Optional[str] = ..., traceback: _Optional[str] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ("seq", "function", "rows", "columns", "records", "groups")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    function: str
    rows: int
    columns: Columns
    records: Records
    groups: Groups
    def __init__(self, seq: _Optional[int] = ..., function: _Optional[str] = ..., rows: _Optional[int] = ..., columns: _Optional[_Union[Columns, _Mapping]] = ..., records: _Optional[_Union[Records, _Mapping]] = ..., groups: _Optional[_Union[Groups, _Mapping]] = ...) -> None: ...

class Groups(_message.Message):
    __slots__ = ("offsets", "keys", "states", "times", "timers", "action", "watermarks")
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    WATERMARKS_FIELD_NUMBER: _ClassVar[int]
    offsets: bytes
    keys: Records
    states: _containers.RepeatedCompositeFieldContainer[Values]
    times: bytes
    timers: _containers.RepeatedCompositeFieldContainer[Timestamps]
    action: Action
    watermarks: bytes
    def __init__(self, offsets: _Optional[bytes] = ..., keys: _Optional[_Union[Records, _Mapping]] = ..., states: _Optional[_Iterable[_Union[Values, _Mapping]]] = ..., times: _Optional[bytes] = ..., timers: _Optional[_Iterable[_Union[Timestamps, _Mapping]]] = ..., action: _Optional[_Union[Action, str]] = ..., watermarks: _Optional[bytes] = ...) -> None: ...

class Values(_message.Message):
    __slots__ = ("values", "present")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    values: Records
    present: bytes
    def __init__(self, values: _Optional[_Union[Records, _Mapping]] = ..., present: _Optional[bytes] = ...) -> None: ...

class Timestamps(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: bytes
    def __init__(self, values: _Optional[bytes] = ...) -> None: ...

class Columns(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("validity", "offsets", "values")
    VALIDITY_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    validity: bytes
    offsets: bytes
    values: bytes
    def __init__(self, validity: _Optional[bytes] = ..., offsets: _Optional[bytes] = ..., values: _Optional[bytes] = ...) -> None: ...

class Records(_message.Message):
    __slots__ = ("data", "offsets")
    DATA_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    offsets: bytes
    def __init__(self, data: _Optional[bytes] = ..., offsets: _Optional[bytes] = ...) -> None: ...

class RunResponse(_message.Message):
    __slots__ = ("seq", "rows", "column", "records", "errors", "busy_ns", "states", "timers", "taken")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    BUSY_NS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    seq: int
    rows: int
    column: Column
    records: OutputRecords
    errors: _containers.RepeatedCompositeFieldContainer[RowError]
    busy_ns: int
    states: _containers.RepeatedCompositeFieldContainer[Values]
    timers: _containers.RepeatedCompositeFieldContainer[Timestamps]
    taken: bytes
    def __init__(self, seq: _Optional[int] = ..., rows: _Optional[int] = ..., column: _Optional[_Union[Column, _Mapping]] = ..., records: _Optional[_Union[OutputRecords, _Mapping]] = ..., errors: _Optional[_Iterable[_Union[RowError, _Mapping]]] = ..., busy_ns: _Optional[int] = ..., states: _Optional[_Iterable[_Union[Values, _Mapping]]] = ..., timers: _Optional[_Iterable[_Union[Timestamps, _Mapping]]] = ..., taken: _Optional[bytes] = ...) -> None: ...

class OutputRecords(_message.Message):
    __slots__ = ("records", "sources")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    records: Records
    sources: bytes
    def __init__(self, records: _Optional[_Union[Records, _Mapping]] = ..., sources: _Optional[bytes] = ...) -> None: ...

class RowError(_message.Message):
    __slots__ = ("row", "exception", "message", "traceback")
    ROW_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    row: int
    exception: str
    message: str
    traceback: str
    def __init__(self, row: _Optional[int] = ..., exception: _Optional[str] = ..., message: _Optional[str] = ..., traceback: _Optional[str] = ...) -> None: ...

class ControlRequest(_message.Message):
    __slots__ = ("stop", "abandon")
    STOP_FIELD_NUMBER: _ClassVar[int]
    ABANDON_FIELD_NUMBER: _ClassVar[int]
    stop: Stop
    abandon: Abandon
    def __init__(self, stop: _Optional[_Union[Stop, _Mapping]] = ..., abandon: _Optional[_Union[Abandon, _Mapping]] = ...) -> None: ...

class Stop(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Abandon(_message.Message):
    __slots__ = ("orphan",)
    ORPHAN_FIELD_NUMBER: _ClassVar[int]
    orphan: bool
    def __init__(self, orphan: _Optional[bool] = ...) -> None: ...

class ControlResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
