"""Feedback of the latest nights that needs an answer today: a list of keys, with the reasons and the theme's owner.

The rules, all of customers' scored comments; a comment can meet several:

    leaving   a negative mention of a theme about leaving (`leaving`, or a theme below one)
    angry     the primary emotion is anger or disgust, and the text is not positive
    at_risk   a detractor or passive (NPS 0-8; where NPS was not asked, CSAT 1-3) whose text is negative, or mixed and
              more bad than good
    praise    a positive text that is not mixed, with a positive mention of a team (`praise`, or a theme below one)

    priority 1   leaving, or an angry detractor (NPS 0-6, CSAT 1-2)
             2   other angry comments, and detractors at risk
             3   passives at risk
             4   praise

Who said that they may not be contacted is not on the list; who was never asked is, with `contact` unknown. Nor is what
was answered by the end of the latest date, where a file says so (see `loops`). The rules are ours; no study stands
behind them.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp.measures.relations import literal

DAYS = 3
LEAVING, PRAISE = ("general/loyalty",), ("general/staff",)
REASONS = ("leaving", "angry", "at_risk", "praise")
_NO_ANSWERS = pa.table(
    {"source": pa.array([], pa.string()), "feedback_id": pa.array([], pa.string()),
     "answered_at": pa.array([], pa.timestamp("us", tz="UTC"))}
)  # fmt: skip


def close_the_loop(
    con: duckdb.DuckDBPyConnection,
    as_of: dt.date,
    *,
    feedback: str,
    mentions: str,
    owners: Mapping[str, str | None],
    answers: pa.Table | None = None,
    days: int = DAYS,
    leaving: Sequence[str] = LEAVING,
    praise: Sequence[str] = PRAISE,
) -> pd.DataFrame:
    """Columns of `close_the_loop` but for as_of and run_id, of the last `days` dates; con: after `relations.load`.

    feedback, mentions: SQL to stand after FROM. owners: theme_id -> who acts on it. answers: source, feedback_id,
    answered_at (null: not answered; UTC, as is the end of the latest date), each piece once; None where there is no file.
    Nothing to answer, no rows.
    """
    since = as_of - dt.timedelta(days - 1)
    con.register("answers_file", _NO_ANSWERS if answers is None else answers)
    found = con.execute(f"""
        WITH answered AS (SELECT source, feedback_id FROM answers_file
                          WHERE answered_at < TIMESTAMPTZ '{as_of + dt.timedelta(1)} 00:00:00+00'),
        recent AS (SELECT f.* FROM {feedback} AS f ANTI JOIN answered AS a
                     ON a.source = f.source AND a.feedback_id = f.feedback_id
                   WHERE feedback_date BETWEEN DATE '{since}' AND DATE '{as_of}'
                   AND respondent_role = 'customer' AND score_status = 'scored' AND may_contact IS DISTINCT FROM false),
        named AS (SELECT m.source, m.feedback_id, m.theme_id, m.sentiment_label AS label, m.sentiment_score AS score
                  FROM {mentions} AS m SEMI JOIN recent AS r ON r.source = m.source AND r.feedback_id = m.feedback_id
                  WHERE m.theme_id IS NOT NULL),
        rolled AS (SELECT source, feedback_id, theme_id, label FROM named
                   UNION ALL SELECT source, feedback_id, above, label FROM named JOIN theme_above USING (theme_id)),
        spoken AS (
            SELECT source, feedback_id, bool_or(label = 'negative' AND theme_id IN ({_list(leaving)})) AS leaving,
                   bool_or(label = 'positive' AND theme_id IN ({_list(praise)})) AS praise FROM rolled GROUP BY ALL),
        worst AS (SELECT source, feedback_id, arg_min(theme_id, (score, theme_id)) AS worst,
                         arg_min(theme_id, (-score, theme_id)) AS best FROM named GROUP BY ALL),
        judged AS (
            SELECT r.*, coalesce(s.leaving, false) AS leaving, w.worst, w.best,
                   r.primary_emotion IN ('anger', 'disgust') AND coalesce(r.sentiment_label <> 'positive', true) AS angry,
                   coalesce(r.sentiment_label = 'negative' OR (r.is_mixed AND r.sentiment_score < 0), false) AS leans_down,
                   coalesce(r.nps <= 6, r.csat <= 2, false) AS detractor, coalesce(r.nps <= 8, r.csat <= 3, false) AS doubtful,
                   coalesce(s.praise AND r.sentiment_label = 'positive' AND NOT coalesce(r.is_mixed, false), false) AS praise
            FROM recent AS r LEFT JOIN spoken AS s ON s.source = r.source AND s.feedback_id = r.feedback_id
            LEFT JOIN worst AS w ON w.source = r.source AND w.feedback_id = r.feedback_id),
        listed AS (
            SELECT *, coalesce(angry, false) AS is_angry, leans_down AND doubtful AS at_risk FROM judged)
        SELECT source, feedback_id, feedback_date, touchpoint, nps_group, sentiment_label, primary_emotion,
               concat_ws('|', CASE WHEN leaving THEN 'leaving' END, CASE WHEN is_angry THEN 'angry' END,
                         CASE WHEN at_risk THEN 'at_risk' END, CASE WHEN praise THEN 'praise' END) AS reasons,
               CASE WHEN leaving OR (is_angry AND detractor) THEN 1 WHEN is_angry OR (at_risk AND detractor) THEN 2
                    WHEN at_risk THEN 3 ELSE 4 END AS priority,
               CASE WHEN leaving OR is_angry OR at_risk THEN worst ELSE best END AS theme_id,
               CASE WHEN may_contact THEN 'yes' ELSE 'unknown' END AS contact
        FROM listed WHERE leaving OR is_angry OR at_risk OR praise
        ORDER BY priority, feedback_date DESC, source, feedback_id""").df()
    con.unregister("answers_file")
    owner = {theme: name for theme, name in owners.items() if name}
    return found.assign(owner=[owner.get(theme) for theme in found["theme_id"]])


def _list(themes: Sequence[str]) -> str:
    return ", ".join(literal(theme) for theme in themes) or "NULL"
