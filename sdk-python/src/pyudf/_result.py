"""What the return annotation of a user's function says: what comes back."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple, TypeAlias

from pyudf import _annotations
from pyudf._annotations import BATCHES, FIELDS, RECORDS, Container, spelled, unwrapped
from pyudf._definition import Options, Output
from pyudf._parameters import Reader
from pyudf.schema import parse_type
from pyudf.types import FieldType

Answer: TypeAlias = tuple[Output, Any, FieldType | None, bool]


class Result(NamedTuple):
    """What comes back from a function under inspection."""

    reader: Reader
    container: Container
    options: Options

    def read(self) -> Answer:
        """Return output, result, result_type and many of the ``Function``."""
        reader = self.reader
        if "return" not in reader.hints:
            if self.options.returns is not None and not self.container.vectorised:
                return self._column(self._override(None))
            reader.refuse(f"the result has no annotation; write -> {self._possible()}")
        annotation = unwrapped(reader.hints["return"])[0]
        if annotation in (None, type(None)):
            reader.refuse(f"the result is None for each row; write -> {self._possible()}")
        if self.container.vectorised:
            return self._batch(annotation)
        self._check_generator(annotation)
        if self.container is Container.RECORD:
            records = self._records(annotation)
            if records is not None:
                return records
        elif _annotations.is_record(annotation):
            return self._column(annotation)
        if self.options.returns is not None:
            return self._column(self._override(annotation))
        if _annotations.scalar_type(annotation) is None or self._ambiguous(annotation):
            text = f"the result is annotated {spelled(annotation)}; write -> {self._possible()}"
            reader.refuse(text)
        return self._column(annotation)

    def _ambiguous(self, annotation: Any) -> bool:
        """Tell whether a record function's result may be one value, one record or several."""
        return self.container is Container.RECORD and annotation in (Any, list)

    def _possible(self) -> str:
        if self.container.vectorised:
            return f"{BATCHES}"
        if self.container is Container.RECORD:
            return (
                f"{RECORDS} for a record, Iterator[dict] or list[dict] for several, or float, "
                "str and the like for a column"
            )
        return FIELDS

    def _column(self, annotation: Any) -> Answer:
        type_ = parse_type(annotation)[0]
        return Output.COLUMN, annotation, type_, False

    def _override(self, annotation: Any) -> Any:
        """Return the annotation that returns= stands for; the function's own if it agrees."""
        returns = self.options.returns
        type_ = parse_type(returns)[0]
        if not isinstance(returns, str | FieldType):
            return unwrapped(returns)[0]
        if annotation is not None and _annotations.scalar_type(annotation) is type_:
            return annotation
        return next(a for a, t in _annotations.SCALARS.items() if t is type_)

    def _check_generator(self, annotation: Any) -> None:
        several = _annotations.iterable_element(annotation)
        if self.container is Container.SCALAR and several is not None:
            if _annotations.scalar_type(annotation) is None:
                text = (
                    "yields several values a row; take the record as the one parameter: (row: dict)"
                )
                self.reader.refuse(text)
        if not inspect.isgeneratorfunction(self.reader.plain):
            return
        if several is None or _annotations.scalar_type(annotation) is not None:
            said = spelled(annotation)
            text = f"yields, but its result is annotated {said}; write -> Iterator[dict]"
            self.reader.refuse(text)

    def _records(self, annotation: Any) -> Answer | None:
        """Return the result of a record function if it is one record or several."""
        if _annotations.is_record(annotation):
            return Output.RECORDS, annotation, None, False
        element = _annotations.iterable_element(annotation)
        if element is not None and _annotations.is_record(element):
            return Output.RECORDS, element, None, True
        return None

    def _batch(self, annotation: Any) -> Answer:
        container = _annotations.container_of(annotation)
        if container is None:
            text = (
                f"takes a batch, but its result is annotated {spelled(annotation)}; write "
                f"-> {self._possible()}"
            )
            self.reader.refuse(text)
        if container.whole:
            return Output.RECORDS, annotation, None, False
        declared = parse_type(self.options.returns)[0] if self.options.returns is not None else None
        type_ = declared or self.reader.element("return") or FieldType.FLOAT64
        return Output.COLUMN, annotation, type_, False
