"""From a file to a file or topic, as IN and OUT say; a name with a dot and a slash is a file."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
source, target = os.environ["IN"], os.environ["OUT"]
readings = app.file(source, key="station") if "/" in source else app.topic(source)


@app.udf(readings, to=pu.file(target) if "/" in target else target, column="temp_c")
def celsius(temp_f: float) -> float:
    return (temp_f - 32) / 1.8
