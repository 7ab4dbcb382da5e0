"""The keys that put a checkpoint in the place of a head."""

import pytest

from cx_nlp.config import load_config
from cx_nlp.errors import UsageError
from cx_nlp.labels import EMOTIONS

REVISION = "0123456789abcdef0123456789abcdef01234567"
BASE = "lake: l\nsources:\n  s:\n    kind: csv\n    path: a.csv\n    columns: {text: c, submitted_at: d}\n"


def load(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(BASE + text)
    return load_config(path)


def test_a_config_without_checkpoints_replaces_nothing(tmp_path):
    assert load(tmp_path, "").replacements == ()


def test_heads_become_plain_values(tmp_path):
    config = load(
        tmp_path,
        f"""
sentiment: {{model: owner/name, revision: {REVISION}, labels: {{0: negative, LABEL_1: positive}}, mixed_above: 0.8}}
languages:
  de:
    emotion: {{model: ./moods, labels: {{Freude: joy, sonst: null}}, thresholds: {{joy: 0.4}}, multi_label: true}}
""",
    )
    first, second = config.replacements
    assert (first.head, first.language, first.model, first.revision) == ("sentiment", None, "owner/name", REVISION)
    assert first.labels == (("0", "negative"), ("LABEL_1", "positive")) and first.mixed_above == 0.8
    assert (second.head, second.language, second.model) == ("emotion", "de", str(tmp_path / "moods"))
    assert second.labels == (("Freude", "joy"), ("sonst", None)) and second.multi_label is True
    assert second.thresholds[EMOTIONS.index("joy")] == 0.4 and second.thresholds[EMOTIONS.index("fear")] == 0.5
    assert {hash(one) for one in config.replacements}  # a process keeps its models by these values
    assert first.where == "sentiment" and second.where == "languages.de.emotion"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sentiment: {model: owner/name}", "model 'owner/name' on the hub needs a pinned revision, as a branch can change"),
        ("sentiment: {model: owner/name, revision: main}", "write revision: <commit, 40 hex digits> instead of 'main'"),
        ("sentiment: {model: ./here, revision: main}", "revision means nothing for a folder"),
        ("sentiment: {model: a/b/c}", "neither a folder (./so) nor a name on the hub"),
        ("sentiment: {model: ./m, labels: {a: positiv}}", "unknown sentiment for the checkpoint's label 'a': 'positiv', did you mean 'positive'?"),
        ("emotion: {model: ./m, labels: {a: happiness}}", "unknown emotion for the checkpoint's label 'a': 'happiness'"),
        ("emotion: {model: ./m, thresholds: {happiness: 0.4}}", "unknown emotion with a threshold 'happiness'"),
        ("emotion: {model: ./m, thresholds: {joy: 1.4}}", "threshold of joy must lie in (0, 1], got 1.4"),
        ("sentiment: {model: ./m, lables: {}}", "sentiment.lables: unknown key 'lables', did you mean 'labels'?"),
        ("sentiment: {model: ./m, thresholds: {}}", "unknown key 'thresholds'"),
        ("languages: {de: {}}", "languages.de: Value error, name a checkpoint for sentiment, emotion or both"),
        ("languages: {de: {sentimnt: {model: ./m}}}", "unknown key 'sentimnt', did you mean 'sentiment'?"),
        ("languages: {de: {emotion: {modl: ./m}}}", "languages.de.emotion.modl: unknown key 'modl', did you mean 'model'?"),
        ("languages: {xx: {emotion: {model: ./m}}}", "unknown language 'xx'"),
        ("sentiment: ./m", "sentiment"),
    ],
)  # fmt: skip
def test_a_wrong_head_is_one_line_that_names_it(tmp_path, text, says):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value) and "c.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_norwegian_may_be_written_bare(tmp_path):
    config = load(tmp_path, "languages: {no: {emotion: {model: ./m}}}")
    assert list(config.languages) == ["no"] and config.replacements[0].where == "languages.no.emotion"
