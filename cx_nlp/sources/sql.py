"""Any SQL database that SQLAlchemy speaks to: one SELECT, streamed through a server-side cursor, every value as text.

The query is the config's; values reach it as bound parameters only. What a driver says is repeated only where no row
can be quoted in it, and never with a credential. An error is raised outside of the driver's own, which could show
more in a log.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cx_nlp.errors import CxError, SourceError, TransientError, UsageError
from cx_nlp.sources import query as queries
from cx_nlp.sources.chunk import Chunk, chunked, clean_names
from cx_nlp.sources.credentials import Filled
from cx_nlp.sources.values import as_text

if TYPE_CHECKING:
    import sqlalchemy as sa

FETCH_ROWS = 1000  # rows that the driver holds at a time
CONNECT_SECONDS = 30
EXTRAS = {"psycopg": "postgres"}  # driver -> the extra of cx-nlp that brings it
# SQLSTATE classes: connection, rollback, resources, operator's intervention, system.
_AWAY = ("08", "40", "53", "57", "58", "55P03")
_ABOUT_QUERY = ("42", "3D", "3F", "28")  # syntax or name, no such database, no such schema, no such login
_MYSQL_AWAY = {1040, 1205, 1213, 2002, 2003, 2006, 2013}
_SQLITE_AWAY = {5, 6, 10}  # busy, locked, disk I/O
_REFUSED = ("authentication failed", "does not exist", "access denied", "no pg_hba.conf entry", "login failed")


def read(
    url: Filled,
    query: str,
    *,
    parameters: Mapping[str, dt.datetime],
    zone: str = "UTC",
    label: str = "query",
    chunk_rows: int = 5000,
) -> Iterator[Chunk]:
    """Yield the rows of a query in chunks of at most `chunk_rows`; positions are "<label>:row 1" onwards.

    parameters: naive local times for those of :since and :until that the query names; zone: IANA name, set for the
    session where the database knows zones. Nothing is written: SQLite and PostgreSQL are told to refuse it.
    Raises TransientError for a database that is away, busy, or gone in mid-read; SourceError for one that refuses the
    login, a wrong query, table or column, or a query without rows; UsageError for an unknown dialect or driver.
    """
    import sqlalchemy as sa

    failure: CxError | None = None
    stage = "connect to"
    try:
        engine = _engine(url, label)
        with engine.connect() as connection:
            _set_session(connection, zone)
            stage = "run the query of"
            streaming = connection.execution_options(stream_results=True, yield_per=min(chunk_rows, FETCH_ROWS))
            result = streaming.execute(_statement(query), _bound(engine.dialect.name, query, parameters))
            if not result.returns_rows:
                raise SourceError(f"{label}: the query gives no rows, expected a SELECT")
            columns = clean_names(result.keys(), label)
            stage = "read on from"
            rows = ((f"{label}:row {n}", [as_text(value) for value in row]) for n, row in enumerate(result, start=1))
            yield from chunked(columns, rows, chunk_rows=chunk_rows)
    except sa.exc.DBAPIError as error:
        failure = _explained(error, stage, label, url)
    except sa.exc.SQLAlchemyError as error:
        failure = SourceError(f"{label}: cannot {stage} the database ({type(error).__name__})")
    if failure is not None:
        raise failure


def _engine(url: Filled, label: str) -> "sa.Engine":
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url.text)
    except (sa.exc.ArgumentError, ValueError):  # which may quote the URL
        parsed = None
    if parsed is None:
        raise UsageError(f"{label}: url is no database URL, expected one such as postgresql+psycopg://host/name")
    if parsed.host and "@" in parsed.host:
        raise UsageError(f"{label}: url has a host with '@': a password within a whole URL must be percent-encoded")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    backend = parsed.get_backend_name()
    options: dict[str, Any] = {}
    if backend == "postgresql":
        options["execution_options"] = {"postgresql_readonly": True}
        if "connect_timeout" not in parsed.query:
            options["connect_args"] = {"connect_timeout": CONNECT_SECONDS}
    # SQLite would make an empty database of a name that is not there, and say that it has no such table.
    is_file = backend == "sqlite" and parsed.database and not parsed.database.startswith((":memory:", "file:"))
    if is_file and not Path(str(parsed.database)).is_file():
        raise SourceError(f"{label}: no such file: {url.hide(parsed.database)}")
    missing = ""
    try:
        engine = sa.create_engine(parsed, poolclass=sa.NullPool, hide_parameters=True, **options)
    except sa.exc.NoSuchModuleError:
        missing = f"unknown database {parsed.drivername!r}"
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        missing = f"{parsed.drivername} needs the package {error.name}"
        missing += f": pip install 'cx-nlp[{extra}]'" if extra else ""
    if missing:
        raise UsageError(f"{label}: {missing}")
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _forgiving)
    return engine


def _forgiving(connection: Any, _record: object) -> None:
    """SQLite does not promise that its texts are UTF-8, and its complaint would quote the row."""
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")


def _set_session(connection: "sa.Connection", zone: str) -> None:
    """Local times compare with a column of UTC times by the session's time zone."""
    import sqlalchemy as sa

    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT set_config('TimeZone', :zone, false)"), {"zone": zone})
    elif connection.dialect.name == "sqlite":
        connection.execute(sa.text("PRAGMA query_only = ON"))


