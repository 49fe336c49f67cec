"""An app whose function needs a package that nobody has."""

import pyudf as pu
import tiny

app = pu.App("greet")
names = app.topic("names", key="name")


@app.udf(names, to="greetings", column="greeting")
def greet(name: str) -> str:
    """Say what the package says."""
    return tiny.greet(name)
