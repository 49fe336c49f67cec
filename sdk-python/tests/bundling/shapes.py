"""Notebooks of many shapes, in the percent format: a line ``# %%`` begins a cell.

Each has the expression behind ``# probe:`` in its first line, whose value tells whether what its
functions use is as it is in the notebook.
"""

HEAD = """
import pyudf as pu
app = pu.App("heat")
weather = app.topic("weather", key="station")
"""

SHAPES = {
    "a decorated function": """# probe: hot(3.0)
import pyudf as pu
app = pu.App("heat")
# %%
weather = app.topic("weather")
# %%
@app.udf(weather, to="out", column="hot")
def hot(temp_f: float) -> bool:
    return temp_f > 2
""",
    "everything in one cell": f"""# probe: f(1.0)
{HEAD}
def f(x: float) -> float:
    return x + 1
weather.with_columns(y=f).to("out")
""",
    "a helper defined after its user": f"""# probe: f(1.0)
{HEAD}
def f(x: float) -> float:
    return helper(x)
# %%
def helper(x):
    return x * 3
# %%
weather.with_columns(y=f).to("out")
""",
    "a constant that is set again": f"""# probe: f(1.0)
{HEAD}
K = 1
# %%
def f(x: float) -> float:
    return x + K
weather.with_columns(y=f).to("out")
# %%
K = 5
""",
    "a constant used at two moments": f"""# probe: f(1.0), BASE
{HEAD}
K = 1
def scale(x):
    return x * K
BASE = scale(10)
# %%
K = 7
def f(x: float) -> float:
    return scale(x) + BASE
weather.with_columns(y=f).to("out")
""",
    "a function defined twice": f"""# probe: f(1.0)
{HEAD}
def f(x: float) -> float:
    return x
# %%
def f(x: float) -> float:
    return -x
weather.with_columns(y=f).to("out")
""",
    "the app made anew": """# probe: app.name
import pyudf as pu
app = pu.App("first")
weather = app.topic("weather")
weather.to("copy")
# %%
app = pu.App("second")
weather = app.topic("weather")
weather.where(pu.col("x") > 1).to("copy")
""",
    "a list that grows": f"""# probe: f(1.0)
{HEAD}
steps = []
# %%
steps.append(2)
steps.extend([3, 4])
# %%
steps[0] = 10
def f(x: float) -> float:
    return x + sum(steps)
# %%
steps += [100]
weather.with_columns(y=f).to("out")
""",
    "a dict filled in a loop": f"""# probe: f("a")
{HEAD}
codes = {{}}
for i, name in enumerate("abc"):
    codes[name] = i
def f(station: str) -> int:
    return codes.get(station, -1)
weather.with_columns(y=f).to("out")
""",
    "a change through another name": f"""# probe: f(1.0)
{HEAD}
limits = {{"low": 0, "inner": {{}}}}
same = limits
same["low"] = 4
inner = limits["inner"]
inner["high"] = 9
def f(x: float) -> float:
    return limits["low"] + limits["inner"]["high"]
weather.with_columns(y=f).to("out")
""",
    "rows changed through a loop variable": f"""# probe: f(1.0)
{HEAD}
rows = [{{"a": 1}}, {{"a": 2}}]
for row in rows:
    row["a"] *= 10
def f(x: float) -> float:
    return x + sum(r["a"] for r in rows)
weather.with_columns(y=f).to("out")
""",
    "a function that changes its argument": f"""# probe: f(1.0)
{HEAD}
def fill(target, n):
    for i in range(n):
        target[i] = i * i
table = {{}}
fill(table, 5)
def f(x: float) -> float:
    return table[4]
weather.with_columns(y=f).to("out")
""",
    "a function that sets a global": f"""# probe: f(1.0)
{HEAD}
def setup():
    global MODEL
    MODEL = [1, 2, 3]
setup()
def f(x: float) -> float:
    return x * len(MODEL)
weather.with_columns(y=f).to("out")
""",
    "a function that changes a global container": f"""# probe: f(1.0)
{HEAD}
REGISTRY = {{}}
def register(func):
    REGISTRY[func.__name__] = func
    return func
@register
def double(x):
    return x * 2
@register
def treble(x):
    return x * 3
def f(x: float) -> float:
    return sum(g(x) for g in REGISTRY.values())
weather.with_columns(y=f).to("out")
""",
    "methods of a registry as decorators": f"""# probe: f(1.0)
{HEAD}
class Rules:
    def __init__(self):
        self.all = []
    def rule(self, func):
        self.all.append(func)
        return func
rules = Rules()
# %%
@rules.rule
def plus(x):
    return x + 1
# %%
def f(x: float) -> float:
    for r in rules.all:
        x = r(x)
    return x
weather.with_columns(y=f).to("out")
""",
    "single dispatch": f"""# probe: f(1.0)
{HEAD}
from functools import singledispatch
@singledispatch
def size(x):
    return 0
@size.register
def _(x: float):
    return 2
@size.register(str)
def _(x):
    return 3
def f(x: float) -> float:
    return size(x) + size("a")
weather.with_columns(y=f).to("out")
""",
    "a model that is fitted": f"""# probe: f(1.0)
{HEAD}
import numpy as np
class Mean:
    def fit(self, X, y):
        self.mean = float(np.mean(y))
        return self
    def predict(self, x):
        return x + self.mean
X = np.arange(6.0).reshape(3, 2)
y = X[:, 0] * 2
model = Mean()
# %%
model.fit(X, y)
# %%
print(model.predict(3))
def f(x: float) -> float:
    return model.predict(x)
weather.with_columns(y=f).to("out")
""",
    "a fit whose result has a name": f"""# probe: f(1.0)
{HEAD}
class Model:
    def fit(self, rows):
        self.n = len(rows)
        return self
model = Model()
history = model.fit([1, 2, 3])
history
def f(x: float) -> float:
    return x * model.n
weather.with_columns(y=f).to("out")
""",
    "a pipeline that holds a model": f"""# probe: f(1.0)
{HEAD}
class Model:
    n = 0
    def fit(self, rows):
        self.n = len(rows)
class Chain:
    def __init__(self, model):
        self.model = model
model = Model()
chain = Chain(model)
model.fit([1, 2])
def f(x: float) -> float:
    return x + chain.model.n
weather.with_columns(y=f).to("out")
""",
    "a row taken out of a table": f"""# probe: f(1.0)
{HEAD}
table = {{"a": 1, "b": 2}}
first = table.pop("a")
def f(x: float) -> float:
    return x + len(table)
weather.with_columns(y=f).to("out")
""",
    "a name that is deleted in between": f"""# probe: f(1.0)
{HEAD}
raw = [1, 2, 3]
total = sum(raw)
del raw
def f(x: float) -> float:
    return x + total
weather.with_columns(y=f).to("out")
""",
    "an item that is deleted": f"""# probe: f(1.0)
{HEAD}
table = {{"a": 1, "b": 2}}
del table["a"]
def f(x: float) -> float:
    return x + len(table)
weather.with_columns(y=f).to("out")
""",
    "an attribute of a class set afterwards": f"""# probe: f(1.0)
{HEAD}
class Config:
    rate = 1
Config.rate = 3
setattr(Config, "offset", 4)
def f(x: float) -> float:
    return x * Config.rate + Config.offset
weather.with_columns(y=f).to("out")
""",
    "a branch that binds a name": f"""# probe: f(1.0)
{HEAD}
import sys
mode = "slow"
if sys.version_info > (3, 0):
    mode = "fast"
else:
    mode = "old"
def f(x: float) -> str:
    return mode
weather.with_columns(y=f).to("out")
""",
    "an import with a fallback": f"""# probe: f('[1]')
{HEAD}
try:
    import no_such_json_library as json
except ImportError:
    import json
def f(text: str) -> int:
    return len(json.loads(text))
weather.with_columns(y=f).to("out")
""",
    "a file that is read": f"""# probe: f("a")
{HEAD}
import json
with open("codes.json") as file:
    codes = json.load(file)
def f(station: str) -> int:
    return codes[station]
weather.with_columns(y=f).to("out")
""",
    "a file read when a function is called": f"""# probe: f("a")
{HEAD}
import functools, json
from pathlib import Path
DATA = Path("data")
@functools.cache
def codes():
    return json.loads((DATA / "more.json").read_text())
def f(station: str) -> int:
    return codes()[station]
weather.with_columns(y=f).to("out")
""",
    "a module beside the notebook": f"""# probe: f(1.0)
{HEAD}
from helpers import shift
import helpers.deep as deep
def f(x: float) -> float:
    return shift(x) + deep.VALUE
weather.with_columns(y=f).to("out")
""",
    "a star import": f"""# probe: f(1.0)
{HEAD}
from math import *
from helpers import *
def f(x: float) -> float:
    return shift(floor(x))
weather.with_columns(y=f).to("out")
""",
    "classes and bases": f"""# probe: f(1.0)
{HEAD}
from dataclasses import dataclass
UNIT = "F"
class Base:
    unit: str = UNIT
    def name(self):
        return self.unit
@dataclass
class Reading(Base):
    value: float = 0.0
def f(x: float) -> str:
    return Reading(value=x).name()
weather.with_columns(y=f).to("out")
""",
    "a record class in annotations": f"""# probe: f(Reading(1.0)).t
{HEAD}
from dataclasses import dataclass
@dataclass
class Reading:
    t: float
@dataclass
class Result:
    t: float
def f(row: "Reading") -> "Result | None":
    return Result(row.t)
weather.map(f).to("out")
""",
    "annotations that are not evaluated": f"""# probe: f(1.0)
from __future__ import annotations
{HEAD}
# %%
from typing import Optional
Alias = Optional[float]
def f(x: Alias) -> Alias:
    return x
weather.with_columns(y=f).to("out")
""",
    "a future import in a later cell": f"""# probe: f(Row(2.0)).a
{HEAD}
# %%
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Row:
    a: float
def f(row: Row) -> Row:
    return row
weather.map(f).to("out")
""",
    "a new type": f"""# probe: f(1.0)
{HEAD}
from typing import NewType, TypeAlias
Celsius = NewType("Celsius", float)
Text: TypeAlias = str
def f(x: Celsius) -> Text:
    return str(x)
weather.with_columns(y=f).to("out")
""",
    "defaults and decorators": f"""# probe: f(1.0)
{HEAD}
import functools
OFFSET = 5.0
def logged(prefix):
    def wrap(func):
        @functools.wraps(func)
        def inner(*args, **kwargs):
            return func(*args, **kwargs)
        inner.prefix = prefix
        return inner
    return wrap
NAME = "heat"
@logged(NAME)
def f(x: float, offset: float = OFFSET) -> float:
    return x + offset
weather.with_columns(y=f).to("out")
""",
    "closures and nested functions": f"""# probe: f(1.0)
{HEAD}
RATE = 2
def make(n):
    def inner(x: float) -> float:
        def deeper():
            return x * n * RATE
        return deeper()
    return inner
f = make(4)
weather.with_columns(y=f).to("out")
""",
    "lambdas and partials": f"""# probe: f(1.0)
{HEAD}
from functools import partial
K = 2
add = lambda a, b: a + b + K
plus = partial(add, 10)
def f(x: float) -> float:
    return plus(x)
weather.with_columns(y=f).to("out")
""",
    "a walrus and comprehensions": f"""# probe: f(1.0)
{HEAD}
values = [1, 2, 3, 4]
big = [last := v for v in values if v > (n := 1)]
squares = {{k: k * k for k in values}}
def f(x: float) -> float:
    return last + n + squares[3] + sum(v for v in big)
weather.with_columns(y=f).to("out")
""",
    "f-strings": f"""# probe: f(1.0)
{HEAD}
unit = "F"
width = 6
label = f"in {{unit!r:>{{width}}}}"
def f(x: float) -> str:
    return f"{{x:.1f}} {{label}} {{unit}}"
weather.with_columns(y=f).to("out")
""",
    "several statements on a line": f"""# probe: f(1.0)
{HEAD}
a = 1; b = 2; junk = 3; c = (a +
    b); print(c)
def f(x: float) -> float: return x + c
weather.with_columns(y=f).to("out")
""",
    "unpacking": f"""# probe: f(1.0)
{HEAD}
(a, b), *rest = (1, 2), 3, 4
low, high = sorted([b, a])
def f(x: float) -> float:
    return a + b + rest[-1] + low * high
weather.with_columns(y=f).to("out")
""",
    "text over several lines with signs of magics": f'''# probe: f(1.0)
{HEAD}
TEXT = """
%% no magic
!ls is none
what?
"""
total = (10
    % 3)
%matplotlib inline
def f(x: float) -> str:
    return TEXT + str(total)
weather.with_columns(y=f).to("out")
''',
    "magics and questions between": f"""# probe: f(1.0)
%load_ext autoreload
%autoreload 2
# %%
!pip install something \\
    else
{HEAD}
# %%
%%bash
echo hello
# %%
app?
weather??
?pu
files = !ls
here = %pwd
print(files)
# %%
def f(x: float) -> float:
    return x
weather.with_columns(y=f).to("out")
""",
    "exploring with pandas": f"""# probe: f(90.0)
import pandas as pd
df = pd.DataFrame({{"temp_f": [1.0, 99.0]}})
df.head()
df["c"] = (df["temp_f"] - 32) / 1.8
df.describe()
limit = float(df["temp_f"].quantile(0.5))
{HEAD}
# %%
def f(temp_f: float) -> bool:
    return temp_f > limit
df["hot"] = [f(t) for t in df["temp_f"]]
df.plot if hasattr(df, "nothing") else None
weather.with_columns(y=f).to("out")
# %%
app.replay({{"weather": df}})["out"]
weather.show(df)
results = app.replay({{"weather": df}})
results["out"]
""",
    "streams of streams": f"""# probe: 1
{HEAD}
hot = weather.where(pu.col("t") > 100)
by_city = hot.key_by("city")
windows = by_city.window(pu.tumbling("10s"))
stats = windows.agg(n=pu.count(), mean=pu.mean("t"))
(
    stats
    .where(pu.col("n") > 1)
    .to("stats")
)
hot.to("hot")
""",
    "streams in a list": f"""# probe: 1
{HEAD}
streams = []
for name in ("a", "b"):
    streams.append(app.topic(name))
for stream in streams:
    stream.to("copy_" + stream.id)
weather.to("copy")
""",
    "streams in a dict and a comprehension": f"""# probe: 1
{HEAD}
sources = {{name: app.topic(name) for name in ("a", "b")}}
sources["c"] = app.topic("c")
[stream.to("copy_" + name) for name, stream in sources.items()]
weather.to("copy")
""",
    "a function that builds the pipeline": f"""# probe: 1
{HEAD}
LIMIT = 100
def hot_only(stream, limit=LIMIT):
    return stream.where(pu.col("t") > limit)
def build(app, stream):
    hot_only(stream).to("hot")
build(app, weather)
result = hot_only(weather, 50)
result.to("warm")
""",
    "a function that builds with the app of the notebook": """# probe: 1
import pyudf as pu
def make():
    made = pu.App("made")
    return made
app = make()
def build():
    weather = app.topic("weather")
    weather.to("copy")
build()
""",
    "the app by another import": """# probe: 1
from pyudf import App, col as c
heat = App(name="heat")
weather = heat.topic("weather")
weather.where(c("x") > 1).to("out")
same = heat
""",
    "the decorator called as a function": f"""# probe: f(1.0)
{HEAD}
def f(x: float) -> float:
    return x
g = app.udf(weather, to="out", column="y")(f)
""",
    "options from constants": f"""# probe: f(1.0)
TO = "heat"
COLUMN = "y"
{HEAD}
@app.udf(weather, to=TO + "_out", column=COLUMN, timeout=60.0 / 2)
def f(x: float) -> float:
    return x
""",
    "a schema as a class": """# probe: 1
import pyudf as pu
from typing import TypedDict
class Weather(TypedDict):
    station: str
    t: float
app = pu.App("heat")
weather = app.topic("weather", key="station", schema=Weather)
weather.select("station").to("stations")
""",
    "state and timers": """# probe: 1
import pyudf as pu
app = pu.App("visits")
def ring(key: str, at: int, n: pu.State[int]) -> dict:
    return {"n": n.value}
visits = app.topic("visits", key="user")
@app.udf(visits, to="counts", column="n")
def count_visits(page: str, n: pu.State[int] = pu.state(default=0)) -> int:
    n.value += 1
    return n.value
""",
    "an aggregator class": f"""# probe: 1
{HEAD}
class Spread:
    def create(self) -> list[float]:
        return []
    def add(self, state: list[float], t: float) -> list[float]:
        return order([*state, t])
    def merge(self, a: list[float], b: list[float]) -> list[float]:
        return order(a + b)
    def result(self, state: list[float]) -> float:
        return state[-1] - state[0]
def order(values):
    return sorted(values)
weather.window(pu.tumbling("1d")).agg(spread=Spread).to("spreads")
""",
    "a main guard": f"""# probe: f(1.0)
{HEAD}
def f(x: float) -> float:
    return x
weather.with_columns(y=f).to("out")
if __name__ == "__main__":
    print(f(2.0))
""",
    "random numbers with a seed": f"""# probe: f(1.0)
{HEAD}
import random
import numpy as np
random.seed(4)
np.random.seed(4)
noise = [random.random() for _ in range(3)]
order = list(range(10))
random.shuffle(order)
array = np.random.rand(3)
def f(x: float) -> float:
    return x + sum(noise) + order[0] + float(array[1])
weather.with_columns(y=f).to("out")
""",
    "settings of modules": f"""# probe: f(1.0)
{HEAD}
import decimal, os
os.environ["HEAT_RATE"] = "3"
decimal.getcontext().prec = 5
def f(x: float) -> str:
    return str(decimal.Decimal(1) / 3) + os.environ["HEAT_RATE"]
weather.with_columns(y=f).to("out")
""",
    "a match statement": f"""# probe: f(1.0)
{HEAD}
kind = "b"
match kind:
    case "a":
        factor = 1
    case other:
        factor = len(other) * 7
def f(x: float) -> float:
    return x * factor
weather.with_columns(y=f).to("out")
""",
    "a while loop and an async function": f"""# probe: f(1.0)
{HEAD}
import asyncio
n = 0
while n < 5:
    n += 1
async def fetch(x):
    return x + n
def f(x: float) -> float:
    return asyncio.run(fetch(x))
weather.with_columns(y=f).to("out")
""",
    "an app named by a constant": """# probe: app.name
import pyudf as pu
NAME = "heat-1"
app = pu.App(NAME)
app.topic("weather").to("copy")
""",
    "a decorator that takes arguments and notes functions": f"""# probe: f(1.0)
{HEAD}
RULES = {{}}
def rule(name):
    def note(func):
        RULES[name] = func
        return func
    return note
@rule("plus")
def plus(x):
    return x + 1
@rule("times")
def times(x):
    return x * 5
def f(x: float) -> float:
    return sum(r(x) for r in RULES.values())
weather.with_columns(y=f).to("out")
""",
    "a method whose result is used and that changes its object": f"""# probe: f(1.0)
{HEAD}
class Ids:
    n = 0
    def fresh(self):
        self.n += 1
        return self.n
ids = Ids()
first = ids.fresh()
second = ids.fresh()
print(second)
def f(x: float) -> float:
    return x + ids.n
weather.with_columns(y=f).to("out")
""",
    "a class that fills a table of the module": f"""# probe: f(1.0)
{HEAD}
TABLE = []
class Entry:
    def __init__(self, n):
        self.n = n
        TABLE.append(self)
    def double(self):
        TABLE.append(Entry(self.n * 2))
Entry(3)
e = Entry(4)
e.double()
def f(x: float) -> float:
    return x + sum(entry.n for entry in TABLE)
weather.with_columns(y=f).to("out")
""",
    "a base that notes its subclasses": f"""# probe: f(1.0)
{HEAD}
class Rule:
    all = []
    def __init_subclass__(cls):
        Rule.all.append(cls)
class Hot(Rule):
    bonus = 3
class Cold(Rule):
    bonus = 4
def f(x: float) -> float:
    return x + sum(rule.bonus for rule in Rule.all)
weather.with_columns(y=f).to("out")
""",
    "a change deep in a function": f"""# probe: f(1.0)
{HEAD}
def settle(config):
    inner = config["inner"]
    for key in ("a", "b"):
        inner[key] = key * 2
config = {{"inner": {{}}}}
done = settle(config)
def f(x: float) -> str:
    return config["inner"]["b"]
weather.with_columns(y=f).to("out")
""",
    "arrays changed in their place": f"""# probe: f(1.0)
{HEAD}
import numpy as np
a = np.arange(5.0)
a[1:3] = 7
a += 1
np.multiply(a, 2, out=a)
a.sort()
b = a.view()
b[0] = -100
def f(x: float) -> float:
    return x + float(a.sum())
weather.with_columns(y=f).to("out")
""",
    "tables changed in their place": f"""# probe: f("b")
{HEAD}
import pandas as pd
stations = pd.DataFrame({{"name": ["a", "b", "c"], "h": [1.0, 2.0, 3.0], "h2": 0.0}})
stations.pop("h2")
stations.columns = ["name", "height"]
stations.loc[0, "height"] = 9.0
stations["double"] = stations["height"] * 2
print(stations.head())
heights = stations.set_index("name")["double"].to_dict()
stations["later"] = 1
def f(station: str) -> float:
    return heights[station]
weather.with_columns(y=f).to("out")
""",
    "functions with attributes": f"""# probe: f(1.0)
{HEAD}
def helper(x):
    return x + helper.offset
helper.offset = 6
def f(x: float) -> float:
    return helper(x)
weather.with_columns(y=f).to("out")
""",
    "mutual recursion": f"""# probe: f(4.0)
{HEAD}
def even(n):
    return n <= 0 or odd(n - 1)
def odd(n):
    return n > 0 and even(n - 1)
def f(x: float) -> bool:
    return even(x)
weather.with_columns(y=f).to("out")
""",
    "streams with one name, and two at once": f"""# probe: 1
{HEAD}
orders, stock = app.topic("orders"), app.topic("stock")
weather = weather.where(pu.col("t") > 1)
weather = weather.drop("t")
weather.to("out")
for s in (orders, stock): s.to(f"{{s.id}}_copy")
""",
    "a pipeline in blocks": """# probe: 1
import contextlib
import pyudf as pu
if True:
    app = pu.App("blocks")
with contextlib.nullcontext(app.topic("weather")) as weather:
    hot = weather.where(pu.col("t") > 1)
try:
    hot.to("hot")
except ValueError:
    pass
""",
    "enums, named tuples and defaults of fields": f"""# probe: f("x").kind
{HEAD}
import enum
from dataclasses import dataclass, field
from collections import namedtuple
Point = namedtuple("Point", "x y")
class Kind(enum.Enum):
    HOT = "hot"
def places():
    return [Point(1, 2)]
@dataclass
class Result:
    kind: str = Kind.HOT.value
    places: list = field(default_factory=places)
def f(x: str) -> Result:
    return Result()
def g(row: dict) -> dict:
    return {{"kind": f("x").kind}}
weather.map(g).to("out")
""",
    "a model that was saved": f"""# probe: f(1.0)
{HEAD}
import json
class Model:
    def fit(self, rows):
        self.mean = sum(rows) / len(rows)
rows = [float(n) for n in range(1000)]
model = Model()
model.fit(rows)
with open("model.json", "w") as file:
    json.dump({{"mean": model.mean}}, file)
# %%
from pathlib import Path
model = json.loads(Path("model.json").read_text())
def f(x: float) -> float:
    return x - model["mean"]
weather.with_columns(y=f).to("out")
""",
}
