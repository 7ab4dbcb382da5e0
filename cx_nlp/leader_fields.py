"""Columns of the tables on leaders' beliefs, the front line, changes, alerts, lists and actions; see `measure_fields`."""

from cx_nlp.shared_fields import Fields, counts, date, flag, head, integer, interval, real, tail, text, value

LEADER_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    # What leaders believe beside what customers and employees say.
    "perception": (
        [
            ("as_of", date),
            ("origin", text),  # file | rows (leaders' own answers)
            ("statement", text),
            ("measure", text),  # as in `measures`
            ("scope", text),  # key=value joined by ;, or (all)
            ("believed_on", date),  # what was said up to then is set beside it; null: all
            ("n_leaders", integer),
            *interval("believed"),
            *value,  # what customers say
            *counts,
            *interval("employees"),  # what employees say
            ("n_employees", integer),  # their rows; null below five people
            *interval("gap"),  # believed less value
            *interval("employees_gap"),  # believed less employees
            ("rank", integer),  # from 1, by the gap in ranges of its measure
            ("reason", text),  # why there is no gap: few_leaders | few_customers
            *tail,
        ],
        ("as_of", "origin", "statement", "measure", "scope", "n", "suppressed"),
    ),
    # What employees say against what customers say; a row a theme, sentiment or emotion.
    "frontline": (
        [
            ("as_of", date),
            ("kind", text),  # theme | sentiment | emotion
            ("term", text),
            ("n", integer),  # employees' responses (sentiment, emotion: texts)
            ("n_people", integer),  # employees
            ("n_term", integer),  # of n, those with the term; null where fewer than five employees (but some) have it
            ("n_against", integer),  # the same of customers
            ("n_customers", integer),
            ("n_term_against", integer),
            *value,  # employees' share
            *interval("share_against"),  # customers' share
            ("log_odds", real),  # above 0: more the employees'
            ("z", real),
            ("q", real),  # Benjamini-Hochberg over the terms of one kind
            ("first_employees", date),  # themes: Monday of the first week in which they saw it
            ("n_first_employees", integer),  # their responses of that week
            ("first_customers", date),
            ("n_first_customers", integer),
            ("saw_first", text),  # employees | customers | both (the same week)
            *interval("lead_days"),  # customers' week less employees'
            *tail,
        ],
        ("as_of", "kind", "term", "n", "suppressed"),
    ),
    # What changed since last night, last week and over half a year.
    "changes": (
        [
            *head,
            ("against", text),  # night | week | half_year
            ("first_day", date),  # days compared, first and last included
            ("last_day", date),
            ("before_first_day", date),
            ("before_last_day", date),
            ("touchpoint", text),  # (all) where not split
            ("theme_id", text),
            ("measure", text),  # as in `measures`, theme_share, or responses (a day)
            *value,  # now
            *interval("before", "difference"),  # difference: value less before
            *counts,  # now
            ("n_before", integer),
            ("p", real),
            ("q", real),  # Benjamini-Hochberg over all tests of the night
            *tail,
        ],
        ("as_of", "respondent_role", "against", "touchpoint", "theme_id", "measure", "n", "suppressed"),
    ),
    # Rows of `changes` that meet a rule.
    "alerts": (
        [
            *head,
            ("rule", text),
            ("severity", text),  # high | medium | low
            ("owner", text),  # the rule's, else the theme's
            ("condition", text),
            ("against", text),
            ("touchpoint", text),
            ("theme_id", text),
            ("measure", text),
            *value,
            ("before", real),
            *interval("difference"),
            *counts,
            ("n_before", integer),
            ("p", real),
            ("q", real),
            ("run_id", text),
        ],
        ("as_of", "respondent_role", "rule", "severity", "against", "measure", "n"),
    ),
    # A list, not figures: what needs an answer today. Keys only; the text stays in `feedback`.
    "close_the_loop": (
        [
            *head,
            ("priority", integer),  # 1 first .. 4
            ("source", text),
            ("feedback_id", text),
            ("feedback_date", date),
            ("reasons", text),  # leaving | angry | at_risk | praise, joined by |
            ("theme_id", text),  # of the worst mention; of the best for praise alone
            ("owner", text),  # who acts on the theme
            ("contact", text),  # yes | unknown: never asked whether we may; who said no is not listed
            ("touchpoint", text),
            ("nps_group", text),
            ("sentiment_label", text),
            ("primary_emotion", text),
            ("run_id", text),
        ],
        ("as_of", "respondent_role", "priority", "source", "feedback_id", "reasons", "contact"),
    ),
    # Difference in differences: an action's theme before and after, against untouched themes.
    "action_effects": (
        [
            *head,
            ("action", text),
            ("theme", text),  # as in the file
            ("theme_id", text),  # null: no such theme
            ("touchpoint", text),
            ("owner", text),
            ("started", date),
            ("announced", date),
            ("measure", text),  # complaints | mentions
            *value,  # share of the touchpoint's responses after
            *interval("before"),
            *counts,  # responses with a text, after
            ("n_before", integer),
            ("n_controls", integer),  # themes
            ("controls", real),  # their mean share after
            ("controls_before", real),
            *interval("effect"),  # (value - before) - (controls - controls_before)
            ("p", real),
            *interval("pretrend"),  # the same within the time before: second half less first
            ("is_parallel", flag),  # pretrend may be 0; null: unknown
            ("verdict", text),  # shows | does_not_show_yet | got_worse | too_few
            ("n_theme", integer),  # texts that name the theme, after, and how they speak of it
            ("negative", real),
            ("positive", real),
            ("emotion", text),
            ("n_theme_before", integer),
            ("negative_before", real),
            ("positive_before", real),
            ("emotion_before", text),
            ("reason", text),  # of too_few: unknown_theme | few_before | few_after | no_controls
            *tail,
        ],
        ("as_of", "respondent_role", "action", "theme", "touchpoint", "measure", "n", "verdict", "suppressed"),
    ),
}  # fmt: skip
LEADER_KEYS = {
    "perception": ("as_of", "origin", "statement", "measure", "scope", "believed_on"),
    "frontline": ("as_of", "kind", "term"),
    "changes": ("as_of", "respondent_role", "against", "touchpoint", "theme_id", "measure"),
    "alerts": ("as_of", "respondent_role", "rule", "against", "touchpoint", "theme_id", "measure"),
    "close_the_loop": ("as_of", "respondent_role", "priority", "source", "feedback_id"),
    "action_effects": ("as_of", "respondent_role", "action", "theme", "touchpoint", "started", "measure"),
}
