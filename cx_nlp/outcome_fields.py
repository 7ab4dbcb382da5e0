"""Columns of the tables on emotion in text, leanings, paths, advocates, outcomes and loops; see `measure_fields`."""

import pyarrow as pa

_text, _int, _real, _flag, _date = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
Fields = list[tuple[str, pa.DataType]]
_head: Fields = [("as_of", _date), ("respondent_role", _text)]
_counts: Fields = [("n", _int), ("n_customers", _int)]
_tail: Fields = [("suppressed", _flag), ("run_id", _text)]
_value: Fields = [("value", _real), ("low", _real), ("high", _real)]


def _interval(*names: str) -> Fields:
    return [(f"{name}{end}", _real) for name in names for end in ("", "_low", "_high")]


OUTCOME_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    # Which part of feedback is emotional rather than factual, raw and corrected for the classifier's known error.
    "emotional": (
        [
            *_head,
            ("touchpoint", _text),  # (all) first
            *_counts,  # scored comments
            *_interval("raw", "corrected"),
            ("sensitivity", _real),  # of the classifier, on the dev texts that nothing was fitted on
            ("specificity", _real),
            ("n_dev", _int),
            ("claimed", _real),  # 0.7: what is often said of decisions; a claim, not a figure of these rows
            ("reason", _text),  # why there is no corrected share: no_confusion | several_models | no_better_than_chance
            ("note", _text),  # what is to be said beside the figures
            *_tail,
        ],
        ("as_of", "respondent_role", "touchpoint", "n", "suppressed"),
    ),
    # Which passives lean up or down by their text: where they are met, who they are, what they speak of.
    "leans": (
        [
            *_head,
            ("split", _text),  # (all) | touchpoint | segment | theme
            ("term", _text),  # the touchpoint, segment or theme_id; (all) where not split
            ("lean", _text),  # up | down | mixed | neutral, as their text says
            *_counts,  # passives' responses with a scored comment, and who gave them
            ("n_lean", _int),  # of n
            *_value,  # share of n
            *_tail,
        ],
        ("as_of", "respondent_role", "split", "term", "lean", "n", "suppressed"),
    ),
    # What would convert passives: complaints that they have and promoters do not.
    "conversions": (
        [
            *_head,
            ("theme_id", _text),
            ("n", _int),  # passive customers with a scored text
            ("n_promoters", _int),
            ("n_theme", _int),  # of n, those who complain about it
            *_value,  # their share
            ("share_promoters", _real),
            *_interval("gap"),  # value less share_promoters
            *_interval("at_stake"),  # NPS points, at most, if the passives behind the gap became promoters
            ("q", _real),  # of the gap, Benjamini-Hochberg over the themes
            *_tail,
        ],
        ("as_of", "respondent_role", "theme_id", "n", "suppressed"),
    ),
    # What the same customers say next: from one response to the next.
    "paths": (
        [
            *_head,
            ("kind", _text),  # touchpoint | nps_group | text
            ("before", _text),
            ("after", _text),
            *_counts,  # steps from one response to the next, and whose
            *_value,  # share of the steps from `before`
            ("days", _real),  # median between the two
            ("n_sentiment", _int),  # steps with a scored comment at both ends
            *_interval("sentiment_change"),  # mean, later less earlier, -2..2
            ("n_nps", _int),  # steps with an NPS at both ends
            *_interval("nps_change"),  # mean, -200..200: a detractor who becomes a promoter is 200
            *_interval("rose", "fell"),  # share of n_nps that went to a higher, a lower group
            *_tail,
        ],
        ("as_of", "respondent_role", "kind", "before", "after", "n", "suppressed"),
    ),
    # A list, not figures: one piece of feedback for each customer who promotes and says so in words worth quoting.
    "advocates": (
        [
            *_head,
            ("rank", _int),  # from 1, by score
            ("source", _text),
            ("feedback_id", _text),
            ("feedback_date", _date),
            ("touchpoint", _text),
            ("segment", _text),
            ("nps", _int),  # 9 or 10
            ("score", _real),  # 0..1, see `measures.advocates`
            ("sentiment_score", _real),
            ("emotional_intensity", _real),
            ("primary_emotion", _text),
            ("n_words", _int),
            ("themes", _text),  # theme_ids praised, joined by |
            ("may_quote", _flag),  # null: nobody asked, which is no yes
            ("may_contact", _flag),
            ("n", _int),  # pieces of feedback of this customer that would do
            *_tail,
        ],
        ("as_of", "respondent_role", "rank", "source", "feedback_id", "n", "suppressed"),
    ),
    # What customers did after what they said. Association, not cause.
    "outcomes": (
        [
            *_head,
            ("outcome", _text),  # stayed | spend | recommended
            ("position", _int),  # order to be read in: passives first, then the other groups, emotions, themes
            ("kind", _text),  # nps_group | emotion | theme | complaint
            ("term", _text),
            ("n", _int),  # outcomes of customers who had said or rated something before
            ("n_term", _int),  # of them, with the term before
            ("n_customers", _int),  # who have the term
            *_value,  # mean outcome with the term (stayed, recommended: share)
            ("mean_without", _real),
            *_interval("effect"),  # value less mean_without
            ("q", _real),  # Benjamini-Hochberg over the terms of one kind and outcome
            ("reason", _text),  # why there is nothing: no_file | no_column | nobody_matched | small_n
            *_tail,
        ],
        ("as_of", "respondent_role", "outcome", "position", "kind", "term", "n", "suppressed"),
    ),
    # Whether feedback is answered, how soon, and what the same customers say next.
    "loops": (
        [
            *_head,
            ("split", _text),  # (all) | owner | touchpoint | nps_group
            ("term", _text),
            ("measure", _text),  # answered | resolved | hours_to_answer | next_sentiment | next_nps
            *_counts,
            *_value,  # share, share, median; mean change to the next response after an answer
            ("n_without", _int),  # next_*: responses that nobody answered
            *_interval("without"),  # next_*: mean change of those, weighted to the answered ones' first response
            *_interval("effect"),  # next_*: value less without
            ("reason", _text),  # no_file | nobody_matched | small_n
            *_tail,
        ],
        ("as_of", "respondent_role", "split", "term", "measure", "n", "suppressed"),
    ),
}  # fmt: skip
OUTCOME_KEYS = {
    "emotional": ("as_of", "respondent_role", "touchpoint"),
    "leans": ("as_of", "respondent_role", "split", "term", "lean"),
    "conversions": ("as_of", "respondent_role", "theme_id"),
    "paths": ("as_of", "respondent_role", "kind", "before", "after"),
    "advocates": ("as_of", "respondent_role", "rank", "source", "feedback_id"),
    "outcomes": ("as_of", "respondent_role", "outcome", "position", "kind", "term"),
    "loops": ("as_of", "respondent_role", "split", "term", "measure"),
}
