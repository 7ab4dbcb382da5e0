"""The table `measures`: rates and means by period and by one split at a time, always of one role.

What customers say is never mixed with what employees and leaders say, so every row has a `respondent_role`; groups of
fewer than MIN_PEOPLE employees or leaders have no row at all. NPS: promoters (9-10) less detractors (0-6), times 100
(Reichheld 2003, The One Number You Need to Grow). CSAT and CES: the mean, and the share of the best answer (top box).
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, mean_interval, share_interval
from cx_nlp.measures.customer_sums import FAMILIES, Measure, Span, emotion_sums, group_sums, share
from cx_nlp.measures.emotional import by_reader, correct
from cx_nlp.schema import EMOTIONS

MIN_PEOPLE = 5
ALL = "(all)"
PERIODS = ("all", "day", "month", "week")  # in order of the table's key
SPLITS: tuple[tuple[str, ...], ...] = ((), ("source",), ("channel",), ("touchpoint",), ("segment",), ("theme_id",))
_MONTH = dt.timedelta(31)  # a month's start is less than that before any day of it
COUNTS = ("responses", "comments", "mentions")
TEXTS = ("text", "felt")


def measures(
    con: duckdb.DuckDBPyConnection,
    as_of: dt.date,
    *,
    min_n: int,
    days: int = 92,
    weeks: int = 53,
    confusions: Mapping[str, np.ndarray] | None = None,
) -> Iterator[pd.DataFrame]:
    """All rows of `measures` but for run_id, in order of their key, some periods at a time: hundreds of themes give a
    million rows, which need not all be held as a frame. con: after `relations.load`.

    Day and week by day and week as far back as told, months and all of it whole. The period `all` has a row for every
    measure of every group, with n = 0 where nobody gave it; other periods only where n > 0 (counts: where any is).
    confusions: as in `emotional.emotional`; `emotional_corrected` is null where they do not know the group's reader.
    """
    first = con.execute("SELECT min(day) FROM piece").fetchall()[0][0]
    since = {"day": as_of - dt.timedelta(days), "week": as_of - dt.timedelta(weeks * 7)}
    known = by_reader(con, confusions or {})
    for period in PERIODS:
        for span in _spans(con, period, since.get(period, first - _MONTH), as_of):
            parts = []
            for split in (*SPLITS, ("touchpoint", "theme_id")) if period == "all" else SPLITS:
                found = group_sums(con, period, split, span, first)
                if len(found):
                    emotions = None if period == "day" else emotion_sums(con, period, split, span, first)
                    parts.append(_shown(_stacked(found, emotions, split, min_n, known).assign(period=period)))
            if parts:
                yield _finish(con, parts, as_of)


def _spans(con: duckdb.DuckDBPyConnection, period: str, low: dt.date, as_of: dt.date) -> Iterator[Span | None]:
    """Spans of period starts after `low`, up to the last one, of about equally many rows each; those without any left out.

    One row dated 1970 must not cost a query for each half-year since.
    """
    if period == "all":
        yield None
        return
    found = con.execute(f"SELECT DISTINCT date_trunc('{period}', day)::DATE FROM piece").fetchall()
    step = _MONTH * {"day": 1, "week": 3, "month": 6}[period]
    while low < as_of:
        if any(low < start <= low + step for (start,) in found):
            yield low, low + step
        low += step


def of_period(con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], *, min_n: int) -> pd.DataFrame:
    """Rows of one period and split, emotions left out: role, start, the split, measure and figures; con as above."""
    first = con.execute("SELECT min(day) FROM piece").fetchall()[0][0]
    return _stacked(group_sums(con, period, split, None, first), None, split, min_n, {})


def _stacked(
    found: pd.DataFrame,
    emotions: pd.DataFrame | None,
    split: Sequence[str],
    min_n: int,
    confusions: Mapping[int, np.ndarray],
) -> pd.DataFrame:
    """Sums of one period and split, a row a group -> a row a measure and group."""
    keys = ["role", "start", *split]
    g = {name: found[name].to_numpy() for name in found}
    blocks = [_counted(g, name) for name in COUNTS]
    for family, (_, base, members) in FAMILIES.items():
        of = g["responses" if base == "head" else "pieces"]
        alike = np.asarray((found["scale_min"].fillna("") == found["scale_max"].fillna("")) | (family != "rating"))
        for name, measure in members.items():
            sums = [g[f"{part}_{name}"].astype(float) for part in ("s", "ss", "sn")]
            blocks.append(_measured(g, name, family, measure, sums, of, (g[f"n_{family}"] >= min_n) & alike, min_n))
            if name == "emotional" and "theme_id" not in split:  # the errors known are those on whole comments
                blocks.append(_corrected(blocks[-1], g, confusions))
    if emotions is not None:
        at = emotions.merge(found[keys].assign(at=range(len(found))), on=keys)
        by_emotion = {
            name: (part[["s", "ss", "sn"]].to_numpy(dtype=float), part["at"].to_numpy())
            for name, part in at.groupby("emotion")
        }
        for emotion in EMOTIONS:
            sums = list(np.zeros((3, len(found))))
            if emotion in by_emotion:
                values, places = by_emotion[emotion]
                for total, value in zip(sums, values.T, strict=True):
                    total[places] = value
            measure, shown = share("true"), g["n_felt"] >= min_n
            blocks.append(_measured(g, f"emotion_{emotion}", "felt", measure, sums, g["pieces"], shown, min_n))
    stacked = pd.DataFrame({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})
    for name in (*keys, "people", "version_min", "version_max", "themes_version_min", "themes_version_max"):
        stacked[name] = np.tile(g[name], len(blocks))
    return stacked


def _counted(g: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """A count is what it is: no interval, and nothing is hidden that n does not say beside it."""
    size = len(g["role"])
    unknown = np.full(size, np.nan)
    return {
        "measure": np.full(size, name, dtype=object), "value": g[name].astype(float), "low": unknown, "high": unknown,
        "n": g["pieces"], "n_customers": g["people"], "n_effective": unknown, "coverage": unknown,
        "suppressed": np.zeros(size, dtype=bool), "of_text": np.zeros(size, dtype=bool),
    }  # fmt: skip


def _measured(
    g: dict[str, np.ndarray], name: str, family: str, measure: Measure, sums: list, of: np.ndarray, shown, min_n: int
) -> dict[str, np.ndarray]:
    """One measure of all groups; sums: s, ss, sn of `intervals.Sums` in steps, of: the rows that could have had it."""
    n, weight, squares, nn = (g[f"{part}_{family}"].astype(float) for part in ("n", "w", "ww", "nn"))
    effective = np.divide(weight**2, squares, out=np.zeros_like(weight), where=squares > 0)
    scale = np.divide(effective, weight, out=np.zeros_like(weight), where=weight > 0)  # weights that add up to it
    customers = g[f"c_{family}"]
    triples = np.full((len(n), 3), np.nan)
    for i in np.flatnonzero(shown & (weight > 0)):
        k, x = scale[i], scale[i] / measure.per
        one = Sums(sums[0][i] * x, effective[i], sums[1][i] * x * x, sums[2][i] * k * x, nn[i] * k * k, customers[i])
        triples[i] = share_interval(one) if measure.is_share else mean_interval(one, low=measure.low, high=measure.high)
    return {
        "measure": np.full(len(n), name, dtype=object),
        "value": triples[:, 0], "low": triples[:, 1], "high": triples[:, 2], "n": n, "n_customers": customers,
        "n_effective": effective, "coverage": np.divide(n, of, out=np.full(len(n), np.nan), where=of > 0),
        "suppressed": n < min_n, "of_text": np.full(len(n), family in TEXTS),
    }  # fmt: skip


def _corrected(raw: dict[str, np.ndarray], g: dict[str, np.ndarray], confusions: Mapping[int, np.ndarray]) -> dict:
    """The block of `emotional` corrected for its classifier's errors; null where several read, or one of unknown errors."""
    triples = np.full((len(raw["n"]), 3), np.nan)
    for i in np.flatnonzero(~np.isnan(raw["value"]) & (g["reader_min"] == g["reader_max"])):
        triples[i] = correct((raw["value"][i], raw["low"][i], raw["high"][i]), confusions.get(g["reader_min"][i]))
    name = np.full(len(raw["n"]), "emotional_corrected", dtype=object)
    return raw | {"measure": name, "value": triples[:, 0], "low": triples[:, 1], "high": triples[:, 2]}


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without those that nobody may see or that say nothing."""
    # Of a suppressed week or month one row says as much as 28 more would: `negative` has the same n as the emotions.
    extra = rows["suppressed"] & rows["measure"].str.startswith("emotion_")
    rows = rows[(rows["n"] > 0) & ~extra | (rows["period"] == "all")]
    few = np.where(rows["n_customers"] > 0, rows["n_customers"], rows["people"]) < MIN_PEOPLE
    return rows[(rows["role"] == "customer") | ~few]


def _finish(con: duckdb.DuckDBPyConnection, parts: list[pd.DataFrame], as_of: dt.date) -> pd.DataFrame:
    """The rows of a period together, with names for what has numbers."""
    rows = pd.concat(parts, ignore_index=True)
    for table, column in (("version", "model_version"), ("themes_version", "themes_version")):
        names = con.execute(f"SELECT name FROM {table} ORDER BY nr").df()["name"]
        rows[column] = _named(rows[f"{table}_min"], rows[f"{table}_max"], names)
    rows["model_version"] = rows["model_version"].where(rows["of_text"], None)
    for name in ("source", "channel", "touchpoint", "segment", "theme_id"):
        rows[name] = rows[name].fillna(ALL) if name in rows else ALL
    rows = rows.rename(columns={"role": "respondent_role", "start": "period_start"}).assign(as_of=as_of)
    rows["period_start"] = pd.to_datetime(rows["period_start"]).dt.date
    rows[["n", "n_customers"]] = rows[["n", "n_customers"]].astype("int64")
    order = ["period", "period_start", "source", "channel", "touchpoint", "segment", "respondent_role", "theme_id"]
    return rows.sort_values([*order, "measure"], kind="stable").reset_index(drop=True)


def _named(low: pd.Series, high: pd.Series, names: pd.Series) -> pd.Series:
    """Version numbers -> names; a group whose rows have several gets the first and the last joined by |."""
    first, last = low.map(names).astype(object), high.map(names).astype(object)
    return first.where((first == last) | first.isna(), first + "|" + last).where(first.notna(), None)
