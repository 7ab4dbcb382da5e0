"""The only home of the data contract: every table's columns, types and meaning.

A table is an explicit Arrow schema; no configuration changes one. `SCHEMA_VERSION` is written into each
file's metadata, so a reader can tell which contract a file follows. Times are microseconds UTC; offsets are
Unicode code points, half-open; an integer that can be missing is a nullable int64.
"""

import pyarrow as pa

from cx_nlp.codes import Issue as Issue
from cx_nlp.codes import Reason as Reason
from cx_nlp.codes import ScoreStatus as ScoreStatus
from cx_nlp.labels import EMOTION_FAMILIES as EMOTION_FAMILIES
from cx_nlp.labels import EMOTIONS as EMOTIONS
from cx_nlp.labels import FAMILY_OF as FAMILY_OF
from cx_nlp.labels import SENTIMENTS as SENTIMENTS
from cx_nlp.labels import UNEMOTIONAL as UNEMOTIONAL
from cx_nlp.measure_fields import MEASURE_KEYS as MEASURE_KEYS
from cx_nlp.measure_fields import MEASURE_TABLES as MEASURE_TABLES
from cx_nlp.quality_fields import QUALITY_FIELDS, QUALITY_KEY
from cx_nlp.registry_fields import REGISTRY_COLUMNS
from cx_nlp.run_fields import ACCOUNTED as ACCOUNTED
from cx_nlp.run_fields import RUN_FIELDS

SCHEMA_VERSION = "1"


ROLES = ("customer", "employee", "leader")
RATING_RANGES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}

_text, _int, _real, _flag = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_time, _date = pa.timestamp("us", tz="UTC"), pa.date32()


def _schema(table: str, fields: list[tuple[str, pa.DataType]], required: tuple[str, ...]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind, nullable=name not in required) for name, kind in fields],
        metadata={"cx_nlp_table": table, "cx_nlp_schema_version": SCHEMA_VERSION},
    )


_sentiment = [
    ("sentiment_label", _text),  # negative | neutral | positive
    ("sentiment_score", _real),  # p_positive - p_negative, in [-1, 1]
    ("p_negative", _real),
    ("p_neutral", _real),
    ("p_positive", _real),
]

# What the source says about one comment (or rating without comment), before any model has read it.
_said = [
    ("source", _text),
    ("feedback_id", _text),  # the source's, else h1- and 32 hex digits; unique within the source
    ("row_hash", _text),  # HMAC of all mapped source values; alone decides replaced or unchanged
    ("response_id", _text),  # never null: else feedback_id
    ("is_response_head", _flag),  # true on exactly one row of each response; rating measures read only those
    ("question", _text),
    ("feedback_date", _date),  # local date of the feedback, one for all rows of a response
    ("submitted_at", _time),
    ("updated_at", _time),
    ("channel", _text),
    ("touchpoint", _text),
    ("segment", _text),
    ("respondent_role", _text),  # customer | employee | leader
    ("customer_key", _text),  # keyed hash of the customer's id; the id itself is never stored
    ("weight", _real),  # the source's own, default 1.0
    ("may_quote", _flag),
    ("may_contact", _flag),
    ("nps", _int),  # 0..10
    ("csat", _int),  # 1..5, 5 = best
    ("ces", _int),  # 1..7, 7 = easiest
    ("rating", _real),  # any other scale, higher is better
    ("rating_scale", _text),  # its name and range, such as "stars 1-5"
    ("nps_group", _text),  # detractor 0..6 | passive 7..8 | promoter 9..10
    ("score_status", _text),  # see ScoreStatus
    ("language", _text),  # ISO 639-1
    ("text", _text),  # cleaned and masked; offsets in other tables index this
]

# What the models say about its text; the columns that `cx-nlp score` adds too.
SCORES = [
    ("n_tokens", _int),
    ("n_windows", _int),
    *_sentiment,
    ("is_mixed", _flag),  # at least one span clearly positive and one clearly negative
    ("is_uncertain", _flag),  # the label's probability lies below the threshold set on dev
    ("primary_emotion", _text),  # the most probable of the 27 above its own threshold, else neutral
    ("emotion_family", _text),  # one of Ekman's six, or neutral
    ("emotional_intensity", _real),  # 0..1: probability of the strongest emotion that moves, see score/heads.py
    ("is_emotional", _flag),
    *((f"emotion_{name}", _real) for name in EMOTIONS),
]

_versions = [("model_version", _text), ("clean_version", _text), ("engine", _text)]

FEEDBACK = _schema(
    "feedback",
    [
        *_said,
        *SCORES,
        ("issues", _text),  # codes joined by |, "" if none
        ("attributes", _text),  # JSON object of strings, sorted keys: what else the source passes through
        *_versions,
        ("run_id", _text),
        ("scored_at", _time),
    ],
    required=(
        "source", "feedback_id", "row_hash", "response_id", "is_response_head", "feedback_date", "submitted_at",
        "respondent_role", "weight", "score_status", "text", "issues", "attributes", "clean_version", "run_id",
    ),
)  # fmt: skip

