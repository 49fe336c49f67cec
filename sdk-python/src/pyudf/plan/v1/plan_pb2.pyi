from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimeUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_UNIT_UNSPECIFIED: _ClassVar[TimeUnit]
    TIME_UNIT_AUTO: _ClassVar[TimeUnit]
    TIME_UNIT_MS: _ClassVar[TimeUnit]
    TIME_UNIT_S: _ClassVar[TimeUnit]
    TIME_UNIT_US: _ClassVar[TimeUnit]
    TIME_UNIT_NS: _ClassVar[TimeUnit]
    TIME_UNIT_ISO: _ClassVar[TimeUnit]

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_JSON: _ClassVar[Format]
    FORMAT_CSV: _ClassVar[Format]
    FORMAT_PARQUET: _ClassVar[Format]

class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TYPE_UNSPECIFIED: _ClassVar[Type]
    TYPE_BOOL: _ClassVar[Type]
    TYPE_INT64: _ClassVar[Type]
    TYPE_FLOAT64: _ClassVar[Type]
    TYPE_STRING: _ClassVar[Type]
    TYPE_DECIMAL: _ClassVar[Type]
    TYPE_TIMESTAMP: _ClassVar[Type]
    TYPE_JSON: _ClassVar[Type]

class EmitMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMIT_MODE_UNSPECIFIED: _ClassVar[EmitMode]
    EMIT_MODE_FINAL: _ClassVar[EmitMode]
    EMIT_MODE_UPDATES: _ClassVar[EmitMode]
    EMIT_MODE_EARLY: _ClassVar[EmitMode]
    EMIT_MODE_ON_TIME_AND_LATE: _ClassVar[EmitMode]

