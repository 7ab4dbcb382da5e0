import itertools
import random
from datetime import date, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from cx_nlp.config import SourceConfig
from cx_nlp.date_plan import _Node, _totals, plan_dates, read_dates, resolve_ambiguous_dates

LONDON = ZoneInfo("Europe/London")


def resolve(pairs, order="day_first"):
    return resolve_ambiguous_dates(pairs, order=order, zone=LONDON)


def days(plan):
    return {who: (str(p.day), p.is_suspect) for who, p in plan.by_respondent.items()}


def source(**extra):
    return SourceConfig(
        kind="csv",
        path="x",
        timezone="Europe/London",
        columns={"submitted_at": "when"},
        **{"date_sequence": "who"} | extra,
    )


ANCHORS = [("A 1", "28/02/2022"), ("A 2", "28/02/2022"), ("A 8", "19/03/2022"), ("A 9", "20/03/2022")]


def test_one_date_in_both_orders_is_that_date():
    plan = resolve([("x", "31/05/2022"), ("x", "5/31/2022")])
    assert days(plan) == {"x": ("2022-05-31", False)}
    assert plan.counts == {"anchored": 1, "resolved": 0, "suspect": 0}


def test_neighbours_settle_a_date_in_either_reading():
    pairs = [*ANCHORS, ("A 4", "03/08/2022"), ("A 5", "09/03/2022"), ("A 6", "09/03/2022"), ("A 6", "03/09/2022")]
    plan = resolve(pairs)
    found = days(plan)
    assert found["A 4"] == ("2022-03-08", False)  # month first, though the source is day first
    assert found["A 5"] == ("2022-03-09", False)
    assert found["A 6"] == ("2022-03-09", False)
    assert plan.counts == {"anchored": 4, "resolved": 3, "suspect": 0}
    issues = read_dates(
        ["03/08/2022", "09/03/2022", "09/03/2022", "03/09/2022", "28/02/2022"],
        ["A 4", "A 5", "A 6", "A 6", "A 1"],
        source=source(),
        plan=plan,
    )
    assert [(str(m.day), i) for m, i in issues] == [
        ("2022-03-08", "date_order_resolved"), ("2022-03-09", None), ("2022-03-09", None),
        ("2022-03-09", "date_order_resolved"), ("2022-02-28", None),
    ]  # fmt: skip


def test_what_fits_both_ways_stays_as_the_source_has_it_and_is_suspect():
    plan = resolve([("A 1", "01/04/2021"), ("A 2", "14/04/2021"), ("A 3", "30/04/2021")])
    assert days(plan)["A 1"] == ("2021-04-01", True)
    assert days(resolve([("A 1", "01/04/2021")], order="month_first"))["A 1"] == ("2021-01-04", True)
    [(moment, issue)] = read_dates(["01/04/2021"], ["A 1"], source=source(), plan=plan)
    assert (str(moment.day), issue) == ("2021-04-01", "date_order_suspect")


def test_a_wrong_anchor_is_left_out_and_not_followed():
    pairs = [*ANCHORS, ("A 3", "28/02/2032"), ("A 4", "03/08/2022"), ("A 7", "12/03/2022")]
    found = days(resolve(pairs))
    assert found["A 4"] == ("2022-03-08", False)
    assert found["A 7"] == ("2022-03-12", False)
    assert found["A 3"] == ("2032-02-28", False)  # its own row says so and can be read in no other way


def test_prefixes_are_sequences_of_their_own():
    pairs = [*ANCHORS, ("B 4", "03/08/2022"), ("B 1", "30/07/2022"), ("B 2", "31/07/2022"), ("B 9", "31/08/2022")]
    assert days(resolve([*pairs, ("B 10", "31/08/2022")]))["B 4"] == ("2022-08-03", False)


def test_ids_that_do_not_run_in_time_settle_nothing():
    shuffled = [f"{day:02}/01/2022" for day in (28, 14, 22, 13, 31, 17)]
    pairs = [(f"A {n}", text) for n, text in enumerate(shuffled)] + [("A 9", "02/03/2022")]
    assert days(resolve(pairs))["A 9"] == ("2022-03-02", True)


def test_ids_without_numbers_and_dates_that_are_none():
    plan = resolve([("anna", "03/04/2022"), ("bert", "soon"), ("", "13/04/2022"), ("9" * 30, "14/04/2022")])
    assert days(plan) == {
        "anna": ("2022-04-03", True), "": ("2022-04-13", False), "9" * 30: ("2022-04-14", False)
    }  # fmt: skip
    assert resolve([]).by_respondent == {}


