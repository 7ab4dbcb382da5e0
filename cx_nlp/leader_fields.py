"""Columns of the tables on leaders' beliefs, the front line, changes, alerts, lists and actions; see `measure_fields`."""

import pyarrow as pa

_text, _int, _real, _flag, _date = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
Fields = list[tuple[str, pa.DataType]]
_head: Fields = [("as_of", _date), ("respondent_role", _text)]
_counts: Fields = [("n", _int), ("n_customers", _int)]
_tail: Fields = [("suppressed", _flag), ("run_id", _text)]
_value: Fields = [("value", _real), ("low", _real), ("high", _real)]


def _interval(*names: str) -> Fields:
    return [(f"{name}{end}", _real) for name in names for end in ("", "_low", "_high")]


LEADER_TABLES: dict[str, tuple[Fields, tuple[str, ...]]] = {
    # What leaders believe beside what customers and employees say.
    "perception": (
        [
            ("as_of", _date),
            ("origin", _text),  # file | rows (leaders' own answers)
            ("statement", _text),
            ("measure", _text),  # as in `measures`
            ("scope", _text),  # key=value joined by ;, or (all)
            ("believed_on", _date),  # what was said up to then is set beside it; null: all
            ("n_leaders", _int),
            *_interval("believed"),
            *_value,  # what customers say
            *_counts,
            *_interval("employees"),  # what employees say
            ("n_employees", _int),  # their rows; null below five people
            *_interval("gap"),  # believed less value
            *_interval("employees_gap"),  # believed less employees
            ("rank", _int),  # from 1, by the gap in ranges of its measure
            ("reason", _text),  # why there is no gap: few_leaders | few_customers
            *_tail,
        ],
        ("as_of", "origin", "statement", "measure", "scope", "n", "suppressed"),
    ),
    # What employees say against what customers say; a row a theme, sentiment or emotion.
    "frontline": (
        [
            ("as_of", _date),
            ("kind", _text),  # theme | sentiment | emotion
            ("term", _text),
            ("n", _int),  # employees' responses (sentiment, emotion: texts)
            ("n_people", _int),  # employees
            ("n_term", _int),  # of n, those with the term; null where fewer than five employees (but some) have it
            ("n_against", _int),  # the same of customers
            ("n_customers", _int),
            ("n_term_against", _int),
            *_value,  # employees' share
            *_interval("share_against"),  # customers' share
            ("log_odds", _real),  # above 0: more the employees'
            ("z", _real),
            ("q", _real),  # Benjamini-Hochberg over the terms of one kind
            ("first_employees", _date),  # themes: Monday of the first week in which they saw it
            ("n_first_employees", _int),  # their responses of that week
            ("first_customers", _date),
            ("n_first_customers", _int),
            ("saw_first", _text),  # employees | customers | both (the same week)
            *_interval("lead_days"),  # customers' week less employees'
            *_tail,
        ],
        ("as_of", "kind", "term", "n", "suppressed"),
    ),
    # What changed since last night, last week and over half a year.
    "changes": (
        [
            *_head,
            ("against", _text),  # night | week | half_year
            ("first_day", _date),  # days compared, first and last included
            ("last_day", _date),
            ("before_first_day", _date),
            ("before_last_day", _date),
            ("touchpoint", _text),  # (all) where not split
            ("theme_id", _text),
            ("measure", _text),  # as in `measures`, theme_share, or responses (a day)
            *_value,  # now
            *_interval("before", "difference"),  # difference: value less before
            *_counts,  # now
            ("n_before", _int),
            ("p", _real),
            ("q", _real),  # Benjamini-Hochberg over all tests of the night
            *_tail,
        ],
        ("as_of", "respondent_role", "against", "touchpoint", "theme_id", "measure", "n", "suppressed"),
    ),
    # Rows of `changes` that meet a rule.
    "alerts": (
        [
            *_head,
            ("rule", _text),
            ("severity", _text),  # high | medium | low
            ("owner", _text),  # the rule's, else the theme's
            ("condition", _text),
            ("against", _text),
            ("touchpoint", _text),
            ("theme_id", _text),
            ("measure", _text),
            *_value,
            ("before", _real),
            *_interval("difference"),
            *_counts,
            ("n_before", _int),
            ("p", _real),
            ("q", _real),
            ("run_id", _text),
        ],
        ("as_of", "respondent_role", "rule", "severity", "against", "measure", "n"),
    ),
    # A list, not figures: what needs an answer today. Keys only; the text stays in `feedback`.
    "close_the_loop": (
        [
            *_head,
            ("priority", _int),  # 1 first .. 4
            ("source", _text),
            ("feedback_id", _text),
            ("feedback_date", _date),
            ("reasons", _text),  # leaving | angry | at_risk | praise, joined by |
            ("theme_id", _text),  # of the worst mention; of the best for praise alone
            ("owner", _text),  # who acts on the theme
            ("contact", _text),  # yes | unknown: never asked whether we may; who said no is not listed
            ("touchpoint", _text),
            ("nps_group", _text),
            ("sentiment_label", _text),
            ("primary_emotion", _text),
            ("run_id", _text),
        ],
        ("as_of", "respondent_role", "priority", "source", "feedback_id", "reasons", "contact"),
    ),
    # Difference in differences: an action's theme before and after, against untouched themes.
    "action_effects": (
        [
            *_head,
            ("action", _text),
            ("theme", _text),  # as in the file
            ("theme_id", _text),  # null: no such theme
            ("touchpoint", _text),
            ("owner", _text),
            ("started", _date),
            ("announced", _date),
            ("measure", _text),  # complaints | mentions
            *_value,  # share of the touchpoint's responses after
            *_interval("before"),
            *_counts,  # responses with a text, after
            ("n_before", _int),
            ("n_controls", _int),  # themes
            ("controls", _real),  # their mean share after
            ("controls_before", _real),
            *_interval("effect"),  # (value - before) - (controls - controls_before)
            ("p", _real),
            *_interval("pretrend"),  # the same within the time before: second half less first
            ("is_parallel", _flag),  # pretrend may be 0; null: unknown
            ("verdict", _text),  # shows | does_not_show_yet | got_worse | too_few
            ("n_theme", _int),  # texts that name the theme, after, and how they speak of it
            ("negative", _real),
            ("positive", _real),
            ("emotion", _text),
            ("n_theme_before", _int),
            ("negative_before", _real),
            ("positive_before", _real),
            ("emotion_before", _text),
            ("reason", _text),  # of too_few: unknown_theme | few_before | few_after | no_controls
            *_tail,
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
