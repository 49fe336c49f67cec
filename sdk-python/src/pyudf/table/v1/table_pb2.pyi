from pyudf.worker.v1 import worker_pb2 as _worker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    KIND_BOOL: _ClassVar[Kind]
    KIND_INT64: _ClassVar[Kind]
    KIND_FLOAT64: _ClassVar[Kind]
    KIND_STRING: _ClassVar[Kind]
    KIND_DECIMAL: _ClassVar[Kind]
    KIND_JSON: _ClassVar[Kind]
    KIND_BINARY: _ClassVar[Kind]
    KIND_TIMESTAMP: _ClassVar[Kind]
    KIND_DATE: _ClassVar[Kind]
    KIND_TIME: _ClassVar[Kind]
    KIND_NULL: _ClassVar[Kind]
KIND_UNSPECIFIED: Kind
KIND_BOOL: Kind
KIND_INT64: Kind
KIND_FLOAT64: Kind
KIND_STRING: Kind
KIND_DECIMAL: Kind
KIND_JSON: Kind
KIND_BINARY: Kind
KIND_TIMESTAMP: Kind
KIND_DATE: Kind
KIND_TIME: Kind
KIND_NULL: Kind

class Chunk(_message.Message):
    __slots__ = ("rows", "fields", "records", "sources")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    rows: int
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    records: _worker_pb2.Records
    sources: bytes
    def __init__(self, rows: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., records: _Optional[_Union[_worker_pb2.Records, _Mapping]] = ..., sources: _Optional[bytes] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "kind", "per_second", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: Kind
    per_second: int
    values: _worker_pb2.Column
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[Kind, str]] = ..., per_second: _Optional[int] = ..., values: _Optional[_Union[_worker_pb2.Column, _Mapping]] = ...) -> None: ...
