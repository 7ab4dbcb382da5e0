"""The scorer with a tiny model: which mentions hand out their theme vector."""

import numpy as np
import pandas as pd
import pytest

from cx_nlp.score import heads
from cx_nlp.score.scorer import Scorer, score_rows, score_staged
from cx_nlp.themes.taxonomy import Taxonomy, Theme

TEXTS = ["The lovely staff had a terrible queue.", "The queue was late."]


@pytest.fixture(scope="module")
def scorer(tiny):
    staff = Theme("t/staff", "Staff", patterns=("staff",))
    return Scorer.load(model=str(tiny), taxonomy=Taxonomy("t-1+0", (staff,)), threads=1)


def test_vectors_are_handed_out_only_when_asked_for(scorer):
    assert "vector" not in scorer.score_texts(TEXTS).mentions.columns
    some = scorer.score_texts(TEXTS, vectors="unthemed").mentions
    assert dict(zip(some["mention"], some["vector"].isna(), strict=True)) == {"staff": True, "queue": False}
    assert scorer.score_texts(TEXTS, vectors="all").mentions["vector"].notna().all()


def test_a_vector_is_the_theme_head_of_the_mention_s_own_tokens(scorer):
    mentions = scorer.score_texts(TEXTS, vectors="all").mentions
    for row in mentions.itertuples():
        text = scorer.score_texts(TEXTS).texts[row.text_nr]
        mean = scorer.encoder.span_means([text], [[(row.start, row.end)]])[0].means[1:]
        assert row.vector.dtype == np.float16 and row.vector.shape == (scorer.model.hidden,)
        assert np.allclose(row.vector, heads.theme_vectors(scorer.model, mean)[0], atol=1e-3)
        assert np.linalg.norm(row.vector.astype(float)) == pytest.approx(1, abs=1e-2)


def test_equal_texts_share_their_vector_and_rows_keep_it(scorer):
    texts = pd.Series([*TEXTS, TEXTS[1]], index=[7, 8, 9])
    _, mentions, _ = score_rows(scorer, texts, pd.Series(["en"] * 3, index=texts.index), vectors="unthemed")
    queue = mentions[mentions["mention"] == "queue"].set_index("row")["vector"]
    assert sorted(queue.index) == [7, 8, 9] and np.array_equal(queue[8], queue[9])
    staged = pd.DataFrame({"text": TEXTS, "language": "en", "source": "s", "feedback_id": ["a", "b"]})
    _, of_staged, _ = score_staged(scorer, staged, vectors="unthemed")
    assert of_staged["vector"].notna().sum() == 2 and set(of_staged["themes_version"]) == {"t-1+0"}


def test_no_text_gives_no_mention_and_no_vector(scorer):
    assert list(scorer.score_texts([], vectors="all").mentions["vector"]) == []
    assert len(scorer.score_texts(["..."], vectors="all").mentions) == 0


def test_a_seed_gives_a_theme_where_no_pattern_does(tiny):
    """In the tiny model "lovely" and "terrible" point apart, and every other word nowhere much."""
    anger = Theme("t/anger", "Anger", patterns=("fury",), seeds=("awful",), exclude=("terrible joke",))
    calm = Theme("t/calm", "Calm", patterns=("peace",), seeds=("lovely",))
    scorer = Scorer.load(model=str(tiny), taxonomy=Taxonomy("t-1+1", (anger, calm)), threads=1)
    texts = ["The terrible was the fury.", "A terrible joke.", "The excellent was the peace talk."]
    mentions = scorer.score_texts(texts, vectors="unthemed").mentions
    found = {(row.mention, row.theme_id, row.method) for row in mentions.itertuples() if row.theme_id}
    assert ("fury", "t/anger", "pattern") in found
    assert {one for one in found if one[2] == "seed"} == {
        ("terrible", "t/anger", "seed"),
        ("excellent", "t/calm", "seed"),
    }
    seeded = mentions[mentions["method"] == "seed"]
    assert (seeded["theme_score"] > 0.5).all() and seeded["vector"].isna().all()
    assert mentions.loc[mentions["mention"].str.contains("joke"), "theme_id"].isna().all(), "exclude bars seeds too"


def test_seeds_are_read_once_and_alone(tiny):
    themes = [Theme(f"t/{i}", "x", patterns=("x",), seeds=(seed,)) for i, seed in enumerate(["awful", "lovely late"])]
    both = Scorer.load(model=str(tiny), taxonomy=Taxonomy("t-1+2", tuple(themes)), threads=1)
    one = Scorer.load(model=str(tiny), taxonomy=Taxonomy("t-1+3", (themes[1],)), threads=1)
    assert both.seeds is both.seeds and np.array_equal(both.seeds.vectors[1], one.seeds.vectors[0])
    assert Scorer.load(model=str(tiny), taxonomy=Taxonomy("t-1+4", ()), threads=1).seeds is None
