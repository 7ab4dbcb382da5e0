"""The gates: what each finds, what it does then, and what is kept of it."""

import datetime as dt
import pickle

import pandas as pd
import pytest
import yaml

from cx_nlp import quality, store
from cx_nlp.config import load_config
from cx_nlp.doctor import check_lake
from cx_nlp.errors import QualityStopped, UsageError
from cx_nlp.quality.entering import _volumes
from cx_nlp.quality.exiting import psi
from cx_nlp.quality.frames import mention_problems, scored_problems, staged_problems
from cx_nlp.quality.judge import judge
from cx_nlp.quality_config import Limits, QualityConfig
from tests import nights
from tests.store import nights as store_nights

EASY = {"min_rows": 3, "min_history": 3, "volume": {"warn": 0.5, "stop": 0.1}}


def settings(**given) -> QualityConfig:
    return QualityConfig.model_validate(EASY | given)


def day(n: int, rows: int = 10, text: str = "the staff were kind", **given) -> list[dict]:
    date = f"2026-02-{n:02}"
    return [
        store_nights.row(f"{n}-{k}", f"{text} {k}", date, updated_at=f"{date}T13:00:00", **given) for k in range(rows)
    ]


def run(lake, n: int, rows: list[dict], config: QualityConfig | None = None, rejects=None, **given):
    """A night of the store's tests with the gates; -> their checks by (source, check)."""
    with store.locked(lake):
        started = store_nights.START + dt.timedelta(days=n)
        plan, built = store_nights.prepare(lake, f"night-{n}", rows, rejects, started_at=started, **given)
        found = quality.entry(plan, config or settings(), flow="nightly")
        found += quality.leaving(plan, built, config or settings())
        built.append(quality.keep(plan, built, found))
        store_nights.commit(plan, built)
    return {(one.source, one.check): one for one in found}


def volumes(lake, n: int, new: int, *, hours: int = 0, days: tuple[int, ...] = (), **plan):
    """Volume checks of a night with so many new rows, after nights of 10 new rows on some days; -> by check."""
    for day in days:
        row = {"source": "survey", "flow": "nightly", "status": "done", "new": 10}
        row["started_at"] = store_nights.START + dt.timedelta(days=day)
        store.record_failure(lake, f"night-{day}", [row])
    started = store_nights.START + dt.timedelta(days=n, hours=hours)
    empty = store.Plan(lake, f"now-{n}", started, None, {"survey": {"new": new}}, {}, {})
    (lake / "_staging" / f"now-{n}" / "plan").mkdir(parents=True)
    return {one.check: one for one in _volumes(empty, settings(**plan), "nightly")}


def test_too_few_new_rows_warn_and_far_too_few_stop(tmp_path):
    assert volumes(tmp_path, 3, 10, days=(1, 2))["volume"].level == "unknown", "three days of history are needed"
    assert volumes(tmp_path, 4, 10, days=(3,))["volume"].level == "ok"
    few = volumes(tmp_path, 5, 3)["volume"]
    assert (few.level, few.value, few.limit, few.n) == ("warn", 0.3, 0.5, 3)
    none = volumes(tmp_path, 6, 0)["volume"]
    assert (none.level, none.limit, none.n) == ("stop", 0.1, 0)
    surge = volumes(tmp_path, 7, 60)
    assert (surge["surge"].level, surge["volume"].level, surge["surge"].value) == ("warn", "ok", 6.0)


def test_a_second_run_of_the_day_is_no_empty_day(tmp_path):
    again = volumes(tmp_path, 4, 0, hours=1, days=(1, 2, 3, 4))["volume"]
    assert (again.value, again.level, again.n) == (1.0, "ok", 10)


def test_only_days_of_late_and_of_the_same_flow_are_compared(tmp_path):
    volumes(tmp_path, 1, 10, days=tuple(range(1, 10)))
    assert volumes(tmp_path, 9, 10, history=3)["volume"].message.endswith("median 10 of 3 days")
    found = _volumes(
        store.Plan(tmp_path, "now-9", store_nights.START + dt.timedelta(days=20), None, {"survey": {"new": 1}}, {}, {}),
        settings(),
        "backfill",
    )
    assert [one.level for one in found] == ["unknown"]


def test_a_run_of_some_dates_has_no_volume(tmp_path):
    found = run(tmp_path, 5, day(5, 1), only_date="2026-02-05")
    assert ("survey", "volume") not in found and ("survey", "rejected") in found


