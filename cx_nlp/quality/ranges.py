"""Values out of range, counted chunk by chunk."""

from collections import Counter
from collections.abc import Callable, Iterator

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp.quality.judge import ALL, Check, judge
from cx_nlp.quality_config import Limits

CHUNK = 50_000  # rows of a frame that pandera gets


def range_checks(
    con: duckdb.DuckDBPyConnection,
    check: str,
    query: str,
    problems: Callable[[pd.DataFrame], Counter[str]],
    limits: Limits,
) -> Iterator[Check]:
    """A query's rows in chunks through `problems` -> one check with the number of values that break a rule.

    The message names columns and rules with their counts, the most frequent first.
    """
    total: Counter[str] = Counter()
    n = 0
    for batch in con.sql(query).to_arrow_reader(CHUNK):
        frame = pa.Table.from_batches([batch]).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        total += problems(frame)
        n += len(frame)
    listed = ", ".join(f"{name} {count:,}" for name, count in total.most_common(5))
    says = f"{total.total():,} values break a rule in {n:,} rows" + (f" ({listed})" if listed else "")
    yield judge(ALL, check, total.total(), n=n, limits=limits, says=says)
