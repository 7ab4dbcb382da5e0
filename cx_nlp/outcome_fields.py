"""Columns of the tables on emotion in text, leanings, paths, advocates, outcomes and loops; see `measure_fields`."""

from cx_nlp.shared_fields import Fields, counts, date, flag, head, integer, interval, real, tail, text, value

OUTCOME_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    # Which part of feedback is emotional rather than factual, raw and corrected for the classifier's known error.
    "emotional": (
        [
            *head,
            ("touchpoint", text),  # (all) first
            *counts,  # scored comments
            *interval("raw", "corrected"),
            ("sensitivity", real),  # of the classifier, on the dev texts that nothing was fitted on
            ("specificity", real),
            ("n_dev", integer),
            ("claimed", real),  # 0.7: what is often said of decisions; a claim, not a figure of these rows
            ("reason", text),  # why there is no corrected share: no_confusion | several_models | no_better_than_chance
            ("note", text),  # what is to be said beside the figures
            *tail,
        ],
        ("as_of", "respondent_role", "touchpoint", "n", "suppressed"),
    ),
    # Which passives lean up or down by their text: where they are met, who they are, what they speak of.
    "leans": (
        [
            *head,
            ("split", text),  # (all) | touchpoint | segment | theme
            ("term", text),  # the touchpoint, segment or theme_id; (all) where not split
            ("lean", text),  # up | down | mixed | neutral, as their text says
            *counts,  # passives' responses with a scored comment, and who gave them
            ("n_lean", integer),  # of n
            *value,  # share of n
            *tail,
        ],
        ("as_of", "respondent_role", "split", "term", "lean", "n", "suppressed"),
    ),
    # What would convert passives: complaints that they have and promoters do not.
    "conversions": (
        [
            *head,
            ("theme_id", text),
            ("n", integer),  # passive customers with a scored text
            ("n_promoters", integer),
            ("n_theme", integer),  # of n, those who complain about it
            *value,  # their share
            ("share_promoters", real),
            *interval("gap"),  # value less share_promoters
            *interval("at_stake"),  # NPS points, at most, if the passives behind the gap became promoters
            ("q", real),  # of the gap, Benjamini-Hochberg over the themes
            *tail,
        ],
        ("as_of", "respondent_role", "theme_id", "n", "suppressed"),
    ),
    # What the same customers say next: from one response to the next.
    "paths": (
        [
            *head,
            ("kind", text),  # touchpoint | nps_group | text
            ("before", text),
            ("after", text),
            *counts,  # steps from one response to the next, and whose
            *value,  # share of the steps from `before`
            ("days", real),  # median between the two
            ("n_sentiment", integer),  # steps with a scored comment at both ends
            *interval("sentiment_change"),  # mean, later less earlier, -2..2
            ("n_nps", integer),  # steps with an NPS at both ends
            *interval("nps_change"),  # mean, -200..200: a detractor who becomes a promoter is 200
            *interval("rose", "fell"),  # share of n_nps that went to a higher, a lower group
            *tail,
        ],
        ("as_of", "respondent_role", "kind", "before", "after", "n", "suppressed"),
    ),
    # A list, not figures: one piece of feedback for each customer who promotes and says so in words worth quoting.
    "advocates": (
        [
            *head,
            ("rank", integer),  # from 1, by score
            ("source", text),
            ("feedback_id", text),
            ("feedback_date", date),
            ("touchpoint", text),
            ("segment", text),
            ("nps", integer),  # 9 or 10
            ("score", real),  # 0..1, see `measures.advocates`
            ("sentiment_score", real),
            ("emotional_intensity", real),
            ("primary_emotion", text),
            ("n_words", integer),
            ("themes", text),  # theme_ids praised, joined by |
            ("may_quote", flag),  # null: nobody asked, which is no yes
            ("may_contact", flag),
            ("n", integer),  # pieces of feedback of this customer that would do
            *tail,
        ],
        ("as_of", "respondent_role", "rank", "source", "feedback_id", "n", "suppressed"),
    ),
    # What customers did after what they said. Association, not cause.
    "outcomes": (
        [
            *head,
            ("outcome", text),  # stayed | spend | recommended
            ("position", integer),  # order to be read in: passives first, then the other groups, emotions, themes
            ("kind", text),  # nps_group | emotion | theme | complaint
            ("term", text),
            ("n", integer),  # outcomes of customers who had said or rated something before
            ("n_term", integer),  # of them, with the term before
            ("n_customers", integer),  # who have the term
            *value,  # mean outcome with the term (stayed, recommended: share)
            ("mean_without", real),
            *interval("effect"),  # value less mean_without
            ("q", real),  # Benjamini-Hochberg over the terms of one kind and outcome
            ("reason", text),  # why there is nothing: no_file | no_column | nobody_matched | small_n
            *tail,
        ],
        ("as_of", "respondent_role", "outcome", "position", "kind", "term", "n", "suppressed"),
    ),
    # Whether feedback is answered, how soon, and what the same customers say next.
    "loops": (
        [
            *head,
            ("split", text),  # (all) | owner | touchpoint | nps_group
            ("term", text),
            ("measure", text),  # answered | resolved | hours_to_answer | next_sentiment | next_nps
            *counts,
            *value,  # share, share, median; mean change to the next response after an answer
            ("n_without", integer),  # next_*: responses that nobody answered
            *interval("without"),  # next_*: mean change of those, weighted to the answered ones' first response
            *interval("effect"),  # next_*: value less without
            ("reason", text),  # no_file | nobody_matched | small_n
            *tail,
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
