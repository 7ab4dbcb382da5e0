"""The rows that measures are made of, as tables of one DuckDB connection.

    piece        one row a piece of feedback
    piece_theme  one row a piece and theme that it names, themes rolled up to those above them, each once a piece
    answer       one row a response: its ratings, and what all its comments together say
    answer_theme one row a response and theme

Weights and scores are whole numbers here (thousandths, and steps of 1e-5, which is how scores are stored): sums of
whole numbers do not depend on the order of rows, so the same lake gives the same bytes.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from cx_nlp.schema import UNEMOTIONAL

WEIGHT = 1_000  # steps a weight of 1 has
SCORE = 100_000  # steps a score of 1 has
NONE = "(none)"
_NO_PERSONAS = pa.table({"customer_key": pa.array([], pa.string()), "persona": pa.array([], pa.string())})


def load(
    con: duckdb.DuckDBPyConnection,
    *,
    feedback: str,
    mentions: str,
    parents: Mapping[str, str | None],
    personas: pa.Table | None = None,
) -> None:
    """Create the four tables. feedback, mentions: SQL to stand after FROM, columns of FEEDBACK and THEME_MENTIONS.

    parents: theme_id -> the theme above it, for all themes known; one that is not known has none above it. personas:
    customer_key (each once), persona: the segment of customers whose feedback names none.
    """
    con.register("theme_above", _closure(parents))
    con.register("persona_of", _NO_PERSONAS if personas is None else personas)
    con.execute(f"CREATE TABLE version AS {_versions(feedback, 'model_version')}")
    con.execute(f"CREATE TABLE themes_version AS {_versions(mentions, 'themes_version')}")
    _pieces(con, feedback, mentions)
    _piece_themes(con, mentions)
    _answers(con)


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def customer(table: str) -> str:
    """SQL: the number of a row's customer, for a table with source, customer_key and response_id."""
    return (
        f"CASE WHEN {table}.customer_key IS NULL THEN hash({table}.source, {table}.response_id) "
        f"ELSE hash({table}.customer_key) END"
    )


