"""A sample's truth as the tables that a lake would hold of it, read without a fault or with a stated share of errors.

It stands in for the models where many samples are measured: what is tried is the measures, not the reading.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.schema import SENTIMENTS, UNEMOTIONAL, nps_group

TAXONOMY = "t"  # theme_ids are "t/<theme>"
VERSION = "sentiment=truth@0|emotion=truth@0|aspect=truth@0"
_SCORE = {"negative": -0.9, "neutral": 0.0, "positive": 0.9}


def read(
    truth: pd.DataFrame, *, error: float = 0.0, rng: np.random.Generator | None = None
) -> tuple[pa.Table, pa.Table]:
    """truth (see `truth.truth_of`) -> feedback and theme_mentions.

    Mentions carry the tone of their comment, emotions are the planted ones. error: the share of mentions that are
    overlooked, of comments taken for another sentiment, and of emotions missed; a fifth as many comments get a theme
    that they do not name. rng is needed where error is above 0.
    """
    kept = truth[truth["outcome"] == "new"].reset_index(drop=True)
    n = len(kept)
    ids = pd.Series([f"f{i:07}" for i in range(n)], dtype=object)
    shown = kept["has_comment"] & (kept["part"] == 1)  # what is planted lies in the first comment
    label = kept["tone"].where(kept["tone"].isin(SENTIMENTS) & shown, "neutral").to_numpy(dtype=object)
    emotion = (
        kept["emotion"]
        .where(kept["emotion"].notna() & (kept["emotion"] != "") & shown, "neutral")
        .to_numpy(dtype=object)
    )
    themes = [text.split("|") if text else [] for text in kept["themes"]]
    if error:
        assert rng is not None
        label, emotion, themes = _misread(label, emotion, themes, shown.to_numpy(), error, rng)
    submitted = pd.to_datetime(kept["submitted_at"]).dt.tz_localize("UTC")
    frame = pd.DataFrame(
        {
            "source": kept["source"], "feedback_id": ids, "row_hash": "h",
            "response_id": kept["response_id"].where(kept["response_id"].notna(), ids),
            "is_response_head": kept["part"] == 1, "feedback_date": kept["feedback_date"].dt.date,
            "submitted_at": submitted, "respondent_role": kept["respondent_role"], "customer_key": kept["person"],
            **{name: kept[name] for name in ("touchpoint", "channel", "segment", "nps", "csat", "ces", "rating", "language")},
            "rating_scale": ["stars 1-5" if rated else None for rated in kept["rating"].notna()],
            "nps_group": [nps_group(None if pd.isna(value) else int(value)) for value in kept["nps"]],
            "weight": 1.0, "text": "x",
            # Nothing is planted in a response's further comments. Unread: read as neutral, they set apart those who write them.
            "score_status": np.where(kept["has_comment"], np.where(kept["part"] == 1, "scored", "unreadable"), "no_text"),
            "sentiment_label": label, "sentiment_score": pd.Series(label).map(_SCORE), "is_uncertain": False,
            "is_mixed": (kept["tone"] == "mixed") & shown, "primary_emotion": emotion,
            "is_emotional": ~np.isin(emotion, UNEMOTIONAL), "emotional_intensity": np.where(emotion == "neutral", 0.1, 0.6),
            "issues": "", "attributes": "{}", "clean_version": "c", "model_version": VERSION, "run_id": "r",
        }
    )  # fmt: skip
    named = [(i, at, theme) for i, of in enumerate(themes) for at, theme in enumerate(of)]
    rows = np.array([i for i, _, _ in named], dtype=int)
    said = pd.Series(label[rows], dtype=object)
    mentions = pd.DataFrame(
        {
            "source": kept["source"].to_numpy()[rows], "feedback_id": ids.to_numpy()[rows],
            "feedback_date": frame["feedback_date"].to_numpy()[rows], "mention_id": [at for _, at, _ in named],
            "theme_id": [f"{TAXONOMY}/{theme}" for _, _, theme in named], "is_negated": False, "method": "pattern",
            "sentiment_label": said, "sentiment_score": said.map(_SCORE).astype(float),
            **{f"p_{name}": (said == name).astype(float) for name in SENTIMENTS},
            "primary_emotion": "neutral", "themes_version": "t1", "run_id": "r",
        }
    )  # fmt: skip
    return _table(frame, schema.FEEDBACK), _table(mentions, schema.THEME_MENTIONS)


def _misread(label, emotion, themes, shown, error: float, rng: np.random.Generator):
    n = len(label)
    label = np.where(shown & (rng.random(n) < error), rng.choice(np.array(SENTIMENTS, dtype=object), n), label)
    emotion = np.where(rng.random(n) < error, "neutral", emotion)
    known = sorted({theme for of in themes for theme in of})
    out = []
    for of, is_shown in zip(themes, shown, strict=True):
        kept = [theme for theme in of if rng.random() >= error]
        if is_shown and known and rng.random() < error / 5:
            kept.append(known[rng.integers(len(known))])
        out.append(list(dict.fromkeys(kept)))
    return label, emotion, out


def _table(frame: pd.DataFrame, to: pa.Schema) -> pa.Table:
    columns = [
        pa.array(frame[f.name] if f.name in frame else [None] * len(frame), f.type, from_pandas=True) for f in to
    ]
    return pa.Table.from_arrays(columns, schema=to)
