"""What makes exports tiresome is there, harmless, and counted as the pipeline counts it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stdnum import iban, luhn

from cx_nlp import night, store
from cx_nlp.clean import PLACEHOLDERS, clean_text
from cx_nlp.config import load_config
from cx_nlp.sample import generate, load_facts
from cx_nlp.sample.noise import KINDS
from cx_nlp.sample.snippets import HOSTILE, PERSONAL, UNREADABLE
from cx_nlp.sources import expand

ROOT = Path(__file__).parents[2]
FACTS = load_facts(ROOT / "configs" / "sample" / "facts.yaml")


@pytest.fixture(scope="module")
def truth():
    return generate(seed=3, rows=1200, facts=FACTS).truth


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The shipped sample as the nightly run takes it, up to scoring: its counts and its rows."""
    lake = tmp_path_factory.mktemp("lake")
    config = load_config(ROOT / "configs" / "sample.yaml").model_copy(update={"lake": lake})
    this = night.new_night(config, flow="test")
    with store.locked(lake):
        store.open_lake(lake)
        for name, paths in night.find_files(config).items():
            night.take_source(this, name, paths)
        plan = night.resolve(this)
        return plan.counts, pd.read_parquet(plan.folder / "rows.parquet")


def test_every_kind_is_there(truth):
    assert set(truth["noise"]) == {"", *KINDS}
    assert (truth["noise"] == "very_long").sum() == 1


def test_the_pipeline_counts_what_was_planted(staged, truth):
    counts, _ = staged
    for source, mine in truth.groupby("source"):
        outcomes = mine["outcome"].value_counts()
        assert counts[source]["read"] == len(mine)
        for outcome in ("new", "superseded", "rejected"):
            assert counts[source][outcome] == outcomes.get(outcome, 0), (source, outcome)


def test_rows_are_read_as_they_were_meant(staged, truth):
    _, rows = staged
    kept = truth[(truth["outcome"] == "new") & truth["feedback_id"].notna()]
    both = rows.merge(kept, on=["source", "feedback_id"], suffixes=("", "_meant"))
    assert len(both) == len(kept)
    for rating in ("nps", "csat", "ces", "rating"):
        got, meant = both[rating].astype(float), both[f"{rating}_meant"]
        assert ((got == meant) | (got.isna() & meant.isna())).all(), rating
    assert (pd.to_datetime(both["feedback_date"]) == both["feedback_date_meant"]).all()
    assert (both["channel"] == both["channel_meant"]).all()
    issues = set("|".join(rows["issues"]).split("|"))
    assert {"nps_invalid", "csat_invalid", "ces_invalid", "rating_invalid", "rating_conflict"} < issues
    assert {"may_quote_invalid", "updated_at_invalid"} < issues
    assert {"scored", "no_text", "unreadable", "unsupported_language"} == set(rows["score_status"])
    # The staff app has no ids: told apart by time.
    voice = rows[rows["source"] == "voice"]
    meant = truth[(truth["source"] == "voice") & (truth["outcome"] == "new")]
    at = meant["submitted_at"].dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC")
    assert sorted(voice["submitted_at"]) == sorted(at)
    assert set(voice["respondent_role"]) == {"employee", "leader"}


def test_personal_data_is_there_and_is_masked(staged, truth):
    _, rows = staged
    found = set(re.findall(r"\[[A-Z]+\]", " ".join(rows["text"].dropna())))
    assert found == set(PLACEHOLDERS)
    raw = truth[truth["noise"].str.startswith("personal")]
    assert len(raw) >= len(PERSONAL)
    assert raw["text"].str.endswith(PERSONAL).all()


@pytest.mark.parametrize("snippet", PERSONAL)
def test_each_piece_of_personal_data_is_masked(snippet):
    assert any(placeholder in clean_text(snippet) for placeholder in PLACEHOLDERS)


