"""One parameter in each of the ways in which it may meet a null."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
source = app.topic(os.environ["IN"])
out = os.environ["OUT"]


@app.udf(source, to=out + "-null", column="y")
def spared(x: float) -> float:
    return x * 2


@app.udf(source, to=out + "-call", column="y", on_null="call")
def called(x: float) -> str:
    return f"called with {x}"


@app.udf(source, to=out + "-dlq", column="y", on_null="dlq")
def strict(x: float) -> float:
    return x * 2


@app.udf(source, to=out + "-optional", column="y")
def optional(x: float | None) -> str:
    return f"called with {x}"