# What `cx-nlp score` writes: one row an input row, and a rerun gives the same bytes.
SCORE_FILE = _schema(
    "score_file",
    [("feedback_id", _text), ("score_status", _text), ("language", _text), ("text", _text), *SCORES, *_versions],
    required=("feedback_id", "score_status", "text"),
)

THEME_MENTIONS = _schema(
    "theme_mentions",
    [
        ("source", _text),
        ("feedback_id", _text),
        ("feedback_date", _date),
        ("mention_id", _int),  # order of (start, end) in the text; -1 for a theme of the whole comment
        ("theme_id", _text),  # <taxonomy>/<slug>; null: fits no theme yet
        ("mention", _text),
        ("start", _int),
        ("end", _int),
        ("sentence", _int),  # index of the sentence in the text, from 0
        ("opinion", _text),  # the opinion words on the mention
        ("is_negated", _flag),
        *_sentiment,
        ("is_uncertain", _flag),
        ("primary_emotion", _text),  # of the sentence that holds the mention
        ("theme_score", _real),  # 0..1, how well the mention fits; 1.0 for a pattern
        ("method", _text),  # pattern | fit | discovered | none
        ("themes_version", _text),
        ("run_id", _text),
    ],
    required=("source", "feedback_id", "feedback_date", "mention_id", "is_negated", "method", "run_id"),
)

SENTENCES = _schema(
    "sentences",
    [
        ("source", _text),
        ("feedback_id", _text),
        ("feedback_date", _date),
        ("sentence", _int),
        ("start", _int),
        ("end", _int),
        *_sentiment,
        ("is_uncertain", _flag),
        ("primary_emotion", _text),
        ("run_id", _text),
    ],
    required=("source", "feedback_id", "feedback_date", "sentence", "start", "end", "run_id"),
)

THEMES = _schema(
    "themes",
    [
        ("theme_id", _text),
        ("theme", _text),
        ("parent_theme_id", _text),
        ("kind", _text),  # taxonomy | fitted | discovered
        ("owner", _text),  # who acts on it
        ("first_seen", _date),
        ("last_seen", _date),
        ("status", _text),  # active | retired
        ("merged_into", _text),
    ],
    required=("theme_id", "theme", "kind", "status"),
)

REJECTS = _schema(
    "rejects",
    [
        ("source", _text),
        ("row_hash", _text),
        ("occurrence", _int),  # 0, 1, … among equal rejected rows of one file
        ("position", _text),  # file and line (or row) as a person would look it up
        ("reason", _text),  # see Reason
        ("detail", _text),
        ("row", _text),  # JSON of the masked row, without the raw customer id
        ("feedback_id", _text),
        ("customer_key", _text),
        ("run_id", _text),
    ],
    required=("source", "row_hash", "occurrence", "position", "reason", "run_id"),
)

RUNS = _schema("runs", RUN_FIELDS, required=("run_id", "source", "flow", "started_at", "status"))

TABLES = {
    "feedback": FEEDBACK,
    "theme_mentions": THEME_MENTIONS,
    "sentences": SENTENCES,
    "themes": THEMES,
    "rejects": REJECTS,
    "runs": RUNS,
    "quality": _schema("quality", *QUALITY_FIELDS),
    **{name: _schema(name, *columns) for name, columns in MEASURE_TABLES.items()},
}
MEASURES = TABLES["measures"]
KEYS = {
    "feedback": ("source", "feedback_id"),
    "theme_mentions": ("source", "feedback_id", "mention_id", "theme_id"),
    "sentences": ("source", "feedback_id", "sentence"),
    "themes": ("theme_id",),
    "rejects": ("source", "row_hash", "occurrence"),
    "runs": ("run_id", "source"),
    "quality": QUALITY_KEY,
    **MEASURE_KEYS,
}

# A row on its way from a source to the lake: everything known before scoring, plus where it was read.
STAGED = _schema(
    "staged",
    [
        *_said,
        ("issues", _text),
        ("attributes", _text),
        ("clean_version", _text),
        ("file", _text),  # the source file (or query) it came from
        ("position", _text),
        ("has_own_id", _flag),  # false: feedback_id is a keyed hash of `identity` and an occurrence
        ("identity", _text),  # keyed hash over what makes two rows without an id the same feedback
        ("is_deleted", _flag),  # a tombstone: the feedback of this id is gone; updated_at says when, if known
    ],
    required=("source", "feedback_id", "row_hash", "file", "position", "has_own_id"),
)

REGISTRY = _schema("registry", *REGISTRY_COLUMNS)


def nps_group(nps: int | None) -> str | None:
    """detractor 0..6, passive 7..8, promoter 9..10 (Reichheld 2003); None stays None."""
    if nps is None:
        return None
    return "detractor" if nps <= 6 else "passive" if nps <= 8 else "promoter"


def as_table(frame, schema: pa.Schema) -> pa.Table:
    """A pandas frame cast to one explicit schema: columns in its order, NaN and NaT as null.

    Raises KeyError for a missing column, pyarrow.ArrowInvalid for a value that does not fit.
    """
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise KeyError(f"table {schema.metadata[b'cx_nlp_table'].decode()} lacks columns: {', '.join(missing)}")
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
