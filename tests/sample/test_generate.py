"""The generator: pure, the same bytes from the same seed, in bounded memory; and the files that are committed."""

import itertools
import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cx_nlp.errors import UsageError
from cx_nlp.sample import generate, load_facts, stream, world, write
from cx_nlp.sample.__main__ import main

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = CONFIGS / "sample"
FACTS = load_facts(SHIPPED / "facts.yaml")


@pytest.fixture(scope="module")
def sample():
    return generate(seed=3, rows=1200, days=90, facts=FACTS)


def _same(left: Path, right: Path) -> bool:
    if left.suffix != ".parquet":
        return left.read_bytes() == right.read_bytes()
    # The bytes of Parquet name and depend on the library that wrote them.
    writers = {pq.ParquetFile(path).metadata.created_by for path in (left, right)}
    return pq.read_table(left).equals(pq.read_table(right)) and (
        len(writers) > 1 or left.read_bytes() == right.read_bytes()
    )


def test_committed_files_come_from_the_command_in_the_config(tmp_path):
    head = (CONFIGS / "sample.yaml").read_text(encoding="utf-8")
    command = "python -m cx_nlp.sample --seed 3 --rows 1200 --days 90 --facts configs/sample/facts.yaml --out"
    assert command in head
    assert command in (SHIPPED / "facts.yaml").read_text(encoding="utf-8")
    arguments = ["--seed", "3", "--rows", "1200", "--days", "90", "--facts", str(SHIPPED / "facts.yaml")]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    made = sorted(path.name for path in tmp_path.iterdir())
    committed = sorted(path.name for path in SHIPPED.iterdir() if path.name not in _WRITTEN_BY_HAND)
    assert made == committed
    assert [name for name in made if not _same(tmp_path / name, SHIPPED / name)] == []


_WRITTEN_BY_HAND = ("facts.yaml", "beliefs.csv", "actions.csv", "labelled.csv", "taxonomy.yaml")


def test_committed_files_are_small_and_some_1200_records(sample):
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000
    assert abs(len(sample.truth) - 1200) < 60
    assert sum(map(len, sample.tables.values())) + len(sample.broken) == len(sample.truth)


def test_same_arguments_same_sample(sample):
    again = generate(seed=3, rows=1200, days=90, facts=FACTS)
    assert again.truth.equals(sample.truth)
    assert again.broken == sample.broken
    assert all(again.tables[file].equals(table) for file, table in sample.tables.items())


def test_another_seed_another_sample(sample):
    other = generate(seed=4, rows=1200, days=90, facts=FACTS)
    assert not other.truth["text"].equals(sample.truth["text"])


def test_everything_that_was_asked_for_is_in_it(sample):
    truth = sample.truth
    kept = truth[truth["outcome"] == "new"]
    assert set(kept["respondent_role"]) == {"customer", "employee", "leader"}
    assert set(kept["channel"]) == {*world.CHANNELS, "app review", "staff app"}
    assert set(kept["touchpoint"]) == set(world.TOUCHPOINTS)
    assert set(kept["language"].dropna()) == set(world.LANGUAGES)
    assert set(kept["segment"].dropna()) == set(world.SEGMENTS)
    leaders = kept[kept["respondent_role"] == "leader"]
    assert leaders["person"].nunique() >= 10, "groups under five people are never shown"
    survey = kept[kept["source"] == "survey"]
    for rating in ("nps", "csat", "ces"):
        assert 0.05 < survey[rating].isna().mean() < 0.6
    assert 0.1 < 1 - survey["has_comment"].mean() < 0.4, "ratings without a comment"
    assert survey.groupby("response_id")["feedback_id"].nunique().max() == 2, "several comments in a response"
    words = kept["text"].dropna().str.split().str.len()
    assert words.max() >= 1000
    assert (words.between(120, 500)).sum() >= 3
    assert (words <= 3).sum() >= 20
    assert kept["text"].str.contains("[\U0001f300-\U0001faff]", regex=True).sum() >= 10, "emoji"
    assert kept["day"].min() == 0
    assert kept["day"].max() == 89
    customers = kept[kept["respondent_role"] == "customer"]["person"].dropna()
    assert customers.value_counts().max() >= 3, "the path of a customer"
    assert set(truth["reason"].dropna()) == {"unparseable", "no_date", "date_in_future", "no_comment_or_rating"}