def readers(con: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """The numbers in `piece.reader` -> emotion heads as `model_version` names them; 0 is one that no row names."""
    return dict(con.execute("SELECT DISTINCT reader_nr, reader FROM version").fetchall())


def _closure(parents: Mapping[str, str | None]) -> pa.Table:
    """Pairs of each theme and every theme above it; a taxonomy that goes in circles ends too."""
    pairs = []
    for theme_id in parents:
        above, seen = parents[theme_id], {theme_id}
        while above is not None and above not in seen:
            pairs.append((theme_id, above))
            seen.add(above)
            above = parents.get(above)
    columns = list(zip(*pairs, strict=True)) or [(), ()]
    return pa.table({"theme_id": pa.array(columns[0], pa.string()), "above": pa.array(columns[1], pa.string())})


def _versions(table: str, column: str) -> str:
    reader = f"regexp_extract({column}, 'emotion=([^|]*)', 1)"  # the head that read the emotions
    return f"""SELECT {column} AS name, row_number() OVER (ORDER BY {column}) - 1 AS nr,
                      {reader} AS reader, (dense_rank() OVER (ORDER BY {reader}))::INT AS reader_nr
               FROM (SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL)"""


def _pieces(con: duckdb.DuckDBPyConnection, feedback: str, mentions: str) -> None:
    # A customer's key is the same in all sources of a lake; without one a response is its own cluster.
    con.execute(f"""
        CREATE TABLE piece AS
        SELECT f.respondent_role AS role, f.source, coalesce(f.channel, '{NONE}') AS channel,
               coalesce(f.touchpoint, '{NONE}') AS touchpoint,
               coalesce(f.segment, q.persona, '{NONE}') AS segment, f.feedback_id, f.response_id,
               {customer("f")} AS customer, f.customer_key IS NOT NULL AS known,
               f.feedback_date AS day, f.submitted_at AS moment, round(f.weight * {WEIGHT})::BIGINT AS w, f.is_response_head AS head,
               f.score_status <> 'no_text' AS has_text, f.score_status = 'scored' AS scored,
               f.nps, f.csat, f.ces, round(f.rating * {WEIGHT})::BIGINT AS rating, CASE WHEN f.rating IS NOT NULL THEN coalesce(f.rating_scale, '') END AS scale,
               f.sentiment_label AS label, coalesce(f.is_mixed, false) AS mixed,
               f.is_emotional AS emotional, f.primary_emotion AS emotion,
               round(f.sentiment_score * {SCORE})::BIGINT AS sentiment,
               round(f.emotional_intensity * {SCORE})::BIGINT AS intensity,
               coalesce(m.mentions, 0) AS mentions, v.nr::INT AS version, coalesce(v.reader_nr, 0) AS reader,
               NULL::INT AS themes_version
        FROM (SELECT * FROM {feedback}) AS f
        LEFT JOIN version AS v ON v.name = f.model_version
        LEFT JOIN persona_of AS q ON q.customer_key = f.customer_key
        LEFT JOIN (SELECT source, feedback_id, count(DISTINCT mention_id) AS mentions FROM {mentions}
                   WHERE theme_id IS NOT NULL AND mention_id >= 0 GROUP BY ALL) AS m
          ON m.source = f.source AND m.feedback_id = f.feedback_id""")


def _piece_themes(con: duckdb.DuckDBPyConnection, mentions: str) -> None:
    """A theme has one label and one emotion in a piece: of its mentions' mean, and the first that is not neutral."""
    flat = ", ".join(f"'{name}'" for name in UNEMOTIONAL)
    con.execute(f"""
        CREATE TABLE piece_theme AS
        WITH named AS (
            SELECT source, feedback_id, theme_id, mention_id, sentiment_label, primary_emotion, themes_version,
                   round(sentiment_score * {SCORE})::BIGINT AS sentiment, round(p_negative * {SCORE})::BIGINT AS neg,
                   round(p_neutral * {SCORE})::BIGINT AS neu, round(p_positive * {SCORE})::BIGINT AS pos
            FROM {mentions} WHERE theme_id IS NOT NULL),
        rolled AS (
            SELECT * FROM named
            UNION ALL SELECT named.* REPLACE (above AS theme_id) FROM named JOIN theme_above USING (theme_id)),
        one AS (
            SELECT source, feedback_id, theme_id, count(DISTINCT mention_id) AS mentions,
                   round(sum(sentiment)::DOUBLE / count(sentiment))::BIGINT AS sentiment,
                   CASE WHEN sum(neg) IS NULL THEN NULL WHEN sum(neg) >= sum(neu) AND sum(neg) >= sum(pos) THEN 'negative'
                        WHEN sum(neu) >= sum(pos) THEN 'neutral' ELSE 'positive' END AS label,
                   bool_or(sentiment_label = 'negative') AND bool_or(sentiment_label = 'positive') AS mixed,
                   bool_or(sentiment_label = 'negative') AS complaint,
                   coalesce(min_by(primary_emotion, (mention_id, primary_emotion))
                            FILTER (primary_emotion <> 'neutral'), min(primary_emotion)) AS emotion,
                   min(v.nr)::INT AS themes_version
            FROM rolled LEFT JOIN themes_version AS v ON v.name = rolled.themes_version GROUP BY ALL)
        SELECT p.* REPLACE (
                   row_number() OVER (PARTITION BY p.source, p.response_id, one.theme_id
                                      ORDER BY p.head DESC, p.feedback_id) = 1 AS head,
                   one.mentions AS mentions, one.sentiment AS sentiment, one.label AS label, one.mixed AS mixed,
                   one.emotion AS emotion, one.emotion NOT IN ({flat}) AS emotional,
                   one.themes_version AS themes_version),
               one.theme_id, one.complaint
        FROM one JOIN piece AS p USING (source, feedback_id)""")


def _answers(con: duckdb.DuckDBPyConnection) -> None:
    """A response's comments together: mixed if one is, or if one is positive and another negative.

    `said` is null without a comment whose sentiment is known, `emotion` and `emotional` likewise; the emotion is the
    first comment's that is not neutral.
    """
    con.execute("""
        CREATE TABLE answer AS
        SELECT *, row_number() OVER (ORDER BY source, response_id) - 1 AS nr FROM (
            SELECT role, source, response_id, any_value(customer) AS customer, bool_or(known) AS known,
                   min(moment) AS moment, min(day) AS day, any_value(nps) AS nps,
                   any_value(csat) AS csat, any_value(ces) AS ces, any_value(rating) AS rating,
                   any_value(scale) AS scale, max(w) FILTER (head) AS w,
                   coalesce(any_value(touchpoint) FILTER (head), min(touchpoint)) AS touchpoint,
                   coalesce(any_value(channel) FILTER (head), min(channel)) AS channel,
                   coalesce(any_value(segment) FILTER (head), min(segment)) AS segment,
                   count(*) FILTER (scored) AS scored,
                   CASE WHEN count(label) FILTER (scored) = 0 THEN NULL
                        WHEN bool_or(scored AND mixed) OR (bool_or(scored AND label = 'negative')
                             AND bool_or(scored AND label = 'positive')) THEN 'mixed'
                        WHEN bool_or(scored AND label = 'negative') THEN 'negative'
                        WHEN bool_or(scored AND label = 'positive') THEN 'positive' ELSE 'neutral' END AS said,
                   coalesce(min_by(emotion, (feedback_id, emotion)) FILTER (scored AND emotion <> 'neutral'),
                            min(emotion) FILTER (scored)) AS emotion,
                   bool_or(emotional) FILTER (scored) AS emotional,
                   round(sum(sentiment) FILTER (scored)::DOUBLE / count(sentiment) FILTER (scored))::BIGINT AS sentiment,
                   round(sum(intensity) FILTER (scored)::DOUBLE / count(intensity) FILTER (scored))::BIGINT AS intensity
            FROM piece GROUP BY role, source, response_id)""")
    con.execute("""
        CREATE TABLE answer_theme AS
        SELECT a.nr, t.theme_id, bool_or(t.complaint) AS complaint,
               round(sum(t.sentiment)::DOUBLE / count(t.sentiment))::BIGINT AS sentiment
        FROM piece_theme AS t JOIN answer AS a USING (role, source, response_id) GROUP BY ALL""")
