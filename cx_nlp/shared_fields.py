"""What the tables that are computed from the lake share: types of columns, and columns that many of them have."""

import pyarrow as pa

Fields = list[tuple[str, pa.DataType]]
text, integer, real, flag, date = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
head: Fields = [("as_of", date), ("respondent_role", text)]
counts: Fields = [("n", integer), ("n_customers", integer)]
value: Fields = [("value", real), ("low", real), ("high", real)]
tail: Fields = [("suppressed", flag), ("run_id", text)]


def interval(*names: str) -> Fields:
    """Figures, each with the ends of its interval: name, name_low, name_high."""
    return [(f"{name}{end}", real) for name in names for end in ("", "_low", "_high")]