def test_rejected_foreign_and_missing_values_are_shares_of_rows(tmp_path):
    run(tmp_path, 1, day(1, nps=9))
    foreign = day(2, 6, nps=None) + [row | {"score_status": "unsupported_language"} for row in day(3, 4, nps=None)]
    found = run(tmp_path, 2, foreign, rejects=[store_nights.reject(f"bad {k}") for k in range(5)])
    shares = {check: (one.value, one.n, one.level) for (_, check), one in found.items() if one.source == "survey"}
    assert shares["rejected"] == (5 / 15, 15, "warn")
    assert shares["unknown_language"] == (0.4, 10, "warn")
    assert shares["nulls_nps"] == (1.0, 10, "warn")
    assert "nulls_csat" not in shares, "it was never filled"
    assert run(tmp_path, 3, day(4, 2, nps=None))["survey", "nulls_nps"].level == "unknown", "two rows say nothing"


def test_scores_that_drift_from_the_reference_month_are_found(tmp_path):
    config = settings(min_rows=20)
    texts = ["bad wait", "the staff were kind"]
    mixed = [store_nights.row(f"m{k}", f"{texts[k % 2]} {k}", "2026-01-15") for k in range(60)]
    assert run(tmp_path, 1, mixed, config)["survey", "drift_negative"].level == "unknown"
    same = [store_nights.row(f"s{k}", f"{texts[k % 2]} {k}", "2026-02-15") for k in range(60)]
    for row in (*mixed, *same):
        row["updated_at"] = None
    found = run(tmp_path, 2, same, config)["survey", "drift_negative"]
    assert found.level == "ok" and found.value < found.limit
    bad = [store_nights.row(f"b{k}", f"bad wait {k}", "2026-02-16") for k in range(60)]
    found = run(tmp_path, 3, bad, config)["survey", "drift_negative"]
    assert found.level == "warn" and "60 rows against 60 of 2026-01" in found.message
    named = run(tmp_path, 4, [row | {"feedback_id": f"c{k}", "response_id": f"c{k}"} for k, row in enumerate(bad)],
                settings(min_rows=20, reference_month="2026-02"))  # fmt: skip
    assert "of 2026-02" in named["survey", "drift_negative"].message


def test_psi_is_the_textbooks_sum_and_stays_finite():
    value, noise = psi([50, 50], [50, 50])
    assert value == 0 and noise == pytest.approx(2 / 100)
    value, _ = psi([20_000, 80_000], [50_000, 50_000])
    assert value == pytest.approx((0.2 - 0.5) * -0.916291 + (0.8 - 0.5) * 0.470004, abs=1e-3)
    assert psi([100, 0], [0, 100])[0] < 20
    with pytest.raises(ValueError, match="expected some in both"):
        psi([0, 0], [1, 1])


def test_psi_of_one_population_is_about_its_noise():
    import numpy as np

    rng = np.random.default_rng(5)
    draws = [psi(*(rng.multinomial(400, [0.1] * 10) for _ in range(2))) for _ in range(300)]
    values, noises = zip(*draws, strict=True)
    assert np.mean(values) == pytest.approx(np.mean(noises), rel=0.15)


def test_broken_keys_and_orphans_stop_before_anything_is_replaced(tmp_path):
    run(tmp_path, 1, day(1))
    with store.locked(tmp_path):
        started = store_nights.START + dt.timedelta(days=2)
        plan, built = store_nights.prepare(tmp_path, "night-2", day(2), started_at=started)
        double(built, "feedback"), orphan(built)
        found = quality.leaving(plan, built, settings())
        levels = {one.check: one.level for one in found}
        assert (levels["duplicates"], levels["orphans"], levels["mention_duplicates"]) == ("stop", "stop", "ok")
        with pytest.raises(QualityStopped, match="duplicates: 1 keys stand twice in 21 rows") as caught:
            quality.enforce(found)
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value) and again.checks == caught.value.checks
        rows = [{"source": "survey", "flow": "nightly", "started_at": started, "error": str(caught.value)}]
        store.record_failure(tmp_path, "night-2", rows, quality=caught.value.checks)
    assert store_nights.table(tmp_path, "feedback", "count(*)") == [(10,)]
    assert store_nights.table(tmp_path, "runs", "status, count(*)", "true GROUP BY status") == [
        ("done", 1),
        ("failed", 1),
    ]
    stopped = store_nights.table(tmp_path, "quality", '"check", value, n, level', "run_id = 'night-2'")
    assert ("duplicates", 1.0, 21, "stop") in stopped and len(stopped) == len(found)


