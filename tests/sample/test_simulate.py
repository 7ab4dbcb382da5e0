"""The simulation on a few samples, and the reader that stands in for the models; the whole of it is a command."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cx_nlp.sample import generate, load_facts, reader, simulate

FILE = Path(__file__).parents[2] / "configs" / "sample" / "facts.yaml"
FACTS = load_facts(FILE)


@pytest.fixture(scope="module")
def truth():
    return generate(seed=3, rows=600, facts=FACTS).truth


def test_a_reader_without_errors_gives_what_was_planted(truth):
    said, named = reader.read(truth)
    kept = truth[truth["outcome"] == "new"]
    assert said.num_rows == len(kept)
    assert named.num_rows == sum(len(text.split("|")) for text in kept["themes"] if text)
    emotions = said["primary_emotion"].to_pylist()
    assert emotions.count("anger") == ((kept["emotion"] == "anger") & (kept["part"] == 1) & kept["has_comment"]).sum()


def test_a_readers_errors_are_as_many_as_stated(truth):
    said, named = reader.read(truth)
    other, fewer = reader.read(truth, error=0.2, rng=np.random.default_rng(1))
    keys = set(zip(named["feedback_id"].to_pylist(), named["theme_id"].to_pylist(), strict=True))
    kept = set(zip(fewer["feedback_id"].to_pylist(), fewer["theme_id"].to_pylist(), strict=True))
    assert len(keys - kept) / len(keys) == pytest.approx(0.2, abs=0.05)
    assert 0 < len(kept - keys) < 0.1 * said.num_rows
    changed = np.array(said["sentiment_label"].to_pylist()) != np.array(other["sentiment_label"].to_pylist())
    assert 0.05 < changed.mean() < 0.2, "of the fifth that is drawn anew a third keeps its sentiment by chance"


def test_a_few_samples_are_counted():
    found = simulate.simulate(FACTS, samples=4, rows=1200, error=0.05, seed=50, parts=simulate.PARTS[:3])
    assert set(found) == {"covered", "recognised", "false_finds"}
    hits, asked = np.sum(list(found["covered"].values()), axis=0)
    assert asked == 4 * len(found["covered"]) and len(found["covered"]) >= 20 and hits / asked > 0.85
    hits, asked = np.sum(list(found["recognised"].values()), axis=0)
    assert asked == 4 * 10 and hits / asked > 0.7
    hits, asked = np.sum(list(found["false_finds"].values()), axis=0)
    assert hits / asked < 0.15


def test_drivers_of_two_levels_are_counted():
    found = simulate.simulate(FACTS, samples=2, rows=1200, error=0.05, seed=50, parts=("two_levels",))["two_levels"]
    assert set(found) == {"drivers, presence, above", "drivers, presence, below"}
    assert found["drivers, presence, above"][1] == 2 * 3 * 4, "three themes above for four outcomes"
    hits, asked = np.sum(list(found.values()), axis=0)
    assert hits / asked < 0.2


def test_a_sample_is_asked_for_what_leaders_need():
    found = simulate.simulate(FACTS, samples=1, rows=1200, error=0.05, seed=50, parts=("led", "false_alarms"))
    hits, asked = np.sum(list(found["led"].values()), axis=0)
    assert asked == 10 and hits >= 8
    hits, asked = np.sum(list(found["false_alarms"].values()), axis=0)
    assert asked > 100 and hits / asked < 0.10


def test_the_command_prints_shares_with_their_intervals():
    arguments = ["--facts", str(FILE), "--samples", "1", "--rows", "600", "--only", "covered"]
    out = CliRunner().invoke(simulate.main, arguments)
    assert (
        out.exit_code == 0
        and "stars-overall" in out.output
        and "(all)" in out.output
        and "recognised" not in out.output
    )


def test_intervals_of_rows_that_stand_for_a_million(tmp_path):
    """The benchmark's rows have every column's type, and their measures every table."""
    import json

    from cx_nlp import schema
    from cx_nlp.sample import million

    million.make(tmp_path, 1_000)
    found = million.measure(tmp_path)
    assert found["rows"] == 1_000 and json.loads(json.dumps(found)) == found
    made = {row["table"]: row["rows"] for row in found["tables"]}
    assert set(made) == set(schema.MEASURE_TABLES) and made["measures"] > 1_000 and made["outcomes"] >= 9
