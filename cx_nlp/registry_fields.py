"""What the registry of discovered themes keeps of a mention: columns, and those that are never null.

It is no table of the lake; `cx_nlp.schema.REGISTRY` is made of it, and store/registry_files.py says where it lies.
"""

import pyarrow as pa

_text, _int = pa.string(), pa.int64()

REGISTRY_COLUMNS = (
    [
        ("number", _int),  # of its theme, new/<number>; 0: it fits no theme yet and waits in the pool
        ("step", _int),  # of the registry, in which it was taken up
        ("source", _text),
        ("feedback_id", _text),
        ("mention_id", _int),
        ("feedback_date", pa.date32()),
        ("customer", _text),  # customer_key, else response_id: who counts as one
        ("may_quote", pa.bool_()),
        ("mention", _text),  # masked, as in theme_mentions
        ("start", _int),
        ("end", _int),
        ("vector", pa.list_(pa.int16())),  # the theme vector in thousandths, see themes/vectors.py
    ],
    ("number", "step", "source", "feedback_id", "mention_id", "feedback_date", "customer", "mention", "vector"),
)