def test_a_respondent_has_one_date_even_if_its_rows_disagree():
    plan = resolve([*ANCHORS, ("A 5", "10/03/2022"), ("A 5", "11/03/2022")])
    [(first, a), (second, b)] = read_dates(["10/03/2022", "11/03/2022"], ["A 5", "A 5"], source=source(), plan=plan)
    assert first.day == second.day
    assert {a, b} == {"date_order_suspect"}


def test_rows_without_a_plan_are_suspect_only_where_the_source_is_said_to_be_mixed():
    assert read_dates(["03/04/2022"], [None], source=source(), plan=None)[0][1] == "date_order_suspect"
    assert read_dates(["13/04/2022"], [None], source=source(), plan=None)[0][1] is None
    assert read_dates(["03/04/2022"], [None], source=source(date_sequence=None), plan=None)[0][1] is None


def test_plan_dates_reads_chunks_and_does_not_depend_on_their_order():
    frame = pd.DataFrame(
        [*ANCHORS, ("A 4", "03/08/2022"), (None, "03/04/2022"), ("A 5", None)], columns=["who", "when"], dtype="str"
    )
    chunks = [SimpleNamespace(rows=frame.iloc[at : at + 2]) for at in range(0, len(frame), 2)]
    plan = plan_dates(chunks, source())
    assert plan == plan_dates(chunks[::-1], source())
    assert days(plan)["A 4"] == ("2022-03-08", False)
    assert plan_dates(chunks, source(date_sequence=None)) is None


@pytest.mark.parametrize("seed", range(30))
def test_chains_agree_with_trying_everything(seed):
    rng = random.Random(seed)
    start = date(2022, 1, 1)
    nodes = [
        _Node(str(n), n, tuple(start + timedelta(d) for d in rng.sample(range(9), rng.choice((1, 2)))), False)
        for n in range(7)
    ]
    best = {}
    for picks in itertools.product(*[(None, *range(len(node.choices))) for node in nodes]):
        chain = [(n, node.choices[p]) for n, (node, p) in enumerate(zip(nodes, picks, strict=True)) if p is not None]
        if all(a[1] <= b[1] for a, b in itertools.pairwise(chain)):
            weight = sum(nodes[n].weight for n, _ in chain)
            for n, p in enumerate(picks):
                if p is not None:
                    best[n, p] = max(best.get((n, p), 0), weight)
    assert _totals(nodes) == [tuple(best[n, p] for p in range(len(node.choices))) for n, node in enumerate(nodes)]


def test_planted_dates_are_found_again():
    rng = random.Random(7)
    day, truth, pairs = date(2022, 1, 3), {}, []
    for number in range(600):
        day += timedelta(rng.choice((0, 0, 0, 1, 2)))
        who = f"S&C {number}"
        truth[who] = day
        wrong = rng.random() < 0.01
        written = day.replace(year=day.year + 1) if wrong else day
        if wrong:
            del truth[who]
        pairs.append((who, written.strftime(rng.choice(("%d/%m/%Y", "%m/%d/%Y")))))
    plan = resolve(pairs)
    clear = {who: p.day for who, p in plan.by_respondent.items() if who in truth and not p.is_suspect}
    assert len(clear) >= 0.97 * len(truth)
    assert sum(clear[who] != truth[who] for who in clear) <= 1


def test_a_year_of_respondents_takes_a_moment():
    pairs = [(f"R {n}", (date(2000, 1, 1) + timedelta(n // 20)).strftime("%d/%m/%Y")) for n in range(20_000)]
    assert resolve(pairs).counts["suspect"] < 100


def test_nhs_dates_are_all_settled_but_one(data_root):
    frame = pd.read_csv(data_root / "feedback" / "nhs_patient_feedback.csv", dtype=str)
    plan = resolve(zip(frame["Respondent ID"], frame["Date"], strict=True))
    assert plan.counts == {"anchored": 2198, "resolved": 760, "suspect": 1}
    nhs = source(date_sequence="Respondent ID")
    dated = read_dates(frame["Date"].tolist(), frame["Respondent ID"].tolist(), source=nhs, plan=plan)
    assert pd.Series([issue for _, issue in dated]).value_counts().to_dict() == {
        "date_order_resolved": 215, "date_order_suspect": 1
    }  # fmt: skip
    one_date = pd.Series([str(moment.day) for moment, _ in dated]).groupby(frame["Respondent ID"]).nunique()
    assert one_date.max() == 1
    assert date(2021, 4, 1) <= min(m.day for m, _ in dated) <= max(m.day for m, _ in dated) <= date(2022, 9, 30)
