"""The table `measures`: rates and means by period and by one split at a time, always of one role.

What customers say is never mixed with what employees and leaders say, so every row has a `respondent_role`; groups of
fewer than MIN_PEOPLE employees or leaders have no row at all. NPS: promoters (9-10) less detractors (0-6), times 100
(Reichheld 2003, The One Number You Need to Grow). CSAT and CES: the mean, and the share of the best answer (top box).
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, mean_interval, share_interval
from cx_nlp.measures.emotional import by_reader, correct
from cx_nlp.measures.relations import SCORE, WEIGHT
from cx_nlp.schema import EMOTIONS

MIN_PEOPLE = 5
ALL = "(all)"
PERIODS = ("day", "week", "month", "all")
SPLITS: tuple[tuple[str, ...], ...] = ((), ("source",), ("channel",), ("touchpoint",), ("segment",), ("theme_id",))
COUNTS = ("responses", "comments", "mentions")


@dataclass(frozen=True)
class Measure:
    """x: SQL over a row, a whole number; a value is its mean over `per`, in the range low..high."""

    x: str
    per: float = 1.0
    low: float = 0.0
    high: float = 1.0
    is_share: bool = False


def _share(condition: str) -> Measure:
    return Measure(f"({condition})::INT", is_share=True)


# What has the same rows behind it: name -> which rows, which rows could have been, and the measures.
FAMILIES: dict[str, tuple[str, str, dict[str, Measure]]] = {
    "nps": (
        "head AND nps IS NOT NULL",
        "head",
        {
            "nps": Measure("CASE WHEN nps >= 9 THEN 1 WHEN nps <= 6 THEN -1 ELSE 0 END", 0.01, -100, 100),
            "promoters": _share("nps >= 9"),
            "passives": _share("nps BETWEEN 7 AND 8"),
            "detractors": _share("nps <= 6"),
        },
    ),
    "csat": ("head AND csat IS NOT NULL", "head", {"csat": Measure("csat", 1, 1, 5), "csat_top_box": _share("csat = 5")}),
    "ces": ("head AND ces IS NOT NULL", "head", {"ces": Measure("ces", 1, 1, 7), "ces_top_box": _share("ces = 7")}),
    "rating": ("head AND rating IS NOT NULL", "head", {"rating": Measure("rating", WEIGHT, -math.inf, math.inf)}),
    "text": (
        "scored AND label IS NOT NULL",
        "true",
        {
            **{name: _share(f"label = '{name}'") for name in ("negative", "neutral", "positive")},
            "mixed": _share("mixed"),
            "sentiment": Measure("sentiment", SCORE, -1, 1),
        },
    ),
    # A checkpoint in place of one head may leave the other's columns unknown: unknown is not "no".
    "felt": (
        "scored AND emotion IS NOT NULL",
        "true",
        {"emotional": _share("emotional"), "intensity": Measure("intensity", SCORE, 0, 1)},
    ),
}  # fmt: skip
TEXTS = ("text", "felt")


def measures(
    con: duckdb.DuckDBPyConnection,
    as_of: dt.date,
    *,
    min_n: int,
    days: int = 92,
    weeks: int = 53,
    confusions: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """All rows of `measures` but for run_id, in order of their key; con: after `relations.load`.

    Day and week by day and week as far back as told, months and all of it whole. The period `all` has a row for every
    measure of every group, with n = 0 where nobody gave it; other periods only where n > 0 (counts: where any is).
    confusions: as in `emotional.emotional`; `emotional_corrected` is null where they do not know the group's reader.
    """
    first = con.execute("SELECT min(day) FROM piece").fetchall()[0][0]
    since = {"day": as_of - dt.timedelta(days), "week": as_of - dt.timedelta(weeks * 7)}
    known = by_reader(con, confusions or {})
    parts = []
    for period in PERIODS:
        for split in (*SPLITS, ("touchpoint", "theme_id")) if period == "all" else SPLITS:
            found = _wide(con, period, split, since.get(period), first)
            if len(found):
                emotions = None if period == "day" else _emotions(con, period, split, since.get(period), first)
                parts.append(_stacked(found, emotions, split, min_n, known).assign(period=period))
    return _finish(con, parts, as_of)


def of_period(con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], *, min_n: int) -> pd.DataFrame:
    """Rows of one period and split, emotions left out: role, start, the split, measure and figures; con as above."""
    first = con.execute("SELECT min(day) FROM piece").fetchall()[0][0]
    return _stacked(_wide(con, period, split, None, first), None, split, min_n, {})


def _groups(split: Sequence[str]) -> str:
    return "".join(f", {name}" for name in split)


def _rows(period: str, split: Sequence[str], since: dt.date | None, first: dt.date) -> str:
    """SQL of the rows of a period and split, with the period's start as `start`."""
    start = f"DATE '{first}'" if period == "all" else f"date_trunc('{period}', day)::DATE"
    table = "piece_theme" if "theme_id" in split else "piece"
    where = f"WHERE {start} > DATE '{since}'" if since else ""
    return f"(SELECT *, {start} AS start FROM {table} {where})"