class AggregateOp(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATE_OP_UNSPECIFIED: _ClassVar[AggregateOp]
    AGGREGATE_OP_COUNT: _ClassVar[AggregateOp]
    AGGREGATE_OP_SUM: _ClassVar[AggregateOp]
    AGGREGATE_OP_MEAN: _ClassVar[AggregateOp]
    AGGREGATE_OP_MIN: _ClassVar[AggregateOp]
    AGGREGATE_OP_MAX: _ClassVar[AggregateOp]
    AGGREGATE_OP_FIRST: _ClassVar[AggregateOp]
    AGGREGATE_OP_LAST: _ClassVar[AggregateOp]
    AGGREGATE_OP_VARIANCE: _ClassVar[AggregateOp]
    AGGREGATE_OP_STDDEV: _ClassVar[AggregateOp]
    AGGREGATE_OP_COUNT_DISTINCT: _ClassVar[AggregateOp]
    AGGREGATE_OP_QUANTILE: _ClassVar[AggregateOp]
    AGGREGATE_OP_COLLECT: _ClassVar[AggregateOp]
    AGGREGATE_OP_TOP: _ClassVar[AggregateOp]
    AGGREGATE_OP_BOTTOM: _ClassVar[AggregateOp]

class Op(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OP_UNSPECIFIED: _ClassVar[Op]
    OP_ADD: _ClassVar[Op]
    OP_SUBTRACT: _ClassVar[Op]
    OP_MULTIPLY: _ClassVar[Op]
    OP_DIVIDE: _ClassVar[Op]
    OP_FLOOR_DIVIDE: _ClassVar[Op]
    OP_MODULO: _ClassVar[Op]
    OP_NEGATE: _ClassVar[Op]
    OP_EQUAL: _ClassVar[Op]
    OP_NOT_EQUAL: _ClassVar[Op]
    OP_LESS: _ClassVar[Op]
    OP_LESS_EQUAL: _ClassVar[Op]
    OP_GREATER: _ClassVar[Op]
    OP_GREATER_EQUAL: _ClassVar[Op]
    OP_AND: _ClassVar[Op]
    OP_OR: _ClassVar[Op]
    OP_NOT: _ClassVar[Op]
    OP_IS_NULL: _ClassVar[Op]
    OP_IS_NOT_NULL: _ClassVar[Op]
    OP_IS_IN: _ClassVar[Op]

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    KIND_SCALAR: _ClassVar[Kind]
    KIND_RECORD: _ClassVar[Kind]
    KIND_VECTORISED: _ClassVar[Kind]
    KIND_GROUPS: _ClassVar[Kind]
    KIND_AGGREGATOR: _ClassVar[Kind]

class Input(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_UNSPECIFIED: _ClassVar[Input]
    INPUT_COLUMNS: _ClassVar[Input]
    INPUT_RECORDS: _ClassVar[Input]

class Output(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_UNSPECIFIED: _ClassVar[Output]
    OUTPUT_COLUMN: _ClassVar[Output]
    OUTPUT_RECORDS: _ClassVar[Output]

class OnNull(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_NULL_UNSPECIFIED: _ClassVar[OnNull]
    ON_NULL_NULL: _ClassVar[OnNull]
    ON_NULL_CALL: _ClassVar[OnNull]
    ON_NULL_DLQ: _ClassVar[OnNull]

class OnError(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_ERROR_UNSPECIFIED: _ClassVar[OnError]
    ON_ERROR_DLQ: _ClassVar[OnError]
    ON_ERROR_SKIP: _ClassVar[OnError]
    ON_ERROR_STOP: _ClassVar[OnError]
TIME_UNIT_UNSPECIFIED: TimeUnit
TIME_UNIT_AUTO: TimeUnit
TIME_UNIT_MS: TimeUnit
TIME_UNIT_S: TimeUnit
TIME_UNIT_US: TimeUnit
TIME_UNIT_NS: TimeUnit
TIME_UNIT_ISO: TimeUnit
FORMAT_UNSPECIFIED: Format
FORMAT_JSON: Format
FORMAT_CSV: Format
FORMAT_PARQUET: Format
TYPE_UNSPECIFIED: Type
TYPE_BOOL: Type
TYPE_INT64: Type
TYPE_FLOAT64: Type
TYPE_STRING: Type
TYPE_DECIMAL: Type
TYPE_TIMESTAMP: Type
TYPE_JSON: Type
EMIT_MODE_UNSPECIFIED: EmitMode
EMIT_MODE_FINAL: EmitMode
EMIT_MODE_UPDATES: EmitMode
EMIT_MODE_EARLY: EmitMode
EMIT_MODE_ON_TIME_AND_LATE: EmitMode
AGGREGATE_OP_UNSPECIFIED: AggregateOp
AGGREGATE_OP_COUNT: AggregateOp
AGGREGATE_OP_SUM: AggregateOp
AGGREGATE_OP_MEAN: AggregateOp
AGGREGATE_OP_MIN: AggregateOp
AGGREGATE_OP_MAX: AggregateOp
AGGREGATE_OP_FIRST: AggregateOp
AGGREGATE_OP_LAST: AggregateOp
AGGREGATE_OP_VARIANCE: AggregateOp
AGGREGATE_OP_STDDEV: AggregateOp
AGGREGATE_OP_COUNT_DISTINCT: AggregateOp
AGGREGATE_OP_QUANTILE: AggregateOp
AGGREGATE_OP_COLLECT: AggregateOp
AGGREGATE_OP_TOP: AggregateOp
AGGREGATE_OP_BOTTOM: AggregateOp
OP_UNSPECIFIED: Op
OP_ADD: Op
OP_SUBTRACT: Op
OP_MULTIPLY: Op
OP_DIVIDE: Op
OP_FLOOR_DIVIDE: Op
OP_MODULO: Op
OP_NEGATE: Op
OP_EQUAL: Op
OP_NOT_EQUAL: Op
OP_LESS: Op
OP_LESS_EQUAL: Op
OP_GREATER: Op
OP_GREATER_EQUAL: Op
OP_AND: Op
OP_OR: Op
OP_NOT: Op
OP_IS_NULL: Op
OP_IS_NOT_NULL: Op
OP_IS_IN: Op
KIND_UNSPECIFIED: Kind
KIND_SCALAR: Kind
KIND_RECORD: Kind
KIND_VECTORISED: Kind
KIND_GROUPS: Kind
KIND_AGGREGATOR: Kind
INPUT_UNSPECIFIED: Input
INPUT_COLUMNS: Input
INPUT_RECORDS: Input
OUTPUT_UNSPECIFIED: Output
OUTPUT_COLUMN: Output
OUTPUT_RECORDS: Output
ON_NULL_UNSPECIFIED: OnNull
ON_NULL_NULL: OnNull
ON_NULL_CALL: OnNull
ON_NULL_DLQ: OnNull
ON_ERROR_UNSPECIFIED: OnError
ON_ERROR_DLQ: OnError
ON_ERROR_SKIP: OnError
ON_ERROR_STOP: OnError

class Plan(_message.Message):
    __slots__ = ("app", "sources", "steps", "functions")
    APP_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    app: str
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    functions: _containers.RepeatedCompositeFieldContainer[Function]
    def __init__(self, app: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., functions: _Optional[_Iterable[_Union[Function, _Mapping]]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("file", "line")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("id", "defined_at", "topic", "file", "schema", "key", "time")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEFINED_AT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    defined_at: Position
    topic: Topic
    file: File
    schema: _containers.RepeatedCompositeFieldContainer[Field]
    key: str
    time: EventTime
    def __init__(self, id: _Optional[str] = ..., defined_at: _Optional[_Union[Position, _Mapping]] = ..., topic: _Optional[_Union[Topic, _Mapping]] = ..., file: _Optional[_Union[File, _Mapping]] = ..., schema: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., key: _Optional[str] = ..., time: _Optional[_Union[EventTime, _Mapping]] = ...) -> None: ...

class EventTime(_message.Message):
    __slots__ = ("field", "unit", "out_of_order_ms", "idle_ms", "max_future_ms")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    OUT_OF_ORDER_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_FUTURE_MS_FIELD_NUMBER: _ClassVar[int]
    field: str
    unit: TimeUnit
    out_of_order_ms: int
    idle_ms: int
    max_future_ms: int
    def __init__(self, field: _Optional[str] = ..., unit: _Optional[_Union[TimeUnit, str]] = ..., out_of_order_ms: _Optional[int] = ..., idle_ms: _Optional[int] = ..., max_future_ms: _Optional[int] = ...) -> None: ...

class Topic(_message.Message):
    __slots__ = ("name", "format", "retention_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    RETENTION_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    format: Format
    retention_ms: int
    def __init__(self, name: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ..., retention_ms: _Optional[int] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("path", "format")
    PATH_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    path: str
    format: Format
    def __init__(self, path: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type", "nullable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    nullable: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., nullable: _Optional[bool] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("id", "input", "defined_at", "with_columns", "where", "select", "drop", "map", "to", "key_by", "aggregate")
    ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DEFINED_AT_FIELD_NUMBER: _ClassVar[int]
    WITH_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    KEY_BY_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    input: str
    defined_at: Position
    with_columns: WithColumns
    where: Where
    select: Select
    drop: Drop
    map: Map
    to: To
    key_by: KeyBy
    aggregate: Aggregate
    def __init__(self, id: _Optional[str] = ..., input: _Optional[str] = ..., defined_at: _Optional[_Union[Position, _Mapping]] = ..., with_columns: _Optional[_Union[WithColumns, _Mapping]] = ..., where: _Optional[_Union[Where, _Mapping]] = ..., select: _Optional[_Union[Select, _Mapping]] = ..., drop: _Optional[_Union[Drop, _Mapping]] = ..., map: _Optional[_Union[Map, _Mapping]] = ..., to: _Optional[_Union[To, _Mapping]] = ..., key_by: _Optional[_Union[KeyBy, _Mapping]] = ..., aggregate: _Optional[_Union[Aggregate, _Mapping]] = ...) -> None: ...

class WithColumns(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnDef]
    def __init__(self, columns: _Optional[_Iterable[_Union[ColumnDef, _Mapping]]] = ...) -> None: ...

class ColumnDef(_message.Message):
    __slots__ = ("name", "expr", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPR_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    expr: Expr
    call: Call
    def __init__(self, name: _Optional[str] = ..., expr: _Optional[_Union[Expr, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("function", "args")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    function: str
    args: _containers.RepeatedCompositeFieldContainer[Arg]
    def __init__(self, function: _Optional[str] = ..., args: _Optional[_Iterable[_Union[Arg, _Mapping]]] = ...) -> None: ...

class Arg(_message.Message):
    __slots__ = ("param", "field")
    PARAM_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    param: str
    field: str
    def __init__(self, param: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Where(_message.Message):
    __slots__ = ("condition",)
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    condition: Expr
    def __init__(self, condition: _Optional[_Union[Expr, _Mapping]] = ...) -> None: ...

class Select(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Drop(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Map(_message.Message):
    __slots__ = ("call", "schema")
    CALL_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    call: Call
    schema: _containers.RepeatedCompositeFieldContainer[Field]
    def __init__(self, call: _Optional[_Union[Call, _Mapping]] = ..., schema: _Optional[_Iterable[_Union[Field, _Mapping]]] = ...) -> None: ...

class To(_message.Message):
    __slots__ = ("topic", "file")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    topic: Topic
    file: File
    def __init__(self, topic: _Optional[_Union[Topic, _Mapping]] = ..., file: _Optional[_Union[File, _Mapping]] = ...) -> None: ...

class KeyBy(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Aggregate(_message.Message):
    __slots__ = ("window", "columns", "emit", "late")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    EMIT_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    window: Window
    columns: _containers.RepeatedCompositeFieldContainer[AggregateColumn]
    emit: Emit
    late: Topic
    def __init__(self, window: _Optional[_Union[Window, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[AggregateColumn, _Mapping]]] = ..., emit: _Optional[_Union[Emit, _Mapping]] = ..., late: _Optional[_Union[Topic, _Mapping]] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("tumbling", "hopping", "sliding", "count", "session", "custom", "grace_ms")
    TUMBLING_FIELD_NUMBER: _ClassVar[int]
    HOPPING_FIELD_NUMBER: _ClassVar[int]
    SLIDING_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    tumbling: Tumbling
    hopping: Hopping
    sliding: Sliding
    count: Count
    session: Session
    custom: CustomWindow
    grace_ms: int
    def __init__(self, tumbling: _Optional[_Union[Tumbling, _Mapping]] = ..., hopping: _Optional[_Union[Hopping, _Mapping]] = ..., sliding: _Optional[_Union[Sliding, _Mapping]] = ..., count: _Optional[_Union[Count, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., custom: _Optional[_Union[CustomWindow, _Mapping]] = ..., grace_ms: _Optional[int] = ..., **kwargs) -> None: ...

class Tumbling(_message.Message):
    __slots__ = ("size_ms", "offset_ms")
    SIZE_MS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_MS_FIELD_NUMBER: _ClassVar[int]
    size_ms: int
    offset_ms: int
    def __init__(self, size_ms: _Optional[int] = ..., offset_ms: _Optional[int] = ...) -> None: ...

class Hopping(_message.Message):
    __slots__ = ("size_ms", "every_ms", "offset_ms")
    SIZE_MS_FIELD_NUMBER: _ClassVar[int]
    EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_MS_FIELD_NUMBER: _ClassVar[int]
    size_ms: int
    every_ms: int
    offset_ms: int
    def __init__(self, size_ms: _Optional[int] = ..., every_ms: _Optional[int] = ..., offset_ms: _Optional[int] = ...) -> None: ...

class Sliding(_message.Message):
    __slots__ = ("length_ms",)
    LENGTH_MS_FIELD_NUMBER: _ClassVar[int]
    length_ms: int
    def __init__(self, length_ms: _Optional[int] = ...) -> None: ...

class Count(_message.Message):
    __slots__ = ("size", "every")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    size: int
    every: int
    def __init__(self, size: _Optional[int] = ..., every: _Optional[int] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("gap_ms", "gap_by", "min_events", "max_duration_ms", "close_on")
    GAP_MS_FIELD_NUMBER: _ClassVar[int]
    GAP_BY_FIELD_NUMBER: _ClassVar[int]
    MIN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_ON_FIELD_NUMBER: _ClassVar[int]
    gap_ms: int
    gap_by: str
    min_events: int
    max_duration_ms: int
    close_on: Expr
    def __init__(self, gap_ms: _Optional[int] = ..., gap_by: _Optional[str] = ..., min_events: _Optional[int] = ..., max_duration_ms: _Optional[int] = ..., close_on: _Optional[_Union[Expr, _Mapping]] = ...) -> None: ...

class Global(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CustomWindow(_message.Message):
    __slots__ = ("assign", "merge", "should_close")
    ASSIGN_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    SHOULD_CLOSE_FIELD_NUMBER: _ClassVar[int]
    assign: Call
    merge: str
    should_close: str
    def __init__(self, assign: _Optional[_Union[Call, _Mapping]] = ..., merge: _Optional[str] = ..., should_close: _Optional[str] = ...) -> None: ...

class Emit(_message.Message):
    __slots__ = ("mode", "every_ms")
    MODE_FIELD_NUMBER: _ClassVar[int]
    EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    mode: EmitMode
    every_ms: int
    def __init__(self, mode: _Optional[_Union[EmitMode, str]] = ..., every_ms: _Optional[int] = ...) -> None: ...

class AggregateColumn(_message.Message):
    __slots__ = ("name", "builtin", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    builtin: Builtin
    call: Call
    def __init__(self, name: _Optional[str] = ..., builtin: _Optional[_Union[Builtin, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ...) -> None: ...

class Builtin(_message.Message):
    __slots__ = ("op", "argument", "quantile", "limit", "ddof")
    OP_FIELD_NUMBER: _ClassVar[int]
    ARGUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DDOF_FIELD_NUMBER: _ClassVar[int]
    op: AggregateOp
    argument: Expr
    quantile: float
    limit: int
    ddof: int
    def __init__(self, op: _Optional[_Union[AggregateOp, str]] = ..., argument: _Optional[_Union[Expr, _Mapping]] = ..., quantile: _Optional[float] = ..., limit: _Optional[int] = ..., ddof: _Optional[int] = ...) -> None: ...

class Expr(_message.Message):
    __slots__ = ("column", "literal", "operation")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    LITERAL_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    column: str
    literal: Literal
    operation: Operation
    def __init__(self, column: _Optional[str] = ..., literal: _Optional[_Union[Literal, _Mapping]] = ..., operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class Literal(_message.Message):
    __slots__ = ("bool_value", "int_value", "float_value", "string_value", "null_value")
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    NULL_VALUE_FIELD_NUMBER: _ClassVar[int]
    bool_value: bool
    int_value: int
    float_value: float
    string_value: str
    null_value: bool
    def __init__(self, bool_value: _Optional[bool] = ..., int_value: _Optional[int] = ..., float_value: _Optional[float] = ..., string_value: _Optional[str] = ..., null_value: _Optional[bool] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("op", "args")
    OP_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    op: Op
    args: _containers.RepeatedCompositeFieldContainer[Expr]
    def __init__(self, op: _Optional[_Union[Op, str]] = ..., args: _Optional[_Iterable[_Union[Expr, _Mapping]]] = ...) -> None: ...

class Function(_message.Message):
    __slots__ = ("id", "name", "defined_at", "kind", "input", "params", "output", "result_type", "on_null", "on_error", "timeout_ms", "states", "timers", "merges")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFINED_AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RESULT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ON_NULL_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    MERGES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    defined_at: Position
    kind: Kind
    input: Input
    params: _containers.RepeatedCompositeFieldContainer[Param]
    output: Output
    result_type: Type
    on_null: OnNull
    on_error: OnError
    timeout_ms: int
    states: _containers.RepeatedCompositeFieldContainer[State]
    timers: _containers.RepeatedCompositeFieldContainer[Timer]
    merges: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., defined_at: _Optional[_Union[Position, _Mapping]] = ..., kind: _Optional[_Union[Kind, str]] = ..., input: _Optional[_Union[Input, str]] = ..., params: _Optional[_Iterable[_Union[Param, _Mapping]]] = ..., output: _Optional[_Union[Output, str]] = ..., result_type: _Optional[_Union[Type, str]] = ..., on_null: _Optional[_Union[OnNull, str]] = ..., on_error: _Optional[_Union[OnError, str]] = ..., timeout_ms: _Optional[int] = ..., states: _Optional[_Iterable[_Union[State, _Mapping]]] = ..., timers: _Optional[_Iterable[_Union[Timer, _Mapping]]] = ..., merges: _Optional[bool] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("name", "format", "ttl_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    format: str
    ttl_ms: int
    def __init__(self, name: _Optional[str] = ..., format: _Optional[str] = ..., ttl_ms: _Optional[int] = ...) -> None: ...

class Timer(_message.Message):
    __slots__ = ("name", "on_timer")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_TIMER_FIELD_NUMBER: _ClassVar[int]
    name: str
    on_timer: str
    def __init__(self, name: _Optional[str] = ..., on_timer: _Optional[str] = ...) -> None: ...

class Param(_message.Message):
    __slots__ = ("name", "type", "nullable", "default_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    nullable: bool
    default_value: Literal
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., nullable: _Optional[bool] = ..., default_value: _Optional[_Union[Literal, _Mapping]] = ...) -> None: ...