def test_truth_is_in_the_texts(sample):
    """What is said to be planted can be read, up to the writer's slips."""
    truth = sample.truth[sample.truth["part"] == 1]
    planted = [(row.text, json.loads(row.phrases), row.themes) for row in truth.itertuples() if row.themes]
    assert len(planted) > 500
    whole = 0
    for text, phrases, themes in planted:
        assert [theme for theme, _ in phrases] == themes.split("|")
        whole += all(phrase.lower() in text.lower() for _, phrase in phrases)
    assert whole / len(planted) > 0.75
    assert truth[~truth["has_comment"]]["themes"].eq("").all()
    assert sample.truth[sample.truth["part"] == 2]["themes"].eq("").all()


def test_stream_gives_what_generate_gives_in_blocks(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["cx_nlp.sample.generate"], "BLOCK", 400)
    parts = list(stream(seed=9, rows=1500, facts=FACTS))
    assert len(parts) == 4
    assert all(len(part.truth) < 460 for part in parts)
    whole = generate(seed=9, rows=1500, facts=FACTS)
    assert pd.concat([part.truth for part in parts], ignore_index=True).equals(whole.truth)
    assert whole.truth[whole.truth["source"] == "survey"]["feedback_id"].notna().sum() > 900
    days = [(part.truth["day"].min(), part.truth["day"].max()) for part in parts]
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(days)), "in time order"
    counts = write(iter(parts), tmp_path / "parts")
    assert counts == write(whole, tmp_path / "whole")
    for file in counts:
        left, right = tmp_path / "parts" / file, tmp_path / "whole" / file
        if left.suffix == ".parquet":  # row groups differ, rows do not
            assert pq.read_table(left).equals(pq.read_table(right))
        else:
            assert left.read_bytes() == right.read_bytes(), file


def test_ids_are_unique_over_blocks(monkeypatch):
    monkeypatch.setattr(sys.modules["cx_nlp.sample.generate"], "BLOCK", 400)
    truth = generate(seed=9, rows=3000).truth
    kept = truth[(truth["outcome"] == "new") & truth["feedback_id"].notna()]
    assert not kept.duplicated(["source", "feedback_id"]).any()
    voice = truth[(truth["source"] == "voice") & (truth["outcome"] == "new")]
    assert not voice.duplicated("submitted_at").any(), "the key of a source without ids"


@pytest.mark.parametrize("rows", [1, 2, 10, 299])
def test_few_rows(rows, tmp_path):
    sample = generate(seed=1, rows=rows, days=7)
    assert 1 <= len(sample.truth) <= rows + 3
    assert (sample.truth["noise"] == "").all()
    assert sum(write(sample, tmp_path).values()) == len(sample.truth)


def test_one_day(tmp_path):
    sample = generate(seed=1, rows=400, days=1)
    assert sample.truth["day"].eq(0).all()
    assert set(write(sample, tmp_path)) == {"survey-2025-12.csv", "reviews.jsonl", "voice.parquet"}


@pytest.mark.parametrize(
    ("changes", "message"), [({"rows": 0}, "rows is 0"), ({"days": 0}, "days is 0"), ({"seed": -1}, "seed")]
)
def test_impossible_sizes(changes, message):
    with pytest.raises(UsageError, match=message):
        stream(**{"seed": 1, "rows": 10, "days": 7} | changes)


def test_a_folder_with_another_samples_surveys_is_refused(tmp_path):
    (tmp_path / "survey-2020-01.csv").write_text("comment_id\n")
    with pytest.raises(UsageError, match=r"also holds survey-2020-01\.csv"):
        write(generate(seed=1, rows=10, days=7), tmp_path)


def test_command_gives_one_line_for_a_wrong_file(tmp_path):
    result = CliRunner().invoke(main, ["--facts", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "facts not found" in result.output
    assert not (tmp_path / "out").exists()


def test_command_writes_the_truth_beside(tmp_path):
    arguments = [
        "--seed",
        "2",
        "--rows",
        "400",
        "--out",
        str(tmp_path / "out"),
        "--truth",
        str(tmp_path / "truth.parquet"),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "0 planted facts" in result.output
    assert len(pd.read_parquet(tmp_path / "truth.parquet")) == len(generate(seed=2, rows=400).truth)