def _statement(query: str) -> "sa.TextClause":
    import sqlalchemy as sa

    # SQLAlchemy looks for names within quotes too, unless their colon is escaped.
    return sa.text(queries.rewritten(query, name=lambda name: f":{name}", other=lambda text: text.replace(":", "\\:")))


def _bound(dialect: str, query: str, parameters: Mapping[str, dt.datetime]) -> dict[str, object]:
    """SQLite has no times, only texts: a bare date lies before all forms of that day, with or without a time."""
    named = queries.parameters(query)
    values = {name: parameters[name] for name in named}
    if dialect != "sqlite":
        return dict(values)
    return {
        name: str(at.date()) if at.time() == dt.time() else at.isoformat(" ", "seconds") for name, at in values.items()
    }


def _explained(error: "sa.exc.DBAPIError", stage: str, label: str, url: Filled) -> CxError:
    origin = error.orig
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None) or ""
    said = url.hide(str(origin).partition("\nLINE ")[0])  # what follows repeats the query
    about_query = stage != "read on from" and (
        state.startswith(_ABOUT_QUERY)
        or (not state and (stage == "connect to" or isinstance(error, _query_errors()) or _is_sqlite(origin)))
    )
    text = f"{label}: cannot {stage} the database: {said if about_query else type(origin).__name__}"
    text += f" (SQLSTATE {state})" if state else ""
    return TransientError(text) if _may_help(error, state, said, stage) else SourceError(text)


def _query_errors() -> tuple[type[Exception], ...]:
    import sqlalchemy as sa

    return (sa.exc.ProgrammingError,)


def _is_sqlite(origin: object) -> bool:
    """SQLite's own errors name tables, columns and places in the query, but no values."""
    return type(origin).__module__ == "sqlite3" and type(origin).__name__ in ("OperationalError", "DatabaseError")


def _may_help(error: "sa.exc.DBAPIError", state: str, said: str, stage: str) -> bool:
    """Whether another try may go better: the database is away or busy, not: it refuses."""
    import sqlalchemy as sa

    origin = error.orig
    if error.connection_invalidated:
        return True
    if state:
        return state.startswith(_AWAY)
    code = getattr(origin, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE_AWAY
    number = origin.args[0] if origin is not None and origin.args else None
    if isinstance(number, int):
        return number in _MYSQL_AWAY
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    return stage != "connect to" or not any(word in said.casefold() for word in _REFUSED)
