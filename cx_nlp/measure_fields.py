"""Columns of the tables that are computed from the lake; `cx_nlp.schema` makes them schemas.

One partition an `as_of`, the latest committed feedback_date. `value`, `low`, `high` and their like are null where n is
too small to be shown (`suppressed`) or nothing can be said. Intervals are 95 % and resample customers.
"""

from cx_nlp.leader_fields import LEADER_KEYS, LEADER_TABLES
from cx_nlp.outcome_fields import OUTCOME_KEYS, OUTCOME_TABLES
from cx_nlp.shared_fields import Fields, counts, date, flag, head, integer, interval, real, tail, text, value

SPLITS = ("source", "channel", "touchpoint", "segment", "respondent_role", "theme_id")

MEASURE_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    "measures": (
        [
            ("as_of", date),
            ("period", text),  # day | week (from Monday) | month | all
            ("period_start", date),
            *((name, text) for name in SPLITS),  # (all) where not split, (none) where the source says nothing
            ("measure", text),
            *value,
            *counts,  # n: rows behind the figure: responses for ratings, scored comments for texts
            ("n_effective", real),  # Kish's, of the source's own weights
            ("coverage", real),  # 0..1: share of the group's responses (or comments) behind the figure
            ("suppressed", flag),
            ("model_version", text),  # joined by | where the group's rows have several
            ("themes_version", text),
            ("run_id", text),
        ],
        ("as_of", "period", "measure", "n", "suppressed"),
    ),
    # What sets passives apart from those above and below them, by log-odds; and which way their texts lean.
    "passives": (
        [
            *head,
            ("kind", text),  # theme | complaint (theme with a negative mention) | emotion | lean
            ("term", text),  # theme_id, emotion, or up | down | mixed | neutral
            ("against", text),  # promoter | detractor; null for lean
            ("n", integer),  # passive customers with a scored text
            ("n_against", integer),
            ("n_term", integer),  # of n, those with the term
            ("n_term_against", integer),
            *value,  # share of n with the term
            ("share_against", real),
            ("log_odds", real),  # above 0: more the passives'; shrunk towards all groups together
            ("z", real),
            ("q", real),  # Benjamini-Hochberg over the terms of one kind and `against`
            *tail,
        ],
        ("as_of", "respondent_role", "kind", "term", "n", "suppressed"),
    ),
    # Neutral text, mixed text and a passive rating are three things; this is how they cross, each response once.
    "crossings": (
        [
            *head,
            ("text", text),  # negative | neutral | mixed | positive | none
            ("nps_group", text),  # detractor | passive | promoter | none
            *counts,
            *value,  # share of all responses
            *interval("group_share"),  # share of the responses of this nps_group
            *interval("text_share"),  # share of the responses with this text
            *tail,
        ],
        ("as_of", "respondent_role", "text", "nps_group", "n", "suppressed"),
    ),
    # Association, not cause: how the outcome goes with naming a theme.
    "drivers": (
        [
            *head,
            ("outcome", text),  # nps | csat | ces | rating (where all are on one scale)
            ("theme_id", text),
            ("n", integer),  # responses with the outcome and a scored comment
            ("n_theme", integer),  # of them, those that name the theme
            ("n_customers", integer),  # who name it
            *interval("impact"),  # mean of all less mean without those that name the theme
            *interval("presence"),  # regression coefficient: naming it, at its usual sentiment
            *interval("sentiment"),  # coefficient of its sentiment, from neutral to wholly positive
            ("stability", real),  # 0..1: share of resamples in which `presence` keeps its sign
            ("caution", text),  # null, or why it is to be read with care: small_n | many_themes | unstable, joined by |
            *tail,
        ],
        ("as_of", "respondent_role", "outcome", "theme_id", "n", "suppressed"),
    ),
    "journey": (
        [
            *head,
            ("position", integer),  # from 1, in the order of the config
            ("touchpoint", text),
            ("outcome", text),  # nps | csat | ces
            ("comments", integer),  # scored
            *interval("sentiment", "emotional"),  # mean score and share of emotional comments
            ("emotion", text),  # the most frequent one but neutral
            ("volume", integer),  # responses, whether they give the outcome or not
            ("volume_share", real),
            *counts,  # responses with the outcome
            *value,  # its mean
            *interval("effect"),  # mean here less mean elsewhere
            *interval("moment"),  # volume share times |effect|: large where many people meet something that matters
            *tail,
        ],
        ("as_of", "respondent_role", "position", "touchpoint", "outcome", "n", "suppressed"),
    ),
    # Which themes a larger share of customers names in the latest week than in the weeks before.
    "emerging": (
        [
            *head,
            ("theme_id", text),
            ("window_start", date),  # the window is the week up to as_of
            ("baseline_start", date),  # the baseline is all whole weeks from here to the window
            *counts,  # of the window: comments that name the theme, and their customers
            ("customers", integer),  # of the window, with a scored comment
            ("baseline_n_customers", integer),  # who name the theme, summed over weeks
            ("baseline_customers", integer),  # summed over weeks
            ("share", real),  # n_customers of customers
            ("baseline", real),  # the same of the weeks before
            ("growth", real),  # share to baseline, smoothed by half a customer
            ("low", real),  # of growth
            ("high", real),
            ("p_value", real),  # one-sided; null where the theme is not tested
            ("q_value", real),  # Benjamini-Hochberg over the themes of a night
            ("is_emerging", flag),
            ("caution", text),  # version: the theme may only be newly recognised, so it is not tested
            *tail,
        ],
        ("as_of", "respondent_role", "theme_id", "window_start", "n", "is_emerging", "suppressed"),
    ),
    # Those who comment weighted to all who rated, and customers to their known shares, beside the raw figures.
    "weighted": (
        [
            *head,
            ("scheme", text),  # commenters | known_shares | both
            ("measure", text),  # as in `measures`
            *interval("raw", "weighted", "difference"),  # difference: weighted less raw
            *counts,
            ("n_effective", real),
            *tail,
        ],
        ("as_of", "respondent_role", "scheme", "measure", "n", "suppressed"),
    ),
    # Which emotions go with which outcome.
    "emotion_outcomes": (
        [
            *head,
            ("outcome", text),
            ("emotion", text),
            ("n", integer),  # responses with the outcome and a scored comment
            ("n_emotion", integer),
            ("n_customers", integer),  # who show it
            ("mean", real),  # of the outcome with the emotion
            *interval("effect"),  # less the mean without it
            ("q", real),  # Benjamini-Hochberg over the emotions of the outcome
            *tail,
        ],
        ("as_of", "respondent_role", "outcome", "emotion", "n", "suppressed"),
    ),
    # How much of the variation of an outcome texts explain, out of sample, and whose share it is.
    "explained": (
        [
            *head,
            ("outcome", text),
            ("predictors", text),  # themes | emotions (each its Shapley share) | together
            *counts,
            *value,  # R squared out of sample; negative where it is worse than the mean
            *tail,
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
