"""What cannot go as it is: live connections, input() and what only a kernel has."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pyudf.bundling._faults import Fault
from pyudf.bundling._scopes import Scope
from pyudf.bundling._selection import KERNEL, Selection
from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import dotted, has_call, root, running
from pyudf.errors import Origin

# What these return is good in the process that made it, and only there.
_CONNECTIONS: Final = frozenset(
    "MySQLdb.connect asyncpg.connect aiohttp.ClientSession aiosqlite.connect boto3.Session "
    "boto3.client boto3.resource bz2.open cassandra.cluster.Cluster clickhouse_connect.get_client "
    "codecs.open confluent_kafka.Consumer confluent_kafka.Producer duckdb.connect "
    "elasticsearch.Elasticsearch ftplib.FTP gzip.open grpc.insecure_channel grpc.secure_channel "
    "h5py.File http.client.HTTPConnection http.client.HTTPSConnection httpx.AsyncClient "
    "httpx.Client io.open kafka.KafkaConsumer kafka.KafkaProducer lzma.open "
    "mysql.connector.connect "
    "open oracledb.connect paramiko.SSHClient pika.BlockingConnection psycopg.connect "
    "psycopg2.connect psycopg_pool.ConnectionPool pymongo.MongoClient pymysql.connect "
    "pyodbc.connect redis.Redis redis.StrictRedis redis.from_url requests.Session "
    "requests.session smtplib.SMTP snowflake.connector.connect socket.create_connection "
    "socket.socket sqlalchemy.create_engine sqlalchemy.ext.asyncio.create_async_engine "
    "sqlite3.connect subprocess.Popen urllib.request.urlopen".split()
)
# What of a connection is one itself.
_PARTS: Final = frozenset(
    "begin client connect connection cursor get_collection get_database makefile pubsub "
    "raw_connection session".split()
)


class Refusals:
    """Finds the faults of the statements of a document that go."""

    def __init__(self, statements: Iterable[Statement], modules: Mapping[str, str]) -> None:
        """Collect the names that stand for something live."""
        self._modules = modules
        self._live: dict[str, tuple[Statement, ast.AST, str]] = {}
        for statement in statements:
            for node in running(statement.node):
                self._follow(statement, node)

    def faults(
        self, taken: Iterable[tuple[Statement, Scope]], selection: Selection
    ) -> Iterator[Fault]:
        """Return the faults of statements that go."""
        for statement, scope in taken:
            yield from self._connections(statement, scope, selection)
            yield from self._kernel(statement, scope)
            yield from self._waiting(statement)
            yield from _magic(statement)

    def of_module(
        self, statements: Iterable[tuple[Statement, Scope]], selection: Selection
    ) -> Iterator[Fault]:
        """Return the faults of a module that is imported: its functions may wait for a person."""
        for statement, scope in statements:
            yield from self._connections(statement, scope, selection)
            yield from self._kernel(statement, scope)
            yield from self._inputs(statement, running(statement.node))

    def _follow(self, statement: Statement, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[*targets], value=value):
                names = [t.id for t in targets if isinstance(t, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                names = [name]
            case _:
                return
        what = self._opened(value)
        for name in names:
            if what:
                self._live[name] = (statement, node, what)
            else:
                self._live.pop(name, None)

    def _opened(self, value: ast.expr) -> str:
        """Return what a value is connected with, or nothing."""
        if isinstance(value, ast.Call):
            full = dotted(value.func, self._modules)
            if full in _CONNECTIONS:
                return full
            if isinstance(value.func, ast.Attribute) and value.func.attr in _PARTS:
                return self._opened_by(root(value.func.value), value.func.value)
            return ""
        if isinstance(value, ast.Name | ast.Attribute | ast.Subscript) and not has_call(value):
            return self._opened_by(root(value), value)
        return ""

    def _opened_by(self, name: str | None, value: ast.expr) -> str:
        if name in self._live:
            return self._live[name][2]
        while isinstance(value, ast.Attribute | ast.Subscript):
            value = value.value
        return self._opened(value) if isinstance(value, ast.Call) else ""

    def _connections(
        self, statement: Statement, scope: Scope, selection: Selection
    ) -> Iterator[Fault]:
        for name in sorted(scope.binds & selection.read_later.keys()):
            if name not in self._live or self._live[name][0] is not statement:
                continue
            _, node, what = self._live[name]
            user = selection.read_later[name]
            yield Fault(
                statement.at(node),
                f"{name} is live ({what}) and the function at {user} uses it: a connection of this "
                "process cannot travel",
                f"open it in the function, or in one with @functools.cache that returns {name}",
            )

    def _kernel(self, statement: Statement, scope: Scope) -> Iterator[Fault]:
        for node in ast.walk(statement.node):
            if not isinstance(node, ast.Name) or node.id not in KERNEL:
                continue
            if node.id in scope.binds or node.id not in scope.now | scope.later:
                continue
            if node.id == "get_ipython" and statement.magics:
                continue
            what = f"only a notebook has {node.id}"
            yield Fault(statement.at(node), what, KERNEL[node.id])

    def _waiting(self, statement: Statement) -> Iterator[Fault]:
        yield from self._inputs(statement, ast.walk(statement.node))
        for node in running(statement.node):
            if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
                what = "await outside of a function works in a notebook only"
                yield Fault(statement.at(node), what, "write asyncio.run(...) around it")
                return

    def _inputs(self, statement: Statement, nodes: Iterable[ast.AST]) -> Iterator[Fault]:
        for node in nodes:
            name = dotted(node.func, self._modules) if isinstance(node, ast.Call) else ""
            if name in ("input", "getpass.getpass"):
                what = f"{name}() waits for a person, and in production there is none"
                fix = "write the value, or read it from os.environ"
                yield Fault(statement.at(node), what, fix)


def _magic(statement: Statement) -> Iterator[Fault]:
    for line, text in statement.magics:
        what = f"{text!r} is for IPython only, and the app needs what it does"
        if not line:
            what = f"{text!r} takes the whole cell to IPython, and the app needs something of it"
        fix = "write it in Python, or in a cell that the app does not need"
        yield Fault(Origin(statement.origin.file, line or 1), what, fix)
