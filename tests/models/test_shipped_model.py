"""The shipped weights: their size, their card, a frozen sample of scores, and the promise about neighbours."""

import json
from pathlib import Path

import numpy as np
import pytest

from cx_nlp.errors import UsageError
from cx_nlp.schema import EMOTIONS
from cx_nlp.score import heads
from cx_nlp.score.predict import Predictor
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.taxonomy import load_taxonomies

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "minilm-cx"
FROZEN = Path(__file__).parents[1] / "golden" / "minilm-cx.json"
TEXTS = [
    "The staff were lovely but the wait was terrible",
    "Thank you so much, the nurse was wonderful!",
    "The parcel never arrived and nobody answers my emails. I am furious.",
    "The box is blue.",
    "How do I change my booking?",
    "Not bad at all",
    "😡😡😡",
    "great 😍",
    "It was okay I suppose",
    "I was scared the whole time and nobody told me what was happening",
    "Used to be great, now it is a joke",
    "[NAME] from the call centre solved it in two minutes, mail [EMAIL]",
]
pytestmark = pytest.mark.slow


FLOAT32 = "onnxruntime-fp32"


@pytest.fixture(scope="module", params=[FLOAT32, "openvino-bf16"])
def predictor(request):
    return _load(request.param)


def _load(engine: str) -> Predictor:
    try:
        return Predictor.load("minilm-cx", threads=1, engine=engine)
    except UsageError as error:
        pytest.skip(str(error))


def _engine_of(predictor: Predictor) -> str:
    library, _, precision = predictor.encoder.engine.split("-")
    return f"{library}-{precision}"


def is_float32(predictor: Predictor) -> bool:
    return predictor.encoder.engine.endswith("-fp32")


def test_the_weights_keep_to_their_budget():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 46_000_000


def test_a_frozen_sample_keeps_its_scores(predictor, request):
    sentiments, emotions = predictor.sentiment(TEXTS), predictor.emotions(TEXTS)
    now = {
        text: {
            "sentiment": s.round(3).tolist(),
            "emotions": {EMOTIONS[i]: round(float(e[i]), 3) for i in e.argsort()[-3:]},
        }
        for text, s, e in zip(TEXTS, sentiments, emotions, strict=True)
    }
    if request.config.getoption("--update-golden") and is_float32(predictor):
        FROZEN.write_text(json.dumps(now, indent=1) + "\n")
    frozen = json.loads(FROZEN.read_text())
    assert list(frozen) == TEXTS
    for text, one in zip(TEXTS, frozen.values(), strict=True):
        # The design's promise: no probability moves by more than 0.01, whatever the machine.
        assert now[text]["sentiment"] == pytest.approx(one["sentiment"], abs=0.01), text
        row = dict(zip(EMOTIONS, emotions[TEXTS.index(text)], strict=True))
        assert {name: row[name] for name in one["emotions"]} == pytest.approx(one["emotions"], abs=0.01), text


def test_plain_cases_come_out_right(predictor):
    label = dict(zip(TEXTS, heads.labels(predictor.sentiment(TEXTS)), strict=True))
    assert label["Thank you so much, the nurse was wonderful!"] == "positive"
    assert label["The parcel never arrived and nobody answers my emails. I am furious."] == "negative"
    assert label["The box is blue."] == "neutral" and label["How do I change my booking?"] == "neutral"
    assert label["😡😡😡"] == "negative" and label["great 😍"] == "positive"
    p = predictor.emotions(["How do I change my booking?", TEXTS[2]])
    assert heads.is_emotional(p, predictor.model.calibration).tolist() == [False, True]


def test_one_pass_gives_staff_and_wait_their_own_sentiment():
    scorer = Scorer.load(model="minilm-cx", taxonomy=load_taxonomies(["general"]), threads=1)
    scores = scorer.score_texts([TEXTS[0]])
    by_mention = dict(zip(scores.mentions["mention"], scores.mentions["sentiment_label"], strict=True))
    assert by_mention == {"staff": "positive", "wait": "negative"}
    assert scores.documents["is_mixed"].tolist() == [True]


def test_neighbours_move_nothing_that_is_stored(predictor):
    filler = [f"{text} {i} and some more words to change the batch" for i, text in enumerate(TEXTS * 4)]
    together = np.hstack(
        [predictor.sentiment(TEXTS + filler)[: len(TEXTS)], predictor.emotions(TEXTS + filler)[: len(TEXTS)]]
    )
    alone = np.hstack([np.vstack([f([t]) for t in TEXTS]) for f in (predictor.sentiment, predictor.emotions)])
    assert np.abs(together - alone).max() <= (1e-4 if is_float32(predictor) else 0.01)


def test_the_same_run_twice_gives_the_same_bytes(predictor):
    once, twice = (one.emotions(TEXTS * 5) for one in (predictor, _load(_engine_of(predictor))))
    assert once.tobytes() == twice.tobytes()


def test_no_label_of_the_frozen_sample_depends_on_the_engine(predictor):
    exact = _load(FLOAT32)
    p, q = predictor.sentiment(TEXTS), exact.sentiment(TEXTS)
    assert heads.labels(p).tolist() == heads.labels(q).tolist()
    e, f = predictor.emotions(TEXTS), exact.emotions(TEXTS)
    assert (predictor.emotion_labels(e) == exact.emotion_labels(f)).all()
    assert max(np.abs(p - q).max(), np.abs(e - f).max()) <= 0.01


def test_the_complaint_at_the_end_of_ten_thousand_words_shows():
    scorer = Scorer.load(model="minilm-cx", taxonomy=load_taxonomies(["general"]), threads=1)
    praise = "The staff were friendly and the place was clean. " * 1100
    complaint = "In the end they lost my order, refused a refund and were horribly rude."
    scores = scorer.score_texts([praise, praise + complaint])
    assert scores.documents["is_mixed"].tolist() == [False, True]
    last = scores.sentences[scores.sentences["text_nr"] == 1].iloc[-1]
    assert last["sentiment_label"] == "negative" and last["start"] == len(praise)


def test_the_card_and_the_metrics_speak_of_these_weights(predictor):
    metrics = json.loads((FOLDER / "metrics.json").read_text())
    assert metrics["model"] == predictor.model.scores
    card = (FOLDER / "README.md").read_text()
    assert metrics["model"] in card
    for report in metrics["reports"].values():
        assert report["n"] > 500 and report["ci"]["accuracy"][0] <= report["accuracy"] <= report["ci"]["accuracy"][1]


def test_a_reported_figure_can_be_had_again(predictor, data_root):
    """Aspect accuracy on the half of MAMS val that nothing was fitted on."""
    from cx_nlp.score import judge
    from models.recipes import data

    terms = data.aspect(data_root, "dev")
    terms = terms[terms["text"].map(data.half) == "report"].reset_index(drop=True)
    report = judge.aspect(predictor, terms, rng=np.random.default_rng(0))
    stated = json.loads((FOLDER / "metrics.json").read_text())["reports"]["aspect, MAMS, val"]
    assert report["n"] == stated["n"] and report["accuracy"] == pytest.approx(stated["accuracy"], abs=0.003)
