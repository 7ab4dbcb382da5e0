"""Codes with a fixed meaning: what became of a text, why a row was rejected, what is wrong with one value."""

from enum import StrEnum


class ScoreStatus(StrEnum):
    SCORED = "scored"
    NO_TEXT = "no_text"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    UNREADABLE = "unreadable"  # no letter or emoji left after cleaning


class Reason(StrEnum):
    """Why a row lies in `rejects`. Nothing else rejects a row."""

    UNPARSEABLE = "unparseable"
    NO_DATE = "no_date"
    DATE_IN_FUTURE = "date_in_future"
    NO_COMMENT_OR_RATING = "no_comment_or_rating"


class Issue(StrEnum):
    """What is noted on a row that is kept: one bad value becomes null and is named here."""

    NPS_INVALID = "nps_invalid"
    CSAT_INVALID = "csat_invalid"
    CES_INVALID = "ces_invalid"
    RATING_INVALID = "rating_invalid"
    WEIGHT_INVALID = "weight_invalid"
    ROLE_INVALID = "role_invalid"
    UPDATED_AT_INVALID = "updated_at_invalid"
    MAY_QUOTE_INVALID = "may_quote_invalid"
    MAY_CONTACT_INVALID = "may_contact_invalid"
    RATING_CONFLICT = "rating_conflict"  # rows of one response gave different ratings; the newest stands
    # The row itself gave none, another row of its response did. Where it gave another value, that is kept beside
    # the code, so that a later night can restore it: csat_was_4, rating_was_3@stars 1-5,
    # feedback_date_was_2026-01-05. See store/responses.py.
    NPS_FROM_RESPONSE = "nps_from_response"
    CSAT_FROM_RESPONSE = "csat_from_response"
    CES_FROM_RESPONSE = "ces_from_response"
    RATING_FROM_RESPONSE = "rating_from_response"
    DATE_ORDER_SUSPECT = "date_order_suspect"  # day and month could be the other way round
    DATE_ORDER_RESOLVED = "date_order_resolved"  # they were, and other rows of the source settled it
