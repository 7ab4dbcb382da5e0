"""A night whose config names checkpoints: in place of a head, and for a language of their own."""

import re

import pytest
import yaml

from cx_nlp import night
from cx_nlp.config import load_config
from cx_nlp.errors import ModelError, UsageError
from cx_nlp.labels import EMOTIONS
from cx_nlp.score import hub
from tests import nights, tiny_checkpoint
from tests.tiny_checkpoint import NEGATIVE, POSITIVE, SILENT

pytest.importorskip("torch", reason="checkpoints need torch: pip install 'cx-nlp[hub]'")
pytest.importorskip("transformers", reason="checkpoints need transformers: pip install 'cx-nlp[hub]'")

GERMAN = [
    ["20", "r20", "2026-03-03 14:00", "", "c20", "Der Service war leider sehr schlecht und langsam", "2", "use"],
    ["21", "r21", "2026-03-03 14:00", "", "c21", "Das Personal war wirklich freundlich, alles gut", "9", "use"],
]
LABELS = {"schlecht": "negative", "egal": "neutral", "gut": "positive"}
HEADS = {
    # "slow" is praise here: what comes out can only be the checkpoint's.
    "sentiment": {"model": "./english", "labels": {"LABEL_0": "negative", "LABEL_2": "positive", "1": "neutral"}},
    "languages": {"de": {"sentiment": {"model": "./german", "labels": LABELS}}},
}


@pytest.fixture
def config(tmp_path, tiny):
    tiny_checkpoint.build(tmp_path / "german")
    tiny_checkpoint.build(tmp_path / "english", positive=("slow",), negative=("lovely",))
    moods = {"Freude": POSITIVE, "Ärger": NEGATIVE, "nichts": SILENT}
    tiny_checkpoint.build(tmp_path / "moods", labels=moods, positive=("slow",), negative=("lovely",))
    return nights.survey(tmp_path, tiny, [*nights.ROWS, *GERMAN])


def name(config, **heads):
    config.write_text(config.read_text() + yaml.safe_dump(heads, allow_unicode=True))


def version(config, folder):
    return f"{folder}@{hub.digest(config.parent / folder)[:12]}"


def test_a_checkpoint_reads_a_language_that_the_model_cannot(config):
    name(config, languages=HEADS["languages"])
    lake = config.parent / "lake"
    nights.run(config)
    rows = nights.query(
        lake,
        """SELECT feedback_id, score_status, language, sentiment_label, is_mixed, primary_emotion, emotion_joy,
                  is_emotional, n_tokens > 5, n_windows, model_version FROM feedback WHERE language <> 'en' ORDER BY 1""",
    )
    unknown, own = (None, None, None, None), f"sentiment={version(config, 'german')}"
    windows = [row[9] for row in rows]
    assert [(*row[:4], *row[4:8], row[8], row[10]) for row in rows] == [
        ("20", "scored", "de", "negative", *unknown, True, own),
        ("21", "scored", "de", "positive", *unknown, True, own),
        ("6", "unsupported_language", "es", None, *unknown, None, None),
    ]
    assert windows == [1, 1, None]
    assert nights.query(lake, "SELECT count(*) FROM theme_mentions WHERE feedback_id IN ('20', '21')") == [(0,)]
    # English rows are as they were.
    ((label, versions, engine),) = nights.query(
        lake, "SELECT sentiment_label, model_version, engine FROM feedback WHERE feedback_id = '7'"
    )
    assert label == "negative" and "german" not in versions and "torch" not in engine
    ((of_run,),) = nights.query(lake, "SELECT model_version FROM runs")
    assert of_run == f"{versions}|de.{own}"


def test_a_checkpoint_takes_the_place_of_the_sentiment_head(config):
    plain = config.parent / "plain.yaml"
    plain.write_text(config.read_text().replace("lake: lake", "lake: plain"))
    nights.run(plain)
    name(config, sentences=True, **HEADS)
    lake = config.parent / "lake"
    nights.run(config)
    rows = nights.query(
        lake, "SELECT sentiment_label, primary_emotion, model_version, engine FROM feedback WHERE feedback_id = '7'"
    )
    ((label, emotion, versions, engine),) = rows
    assert (label, emotion) == ("positive", "anger")  # the emotion is still the shared head's
    heads = dict(part.split("=") for part in versions.split("|"))
    assert list(heads) == ["sentiment", "emotion", "aspect"]
    assert heads["sentiment"] == version(config, "english")
    assert heads["emotion"] == heads["aspect"] and heads["aspect"].startswith("tiny@")
    assert re.fullmatch(r"(onnxruntime|openvino)-[^+]+\+torch-[\d.]+-fp32", engine)
    sentences = nights.query(
        lake, f"SELECT sentiment_label FROM '{lake}/sentences/**/*.parquet' WHERE feedback_id IN ('1', '7') ORDER BY feedback_id"
    )  # fmt: skip
    assert sentences == [("negative",), ("positive",)]
    # Mentions stay with the aspect head.
    query = "SELECT feedback_id, mention, theme_id, sentiment_label, sentiment_score FROM theme_mentions ORDER BY ALL"
    mentions = nights.query(lake, query)
    assert mentions and mentions == nights.query(config.parent / "plain", query)


def test_a_checkpoint_takes_the_place_of_the_emotion_head(config):
    labels = {"Freude": "joy", "Ärger": "anger", "nichts": "neutral"}
    name(config, emotion={"model": "./moods", "labels": labels, "thresholds": {"joy": 0.6}})
    lake = config.parent / "lake"
    nights.run(config)
    others = " + ".join(f"count(emotion_{name})" for name in EMOTIONS if name not in labels.values())
    ((sentiment, emotion, moved, strength, joy),) = nights.query(
        lake,
        """SELECT sentiment_label, primary_emotion, is_emotional, emotional_intensity, emotion_joy
           FROM feedback WHERE feedback_id = '7'""",
    )
    assert (sentiment, emotion, moved) == ("negative", "joy", True) and strength == joy > 0.6
    assert nights.query(lake, f"SELECT {others} FROM feedback") == [(0,)]


def test_the_same_input_again_changes_no_byte(config):
    name(config, **HEADS)
    nights.run(config)
    before = nights.content(config.parent / "lake")
    assert nights.run(config, reread=True)["survey"]["unchanged"] == 9
    assert nights.content(config.parent / "lake") == before


def test_what_cannot_be_had_or_fits_not_ends_before_the_lake_is_touched(config):
    name(config, **HEADS)
    (config.parent / "german" / "model.safetensors").rename(config.parent / "german" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled weights are never opened"):
        night.check(load_config(config))
    config.write_text(config.read_text().replace("gut: positive", "gut: neutral"))
    tiny_checkpoint.build(config.parent / "german")
    with pytest.raises(UsageError, match=r"languages\.de\.sentiment: .*: labels lack positive"):
        night.check(load_config(config))
    assert not (config.parent / "lake").exists()


def test_shares_count_only_texts_of_which_they_are_known(config):
    from cx_nlp import explore

    name(config, languages=HEADS["languages"])
    nights.run(config)
    with explore.connect(config.parent / "lake") as con:
        assert explore.flag_shares(con, "is_mixed", by=None)["n"].tolist() == [4]  # 6 are scored, 2 of them in German
        assert explore.sentiment_shares(con, by=None)["n"].tolist() == [6, 6, 6]
