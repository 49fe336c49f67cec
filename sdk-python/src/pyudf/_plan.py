"""A pipeline as the plan that the engine reads. Total: what the graph holds was checked."""

from __future__ import annotations

import inspect

from pyudf import _graph, aggregates
from pyudf._custom import CustomFunctions
from pyudf.emission import Early, Emit
from pyudf.errors import Origin, cell_of
from pyudf.eventtime import EventTime
from pyudf.expressions import Column, Expr, Literal, Operation, Value
from pyudf.functions import Container, Function, Output, Param, StateParam, TimerParam
from pyudf.plan.v1 import plan_pb2
from pyudf.types import Field, FieldType
from pyudf.windows import Count, Global, Hopping, Session, Sliding, Tumbling, Window

_FORMATS = {
    "json": plan_pb2.FORMAT_JSON,
    "csv": plan_pb2.FORMAT_CSV,
    "parquet": plan_pb2.FORMAT_PARQUET,
}

_EMIT_MODES = {
    "final": plan_pb2.EMIT_MODE_FINAL,
    "updates": plan_pb2.EMIT_MODE_UPDATES,
    "on_time+late": plan_pb2.EMIT_MODE_ON_TIME_AND_LATE,
}


def build(graph: _graph.Graph) -> plan_pb2.Plan:
    """Return the plan of a pipeline."""
    return plan_pb2.Plan(
        app=graph.app,
        sources=[_source(source) for source in graph.sources.values()],
        steps=[_step(step) for step in graph.steps],
        functions=[_function(function) for function in graph.functions.values()],
    )


def _position(origin: Origin) -> plan_pb2.Position:
    return plan_pb2.Position(file=cell_of(origin.file) or origin.file, line=origin.line)


def _type(type_: FieldType) -> str:
    return f"TYPE_{type_.name}"


def _source(source: _graph.Source) -> plan_pb2.Source:
    message = plan_pb2.Source(
        id=source.id,
        defined_at=_position(source.origin),
        key=source.key,
        time=_time(source.time),
    )
    message.schema.extend(_field(field) for field in source.schema)
    if isinstance(source.place, _graph.Topic):
        message.topic.CopyFrom(_topic(source.place))
    else:
        message.file.CopyFrom(_file(source.place))
    return message


def _time(time: EventTime) -> plan_pb2.EventTime:
    return plan_pb2.EventTime(
        field=time.field,
        unit=f"TIME_UNIT_{(time.unit or 'auto').upper()}",
        out_of_order_ms=time.out_of_order_ms,
        idle_ms=time.idle_ms,
        max_future_ms=time.max_future_ms,
    )


def _field(field: Field) -> plan_pb2.Field:
    return plan_pb2.Field(name=field.name, type=_type(field.type), nullable=field.nullable)


def _topic(topic: _graph.Topic) -> plan_pb2.Topic:
    return plan_pb2.Topic(
        name=topic.name, format=_FORMATS[topic.format], retention_ms=topic.retention_ms
    )


def _file(file: _graph.File) -> plan_pb2.File:
    return plan_pb2.File(path=file.name, format=_FORMATS[file.format])


def _step(step: _graph.Step) -> plan_pb2.Step:
    message = plan_pb2.Step(id=step.id, input=step.input, defined_at=_position(step.origin))
    op = step.op
    if isinstance(op, _graph.WithColumns):
        message.with_columns.columns.extend(_column(name, value) for name, value in op.columns)
    elif isinstance(op, _graph.Where):
        message.where.condition.CopyFrom(_expr(op.condition))
    elif isinstance(op, _graph.Select):
        message.select.fields.extend(op.fields)
    elif isinstance(op, _graph.Drop):
        message.drop.fields.extend(op.fields)
    elif isinstance(op, _graph.Map):
        message.map.call.CopyFrom(_call(op.call))
        message.map.schema.extend(_field(field) for field in op.schema)
    elif isinstance(op, _graph.KeyBy):
        message.key_by.fields.extend(op.fields)
    elif isinstance(op, _graph.Aggregate):
        message.aggregate.CopyFrom(_aggregate(op))
    elif isinstance(op.place, _graph.Topic):
        message.to.topic.CopyFrom(_topic(op.place))
    else:
        message.to.file.CopyFrom(_file(op.place))
    return message


def _aggregate(op: _graph.Aggregate) -> plan_pb2.Aggregate:
    window = _window(op.window)
    if op.functions is not None:
        window.custom.CopyFrom(_custom(op.functions))
    return plan_pb2.Aggregate(
        window=window,
        columns=[_aggregate_column(name, value) for name, value in op.columns],
        emit=_emit(op.window.emit),
        late=_topic(op.late),
    )


def _window(window: Window) -> plan_pb2.Window:
    message = plan_pb2.Window(grace_ms=getattr(window, "grace_ms", 0))
    match window:
        case Tumbling():
            message.tumbling.size_ms = window.size_ms
            message.tumbling.offset_ms = window.offset_ms
        case Hopping():
            message.hopping.size_ms = window.size_ms
            message.hopping.every_ms = window.every_ms
            message.hopping.offset_ms = window.offset_ms
        case Sliding():
            message.sliding.length_ms = window.length_ms
        case Count():
            message.count.size = window.size
            message.count.every = window.every
        case Session():
            message.session.CopyFrom(_session(window))
        case Global():
            # The field has the name of a keyword.
            getattr(message, "global").SetInParent()
    return message


