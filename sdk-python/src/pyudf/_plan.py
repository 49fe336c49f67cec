"""A pipeline as the plan that the engine reads. Total: what the graph holds was checked."""

from __future__ import annotations

import inspect

from pyudf import _graph
from pyudf.errors import Origin
from pyudf.eventtime import EventTime
from pyudf.expressions import Column, Expr, Literal, Operation, Value
from pyudf.functions import Container, Function, Output, Param
from pyudf.plan.v1 import plan_pb2
from pyudf.types import Field, FieldType

_FORMATS = {
    "json": plan_pb2.FORMAT_JSON,
    "csv": plan_pb2.FORMAT_CSV,
    "parquet": plan_pb2.FORMAT_PARQUET,
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
    return plan_pb2.Position(file=origin.file, line=origin.line)


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
    elif isinstance(op.place, _graph.Topic):
        message.to.topic.CopyFrom(_topic(op.place))
    else:
        message.to.file.CopyFrom(_file(op.place))
    return message


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
    record = function.container is Container.RECORD
    column = function.output is Output.COLUMN
    return plan_pb2.Function(
        id=function.id,
        name=function.name,
        defined_at=plan_pb2.Position(file=function.file, line=function.line),
        kind=_kind(function.container),
        input=plan_pb2.INPUT_RECORDS if record else plan_pb2.INPUT_COLUMNS,
        params=[_param(param) for param in function.params],
        result_type=None if function.result_type is None else _type(function.result_type),
        output=plan_pb2.OUTPUT_COLUMN if column else plan_pb2.OUTPUT_RECORDS,
        on_null=f"ON_NULL_{function.on_null.upper()}",
        on_error=f"ON_ERROR_{function.on_error.upper()}",
        timeout_ms=round(function.timeout * 1000),
    )


def _kind(container: Container) -> plan_pb2.Kind:
    if container.vectorised:
        return plan_pb2.KIND_VECTORISED
    return plan_pb2.KIND_RECORD if container is Container.RECORD else plan_pb2.KIND_SCALAR


def _param(param: Param) -> plan_pb2.Param:
    message = plan_pb2.Param(name=param.name, type=_type(param.type), nullable=param.nullable)
    if param.default is not inspect.Parameter.empty:
        message.default_value.CopyFrom(_literal(param.default))
    return message