def _wide(
    con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], since: dt.date | None, first: dt.date
) -> pd.DataFrame:
    """A row for each group: the sums over its customers that intervals need, for all families at once.

    First each customer's sums (whole numbers, exact as doubles), then sums of their products (exact as HUGEINT).
    """
    inner, outer = [], []

    def add(name: str, each: str, over: str) -> None:
        inner.append(f"{each} AS {name}")
        outer.append(f"{over} AS {name}")

    for name, each in (("responses", "count(*) FILTER (head)"), ("comments", "count(*) FILTER (has_text)"),
                       ("mentions", "sum(mentions)"), ("pieces", "count(*)")):  # fmt: skip
        add(name, f"({each})::DOUBLE", f"sum({name})")
    for name, where in (("version", "version IS NOT NULL"), ("themes_version", "themes_version IS NOT NULL")):
        for end in ("min", "max"):
            add(f"{name}_{end}", f"{end}({name}) FILTER ({where})", f"{end}({name}_{end})")
    for end in ("min", "max"):
        add(f"scale_{end}", f"{end}(scale) FILTER (head)", f"{end}(scale_{end})")
        add(f"reader_{end}", f"{end}(reader) FILTER (scored AND emotion IS NOT NULL)", f"{end}(reader_{end})")
    outer.append("count(*) AS people")
    for family, (where, _, members) in FAMILIES.items():
        weight = f"w_{family}"
        add(f"n_{family}", f"(count(*) FILTER ({where}))::DOUBLE", f"sum(n_{family})")
        add(weight, f"coalesce((sum(w) FILTER ({where}))::DOUBLE, 0)", f"sum({weight})")
        add(f"ww_{family}", f"coalesce((sum(w * w) FILTER ({where}))::DOUBLE, 0)", f"sum(ww_{family})")
        outer.append(f"count(*) FILTER (n_{family} > 0) AS c_{family}")
        outer.append(f"sum({weight}::HUGEINT * {weight}::HUGEINT) AS nn_{family}")
        for name, one in members.items():
            inner.append(f"coalesce((sum(w * ({one.x})) FILTER ({where}))::DOUBLE, 0) AS s_{name}")
            outer.append(f"sum(s_{name}) AS s_{name}")
            outer.append(f"sum(s_{name}::HUGEINT * s_{name}::HUGEINT) AS ss_{name}")
            outer.append(f"sum(s_{name}::HUGEINT * {weight}::HUGEINT) AS sn_{name}")
    keys = f"role, start{_groups(split)}"
    return con.execute(f"""
        SELECT {keys}, {", ".join(outer)} FROM (
            SELECT {keys}, customer, {", ".join(inner)} FROM {_rows(period, split, since, first)}
            GROUP BY {keys}, customer)
        GROUP BY {keys} ORDER BY {keys}""").df()


def _emotions(
    con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], since: dt.date | None, first: dt.date
) -> pd.DataFrame:
    """A row for each group and emotion that occurs in it: the sums s, ss, sn of `intervals.Sums`."""
    keys = f"role, start{_groups(split)}"
    return con.execute(f"""
        SELECT {keys}, emotion, sum(s) AS s, sum(s::HUGEINT * s::HUGEINT) AS ss,
               sum(s::HUGEINT * total::HUGEINT) AS sn
        FROM (SELECT *, sum(s) OVER (PARTITION BY {keys}, customer) AS total FROM (
                  SELECT {keys}, customer, emotion, sum(w)::DOUBLE AS s
                  FROM {_rows(period, split, since, first)}
                  WHERE scored AND emotion IS NOT NULL GROUP BY {keys}, customer, emotion))
        GROUP BY {keys}, emotion ORDER BY {keys}, emotion""").df()


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
            measure, shown = _share("true"), g["n_felt"] >= min_n
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


def _finish(con: duckdb.DuckDBPyConnection, parts: list[pd.DataFrame], as_of: dt.date) -> pd.DataFrame:
    """All rows together: without those that nobody may see or that say nothing, with names for what has numbers."""
    rows = pd.concat(parts, ignore_index=True)
    # Of a suppressed week or month one row says as much as 28 more would: `negative` has the same n as the emotions.
    extra = rows["suppressed"] & rows["measure"].str.startswith("emotion_")
    rows = rows[(rows["n"] > 0) & ~extra | (rows["period"] == "all")]
    few = np.where(rows["n_customers"] > 0, rows["n_customers"], rows["people"]) < MIN_PEOPLE
    rows = rows[(rows["role"] == "customer") | ~few].reset_index(drop=True)
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