def double(built: list[store.Built], table: str) -> None:
    """Write a partition's first row twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = next(temporary for one in built for temporary, final in one.writes if final.parts[-3] == table)
    rows = pq.ParquetFile(path).read()
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), path)


def orphan(built: list[store.Built]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = next(temporary for one in built for temporary, final in one.writes if final.parts[-3] == "theme_mentions")
    rows = pq.ParquetFile(path).read()
    ids = pa.array([f"x{n}" for n in range(rows.num_rows)])
    pq.write_table(
        rows.set_column(rows.schema.get_field_index("feedback_id"), rows.schema.field("feedback_id"), ids), path
    )


def test_values_out_of_range_are_counted_by_column_and_rule():
    good = {
        "source": "s", "feedback_id": "1", "row_hash": "h", "feedback_date": dt.date(2026, 1, 1), "nps_group": None,
        "submitted_at": pd.Timestamp("2026-01-01", tz="UTC"), "respondent_role": "customer", "weight": 1.0,
        "nps": 9, "csat": None, "ces": None, "score_status": "scored",
    }  # fmt: skip
    frame = pd.DataFrame(
        [good, good | {"feedback_id": "2", "nps": 11}, good | {"feedback_id": "3", "respondent_role": "Jane"}]
    )
    frame["nps"] = frame["nps"].astype("Int64")
    found = staged_problems(frame)
    assert found == {"nps: in_range": 1, "respondent_role: isin": 1} and "Jane" not in str(found)
    assert staged_problems(frame.iloc[:1]) == {}
    twice = staged_problems(pd.DataFrame([good, good]))
    assert twice and all(name.startswith("row: multiple_fields_uniqueness") for name in twice)
    assert staged_problems(pd.DataFrame([good | {"feedback_date": None}])) == {"feedback_date: not_nullable": 1}


def test_probabilities_add_up_or_are_all_missing():
    from cx_nlp.quality.frames import MENTION_COLUMNS, SCORED_COLUMNS

    scored = dict.fromkeys(SCORED_COLUMNS) | {
        "source": "s", "feedback_id": "1", "feedback_date": dt.date(2026, 1, 1), "n_tokens": 5, "n_windows": 1,
    }  # fmt: skip
    shares = {
        "sentiment_label": "negative",
        "sentiment_score": -0.6,
        "p_negative": 0.7,
        "p_neutral": 0.2,
        "p_positive": 0.1,
    }
    assert scored_problems(pd.DataFrame([scored])) == {}
    assert scored_problems(pd.DataFrame([scored | shares])) == {}
    assert scored_problems(pd.DataFrame([scored | shares | {"p_neutral": 0.4}]))["row: probabilities_add_up"] == 1
    assert scored_problems(pd.DataFrame([scored | shares | {"p_neutral": None}]))["row: probabilities_add_up"] == 1
    mention = dict.fromkeys(MENTION_COLUMNS) | {
        "source": "s", "feedback_id": "1", "feedback_date": dt.date(2026, 1, 1), "is_negated": False, "method": "pattern",
    }  # fmt: skip
    spans = [(0, 3, 5), (1, 5, 3), (-1, None, None), (-1, 1, 2)]
    frame = pd.DataFrame([mention | {"mention_id": i, "start": start, "end": end} for i, start, end in spans])
    frame[["start", "end"]] = frame[["start", "end"]].astype("Int64")
    assert mention_problems(frame) == {"row: start_before_end": 2}


@pytest.mark.parametrize(
    ("value", "below", "level"), [(0.4, True, "warn"), (0.05, True, "stop"), (0.5, True, "ok"), (0.5, False, "stop")]
)
def test_stop_goes_before_warn(value, below, level):
    limits = Limits(warn=0.5, stop=0.1) if below else Limits(warn=0.1, stop=0.4)
    assert judge("s", "c", value, n=1, limits=limits, says="x", below=below).level == level


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"volume": {"warn": 0.1, "stop": 0.5}}, r"volume: stop \(0.5\) must lie below warn"),
        ({"drift": {"warn": 0.3, "stop": 0.1}}, r"drift: stop \(0.1\) must lie above warn"),
        ({"reference_month": "2026-13"}, "expected a month such as 2026-01"),
        ({"volum": {}}, "did you mean 'volume'"),
    ],
)
def test_a_wrong_gate_is_named(tmp_path, tiny, wrong, says):
    path = nights.write_config(tmp_path, tiny)
    path.write_text(path.read_text() + yaml.safe_dump({"quality": wrong}))
    with pytest.raises(UsageError, match=says):
        load_config(path)


def test_a_night_keeps_what_its_gates_found_and_a_rerun_writes_nothing(tmp_path, tiny):
    path = nights.survey(tmp_path, tiny)
    nights.run(path)
    lake = tmp_path / "lake"
    rows = nights.query(lake, 'SELECT "check", level, n FROM quality ORDER BY source, "check"')
    assert ("duplicates", "ok", 7) in rows and ("score_ranges", "ok", 4) in rows and ("ranges", "ok", 7) in rows
    before = nights.content(lake, without=("runs", "_lock"))
    nights.run(path, reread=True)
    assert nights.content(lake, without=("runs", "_lock")) == before
    assert check_lake(lake) == []
