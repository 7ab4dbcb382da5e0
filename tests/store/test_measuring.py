"""Measures are part of the run that they follow from: one commit, one partition an as_of, nothing where nothing is new."""

import datetime as dt

import pyarrow as pa
import pytest

from cx_nlp import schema, store
from cx_nlp.store import files
from tests.store import nights
from tests.store.nights import row


def tables_of(con, feedback, mentions, parents):
    """A stand-in that counts: what matters here is which rows it is given and where its tables go."""
    ((as_of, n, named),) = con.execute(
        f"SELECT max(feedback_date), count(*), (SELECT count(*) FROM {mentions}) FROM {feedback}"
    ).fetchall()
    if as_of is None:
        return None, []
    values = {
        "as_of": as_of,
        "period": "all",
        "measure": "comments",
        "value": float(n),
        "n": named,
        "suppressed": False,
    }
    found = {name: schema.TABLES[name].empty_table() for name in schema.MEASURE_TABLES}
    found["measures"] = pa.Table.from_pylist([values], schema=schema.MEASURES)
    return as_of, found.items()


def night(lake, run_id, rows, **options):
    with store.locked(lake, holder=run_id):
        plan, built = nights.prepare(lake, run_id, rows, **options)
        built.append(store.build_measures(plan, built, tables_of, themes=nights.THEMES))
        nights.commit(plan, built)
    return built[-1]


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def values(lake):
    return nights.table(lake, "measures", "as_of, value, n")


def test_measures_see_the_lake_as_the_run_leaves_it(lake):
    night(lake, "r1", [row("1"), row("2", date="2026-02-03")])
    assert values(lake) == [(dt.date(2026, 2, 3), 2.0, 2)]
    night(lake, "r2", [row("2", "bad wait", date="2026-02-03", updated_at="2026-02-04T09:00:00"), row("3")])
    assert values(lake) == [(dt.date(2026, 2, 3), 3.0, 3)], "the replaced row once, with its new mention"
    assert {path.parts[-3] for path in lake.glob("*/dt=2026-02-03/*.parquet")} >= set(schema.MEASURE_TABLES)


def test_a_night_that_finds_nothing_new_leaves_them(lake):
    rows = [row("1"), row("2")]
    night(lake, "r1", rows)
    before = nights.snapshot(lake)
    assert night(lake, "r2", rows) == store.Built()
    assert nights.snapshot(lake) == before


def test_older_partitions_stay_and_later_ones_than_the_latest_day_go(lake):
    night(lake, "r1", [row("1")])
    night(lake, "r2", [row("2", date="2026-02-05")])
    assert [as_of.day for as_of, _, _ in values(lake)] == [1, 5]
    night(lake, "r3", [row("2", date="2026-02-02", updated_at="2026-02-06T09:00:00")])
    assert [as_of.day for as_of, _, _ in values(lake)] == [1, 2]
    assert not (lake / "passives" / "dt=2026-02-05").exists()


def test_a_lake_from_before_gets_its_measures_on_the_next_run(lake):
    rows = [row("1"), row("2")]
    nights.night(lake, "r1", rows)
    assert values(lake) == []
    night(lake, "r2", rows)
    assert values(lake) == [(dt.date(2026, 2, 1), 2.0, 2)]


def test_an_empty_lake_has_none(lake):
    assert night(lake, "r1", []) == store.Built()
    assert values(lake) == []


def test_measures_of_a_crashed_run_come_with_its_rows_or_not_at_all(lake):
    night(lake, "r1", [row("1")])

    class Crash(Exception):
        pass

    for crash_at, expected in (("journal written", 1.0), ("journal in place", 2.0)):

        def step(name, at=crash_at):
            if name == at:
                raise Crash

        with store.locked(lake, holder="r2"):
            plan, built = nights.prepare(lake, "r2", [row("1"), row("2", date="2026-02-01")])
            built.append(store.build_measures(plan, built, tables_of, themes=nights.THEMES))
            with pytest.raises(Crash):
                nights.commit(plan, built, step=step)
            store.open_lake(lake)
        assert [value for _, value, _ in values(lake)] == [expected]
        assert len(nights.table(lake, "feedback")) == expected


def test_every_measure_table_has_a_key_of_its_own_columns():
    for name, key in schema.MEASURE_KEYS.items():
        assert set(key) <= set(schema.TABLES[name].names), name
        assert name in files.PARTITIONED
        required = [field.name for field in schema.TABLES[name] if not field.nullable]
        # Alerts are figures that were shown; a list for people names feedback and holds no figure.
        wanted = {"alerts": {"as_of", "n"}, "close_the_loop": {"as_of"}}.get(name, {"as_of", "n", "suppressed"})
        assert wanted <= set(required), name
