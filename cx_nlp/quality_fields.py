"""The columns of the table `quality`, for `cx_nlp.schema`: what the gates of `cx_nlp.quality` found."""

import pyarrow as pa

_text, _int, _real = pa.string(), pa.int64(), pa.float64()

QUALITY_KEY = ("run_id", "source", "check")
QUALITY_FIELDS = (
    [
        ("run_id", _text),
        ("source", _text),  # "(all)" for what concerns the lake as a whole
        ("check", _text),  # volume | surge | rejected | unknown_language | nulls_<column> | ranges | duplicates | …
        ("started_at", pa.timestamp("us", tz="UTC")),  # of the run
        ("value", _real),  # null where there was nothing to compare
        ("limit", _real),  # what the value was held against; null where nothing was
        ("n", _int),  # rows that the value is of
        ("level", _text),  # ok | warn | stop | unknown (too few rows, or nothing to compare with)
        ("message", _text),  # counts and names alone; never text of a row
    ],
    ("run_id", "source", "check", "started_at", "level", "message"),
)
