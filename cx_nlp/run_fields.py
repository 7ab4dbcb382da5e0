"""Columns of `runs`, one row for each run and source; `cx_nlp.schema` makes them a schema."""

import pyarrow as pa

# read = new + replaced + unchanged + superseded + deleted + rejected, for each run and source.
ACCOUNTED = ("new", "replaced", "unchanged", "superseded", "deleted", "rejected")
STAGES = ("read", "resolve", "score", "measure")

_text, _int, _real, _time = pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", tz="UTC")
RUN_FIELDS: list[tuple[str, pa.DataType]] = [
    ("run_id", _text),
    ("source", _text),
    ("flow", _text),
    ("started_at", _time),
    ("finished_at", _time),
    ("status", _text),  # done | failed
    ("config_hash", _text),
    ("code_version", _text),
    ("model_version", _text),
    ("themes_version", _text),
    ("window_low", _time),
    ("window_high", _time),
    ("read", _int),
    *((name, _int) for name in ACCOUNTED),
    ("removed", _int),  # by a snapshot or by forget; outside the equation
    ("scored", _int),
    ("mentions", _int),
    ("themeless", _int),  # mentions that fit no theme, discovered ones included
    ("error", _text),  # the kind of failure; never text of a row
    *((f"seconds_{stage}", _real) for stage in STAGES),
]