def test_invented_numbers_are_valid():
    text = " ".join(PERSONAL)
    cards = re.findall(r"\b\d{4} \d{4} \d{4} \d{4}\b(?! \d)", text)
    assert [luhn.is_valid(card.replace(" ", "")) for card in cards if card[0] in "45"] == [True, True]
    assert iban.is_valid("GB82 WEST 1234 5698 7654 32")
    assert "GB82 WEST 1234 5698 7654 32" in text
    assert all("example" in address for address in re.findall(r"\S+@\S+\.\S+|https?://\S+|www\.\S+", text))


def test_hostile_text_is_there_as_written(truth):
    texts = " ".join(truth["text"].dropna())
    for sign in ("<script>", "DROP TABLE", "=HYPERLINK", "=cmd|", "onerror=", "Ignore all previous instructions"):
        assert sign in texts, sign
    assert len(set(HOSTILE)) == len(HOSTILE) > 10
    assert set(truth[truth["noise"] == "unreadable"]["text"]) <= set(UNREADABLE)


def test_versions_and_copies(truth):
    for kind in ("edited", "edited_review"):
        newer = truth[truth["noise"] == kind]
        assert (newer["outcome"] == "new").all()
        for row in newer.itertuples():
            older = truth[(truth["feedback_id"] == row.feedback_id) & (truth["outcome"] == "superseded")]
            assert len(older) == 1
            assert row.text != older["text"].iloc[0]
            assert row.text.startswith(older["text"].iloc[0])
    copies = truth[truth["noise"] == "duplicate_text"]
    for row in copies.itertuples():
        same = truth[(truth["text"] == row.text) & (truth["noise"] == "")]
        assert len(same) >= 1
        assert row.feedback_id not in set(same["feedback_id"])
    exact = truth[truth["noise"] == "exact_copy"]
    assert (exact["outcome"] == "superseded").all()
    assert truth["feedback_id"].isin(exact["feedback_id"]).sum() == 2 * len(exact)


def test_noise_hits_at_random(truth):
    """It moves no population value: hit rows rate like the others."""
    large = generate(seed=8, rows=40_000, facts=FACTS).truth
    rated = large[(large["source"] == "survey") & large["csat"].notna() & large["has_comment"]]
    hit = rated[rated["noise"].isin([kind for kind, entry in KINDS.items() if entry.sort == "english"])]["csat"]
    rest = rated[(rated["noise"] == "") & (rated["language"] == "en")]["csat"]
    assert len(hit) > 500
    assert abs(hit.mean() - rest.mean()) < 4 * np.sqrt(hit.var() / len(hit) + rest.var() / len(rest))


def test_paths_of_the_config_match():
    config = load_config(ROOT / "configs" / "sample.yaml")
    assert config.lake == (ROOT / "configs" / "../lake")
    assert [source.kind for source in config.sources.values()] == ["csv", "jsonl", "parquet"]
    assert [len(expand(source.path)) for source in config.sources.values()] == [4, 1, 1]


def test_beliefs_and_actions_say_what_the_facts_say():
    folder = ROOT / "configs" / "sample"
    beliefs = pd.read_csv(folder / "beliefs.csv")
    assert list(beliefs) == ["statement", "measure", "scope", "as_of", "believed", "n_leaders"]
    planted = [fact for fact in FACTS if fact.kind == "belief_gap"]
    assert [
        tuple(row) for row in beliefs[["statement", "measure", "believed", "n_leaders"]].itertuples(index=False)
    ] == [(fact.statement, fact.measure, fact.believed, fact.n_leaders) for fact in planted]
    assert set(beliefs["as_of"]) == {"2026-03-28"}
    actions = pd.read_csv(folder / "actions.csv")
    assert list(actions) == ["action", "theme", "touchpoint", "owner", "started", "announced"]
    assert [tuple(row) for row in actions[["action", "theme", "touchpoint", "started"]].itertuples(index=False)] == [
        (fact.action, fact.scope.theme, fact.scope.touchpoint, fact.window.first.isoformat())
        for fact in FACTS
        if fact.kind == "action"
    ]