def _session(session: Session) -> plan_pb2.Session:
    return plan_pb2.Session(
        gap_ms=session.gap_ms,
        gap_by=session.gap_by,
        min_events=session.min_events,
        max_duration_ms=session.max_duration_ms,
        close_on=None if session.close_on is None else _expr(session.close_on),
    )


def _custom(functions: CustomFunctions) -> plan_pb2.CustomWindow:
    assign, merge, should_close = functions
    args = tuple((param.name, param.name) for param in assign.params)
    return plan_pb2.CustomWindow(
        assign=_call(_graph.Bound(assign, args)),
        merge=None if merge is None else merge.id,
        should_close=None if should_close is None else should_close.id,
    )


def _emit(emit: Emit) -> plan_pb2.Emit:
    if isinstance(emit, Early):
        return plan_pb2.Emit(mode=plan_pb2.EMIT_MODE_EARLY, every_ms=emit.every_ms)
    return plan_pb2.Emit(mode=_EMIT_MODES[emit])


def _aggregate_column(
    name: str, value: aggregates.Aggregate | _graph.Bound
) -> plan_pb2.AggregateColumn:
    if isinstance(value, _graph.Bound):
        return plan_pb2.AggregateColumn(name=name, call=_call(value))
    builtin = plan_pb2.Builtin(
        op=f"AGGREGATE_OP_{value.op.name}",
        argument=None if value.argument is None else _expr(value.argument),
        quantile=value.quantile,
        limit=value.limit,
        ddof=value.ddof,
    )
    return plan_pb2.AggregateColumn(name=name, builtin=builtin)


def _column(name: str, value: Expr | _graph.Bound) -> plan_pb2.ColumnDef:
    if isinstance(value, Expr):
        return plan_pb2.ColumnDef(name=name, expr=_expr(value))
    return plan_pb2.ColumnDef(name=name, call=_call(value))


def _call(bound: _graph.Bound) -> plan_pb2.Call:
    args = [plan_pb2.Arg(param=param, field=field) for param, field in bound.args]
    return plan_pb2.Call(function=bound.function.id, args=args)


def _expr(expr: Expr) -> plan_pb2.Expr:
    if isinstance(expr, Column):
        return plan_pb2.Expr(column=expr.name)
    if isinstance(expr, Literal):
        return plan_pb2.Expr(literal=_literal(expr.value))
    assert isinstance(expr, Operation)
    args = [_expr(arg) for arg in expr.args]
    return plan_pb2.Expr(operation=plan_pb2.Operation(op=f"OP_{expr.op.name}", args=args))


def _literal(value: Value) -> plan_pb2.Literal:
    if value is None:
        return plan_pb2.Literal(null_value=True)
    if isinstance(value, bool):
        return plan_pb2.Literal(bool_value=value)
    if isinstance(value, int):
        return plan_pb2.Literal(int_value=value)
    if isinstance(value, float):
        return plan_pb2.Literal(float_value=value)
    return plan_pb2.Literal(string_value=value)


def _function(function: Function) -> plan_pb2.Function:
    column = function.output is Output.COLUMN
    return plan_pb2.Function(
        id=function.id,
        name=function.name,
        defined_at=plan_pb2.Position(file=function.file, line=function.line),
        kind=_kind(function),
        input=_input(function),
        params=[_param(param) for param in function.params],
        result_type=None if function.result_type is None else _type(function.result_type),
        output=plan_pb2.OUTPUT_COLUMN if column else plan_pb2.OUTPUT_RECORDS,
        on_null=f"ON_NULL_{function.on_null.upper()}",
        on_error=f"ON_ERROR_{function.on_error.upper()}",
        timeout_ms=round(function.timeout * 1000),
        states=[_state(state) for state in function.states],
        timers=[_timer(timer) for timer in function.timers],
        merges=hasattr(function.aggregator, "merge"),
    )


def _kind(function: Function) -> plan_pb2.Kind:
    if function.aggregator is not None:
        return plan_pb2.KIND_AGGREGATOR
    if function.grouped:
        return plan_pb2.KIND_GROUPS
    if function.container.vectorised:
        return plan_pb2.KIND_VECTORISED
    record = function.container is Container.RECORD
    return plan_pb2.KIND_RECORD if record else plan_pb2.KIND_SCALAR


def _input(function: Function) -> plan_pb2.Input:
    # Nothing travels to a timer's callback but the key, the time and the states: no column.
    records = function.container is Container.RECORD and not function.callback
    return plan_pb2.INPUT_RECORDS if records else plan_pb2.INPUT_COLUMNS


def _state(state: StateParam) -> plan_pb2.State:
    return plan_pb2.State(name=state.name, format=state.format, ttl_ms=state.ttl_ms)


def _timer(timer: TimerParam) -> plan_pb2.Timer:
    return plan_pb2.Timer(name=timer.name, on_timer=timer.callback.id)


def _param(param: Param) -> plan_pb2.Param:
    message = plan_pb2.Param(name=param.name, type=_type(param.type), nullable=param.nullable)
    if param.default is not inspect.Parameter.empty:
        message.default_value.CopyFrom(_literal(param.default))
    return message
