"""Columns of the tables that are computed from the lake; `cx_nlp.schema` makes them schemas.

One partition an `as_of`, the latest committed feedback_date. `value`, `low`, `high` and their like are null where n is
too small to be shown (`suppressed`) or nothing can be said. Intervals are 95 % and resample customers.
"""

import pyarrow as pa

from cx_nlp.leader_fields import LEADER_KEYS, LEADER_TABLES
from cx_nlp.outcome_fields import OUTCOME_KEYS, OUTCOME_TABLES

_text, _int, _real, _flag, _date = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
Fields = list[tuple[str, pa.DataType]]

SPLITS = ("source", "channel", "touchpoint", "segment", "respondent_role", "theme_id")
_head: Fields = [("as_of", _date), ("respondent_role", _text)]
_counts: Fields = [("n", _int), ("n_customers", _int)]
_tail: Fields = [("suppressed", _flag), ("run_id", _text)]


def _interval(*names: str) -> Fields:
    return [(f"{name}{end}", _real) for name in names for end in ("", "_low", "_high")]


_value: Fields = [("value", _real), ("low", _real), ("high", _real)]

MEASURE_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    "measures": (
        [
            ("as_of", _date),
            ("period", _text),  # day | week (from Monday) | month | all
            ("period_start", _date),
            *((name, _text) for name in SPLITS),  # (all) where not split, (none) where the source says nothing
            ("measure", _text),
            *_value,
            *_counts,  # n: rows behind the figure: responses for ratings, scored comments for texts
            ("n_effective", _real),  # Kish's, of the source's own weights
            ("coverage", _real),  # 0..1: share of the group's responses (or comments) behind the figure
            ("suppressed", _flag),
            ("model_version", _text),  # joined by | where the group's rows have several
            ("themes_version", _text),
            ("run_id", _text),
        ],
        ("as_of", "period", "measure", "n", "suppressed"),
    ),
    # What sets passives apart from those above and below them, by log-odds; and which way their texts lean.
    "passives": (
        [
            *_head,
            ("kind", _text),  # theme | complaint (theme with a negative mention) | emotion | lean
            ("term", _text),  # theme_id, emotion, or up | down | mixed | neutral
            ("against", _text),  # promoter | detractor; null for lean
            ("n", _int),  # passive customers with a scored text
            ("n_against", _int),
            ("n_term", _int),  # of n, those with the term
            ("n_term_against", _int),
            *_value,  # share of n with the term
            ("share_against", _real),
            ("log_odds", _real),  # above 0: more the passives'; shrunk towards all groups together
            ("z", _real),
            ("q", _real),  # Benjamini-Hochberg over the terms of one kind and `against`
            *_tail,
        ],
        ("as_of", "respondent_role", "kind", "term", "n", "suppressed"),
    ),
    # Neutral text, mixed text and a passive rating are three things; this is how they cross, each response once.
    "crossings": (
        [
            *_head,
            ("text", _text),  # negative | neutral | mixed | positive | none
            ("nps_group", _text),  # detractor | passive | promoter | none
            *_counts,
            *_value,  # share of all responses
            *_interval("group_share"),  # share of the responses of this nps_group
            *_interval("text_share"),  # share of the responses with this text
            *_tail,
        ],
        ("as_of", "respondent_role", "text", "nps_group", "n", "suppressed"),
    ),
    # Association, not cause: how the outcome goes with naming a theme.
    "drivers": (
        [
            *_head,
            ("outcome", _text),  # nps | csat | ces
            ("theme_id", _text),
            ("n", _int),  # responses with the outcome and a scored comment
            ("n_theme", _int),  # of them, those that name the theme
            ("n_customers", _int),  # who name it
            *_interval("impact"),  # mean of all less mean without those that name the theme
            *_interval("presence"),  # regression coefficient: naming it, at its usual sentiment
            *_interval("sentiment"),  # coefficient of its sentiment, from neutral to wholly positive
            ("stability", _real),  # 0..1: share of resamples in which `presence` keeps its sign
            ("caution", _text),  # null, or why it is to be read with care: small_n | many_themes | unstable, joined by |
            *_tail,
        ],
        ("as_of", "respondent_role", "outcome", "theme_id", "n", "suppressed"),
    ),
    "journey": (
        [
            *_head,
            ("position", _int),  # from 1, in the order of the config
            ("touchpoint", _text),
            ("outcome", _text),  # nps | csat | ces
            ("comments", _int),  # scored
            *_interval("sentiment", "emotional"),  # mean score and share of emotional comments
            ("emotion", _text),  # the most frequent one but neutral
            ("volume", _int),  # responses, whether they give the outcome or not
            ("volume_share", _real),
            *_counts,  # responses with the outcome
            *_value,  # its mean
            *_interval("effect"),  # mean here less mean elsewhere
            *_interval("moment"),  # volume share times |effect|: large where many people meet something that matters
            *_tail,
        ],
        ("as_of", "respondent_role", "position", "touchpoint", "outcome", "n", "suppressed"),
    ),
    # Which themes a larger share of customers names in the latest week than in the weeks before.
    "emerging": (
        [
            *_head,
            ("theme_id", _text),
            ("window_start", _date),  # the window is the week up to as_of
            ("baseline_start", _date),  # the baseline is all whole weeks from here to the window
            *_counts,  # of the window: comments that name the theme, and their customers
            ("customers", _int),  # of the window, with a scored comment
            ("baseline_n_customers", _int),  # who name the theme, summed over weeks
            ("baseline_customers", _int),  # summed over weeks
            ("share", _real),  # n_customers of customers
            ("baseline", _real),  # the same of the weeks before
            ("growth", _real),  # share to baseline, smoothed by half a customer
            ("low", _real),  # of growth
            ("high", _real),
            ("p_value", _real),  # one-sided; null where the theme is not tested
            ("q_value", _real),  # Benjamini-Hochberg over the themes of a night
            ("is_emerging", _flag),
            ("caution", _text),  # version: the theme may only be newly recognised, so it is not tested
            *_tail,
        ],
        ("as_of", "respondent_role", "theme_id", "window_start", "n", "is_emerging", "suppressed"),
    ),
    # Those who comment weighted to all who rated, and customers to their known shares, beside the raw figures.
    "weighted": (
        [
            *_head,
            ("scheme", _text),  # commenters | known_shares | both
            ("measure", _text),  # as in `measures`
            *_interval("raw", "weighted", "difference"),  # difference: weighted less raw
            *_counts,
            ("n_effective", _real),
            *_tail,
        ],
        ("as_of", "respondent_role", "scheme", "measure", "n", "suppressed"),
    ),
    # Which emotions go with which outcome.
    "emotion_outcomes": (
        [
            *_head,
            ("outcome", _text),
            ("emotion", _text),
            ("n", _int),  # responses with the outcome and a scored comment
            ("n_emotion", _int),
            ("n_customers", _int),  # who show it
            ("mean", _real),  # of the outcome with the emotion
            *_interval("effect"),  # less the mean without it
            ("q", _real),  # Benjamini-Hochberg over the emotions of the outcome
            *_tail,
        ],
        ("as_of", "respondent_role", "outcome", "emotion", "n", "suppressed"),
    ),
    # How much of the variation of an outcome texts explain, out of sample, and whose share it is.
    "explained": (
        [
            *_head,
            ("outcome", _text),
            ("predictors", _text),  # themes | emotions (each its Shapley share) | together
            *_counts,
            *_value,  # R squared out of sample; negative where it is worse than the mean
            *_tail,
        ],
        ("as_of", "respondent_role", "outcome", "predictors", "n", "suppressed"),
    ),
    **LEADER_TABLES,
    **OUTCOME_TABLES,
}  # fmt: skip
MEASURE_KEYS = {
    "measures": ("as_of", "period", "period_start", *SPLITS, "measure"),
    "passives": ("as_of", "respondent_role", "kind", "term", "against"),
    "crossings": ("as_of", "respondent_role", "text", "nps_group"),
    "drivers": ("as_of", "respondent_role", "outcome", "theme_id"),
    "journey": ("as_of", "respondent_role", "touchpoint", "outcome"),
    "emerging": ("as_of", "respondent_role", "theme_id"),
    "weighted": ("as_of", "respondent_role", "scheme", "measure"),
    "emotion_outcomes": ("as_of", "respondent_role", "outcome", "emotion"),
    "explained": ("as_of", "respondent_role", "outcome", "predictors"),
    **LEADER_KEYS,
    **OUTCOME_KEYS,
}
