"""Who promotes and says so in words worth quoting: a list for rewards and references, one piece for each customer.

A piece is worth quoting if it comes with an NPS of 9 or 10, is positive without a doubt and without a "but", is neither
a shout nor an essay, praises something by name, and holds nothing that was masked. They are ranked by a score in 0..1:
the mean of how positive it is (sentiment_score), how strongly felt (emotional_intensity) and how specific (themes
praised, three or more being 1). The order is ours; no study stands behind it. Consent is the customer's: an
unknown may_quote or may_contact is not a yes.
"""

import duckdb
import pandas as pd

from cx_nlp.measures.relations import customer

MIN_WORDS, MAX_WORDS = 6, 60
_MASKED = r"\[(EMAIL|PHONE|CARD|IBAN|IP|URL|NAME)\]"


def advocates(con: duckdb.DuckDBPyConnection, *, feedback: str, mentions: str, most: int) -> pd.DataFrame:
    """Columns of `advocates` but for as_of and run_id, the best `most` of them; con: after `relations.load`. None, no rows.

    feedback, mentions: SQL to stand after FROM. No text is repeated: a reader joins `feedback`, and who was forgotten
    there is on no list any more.
    """
    return con.execute(f"""
        WITH praised AS (
            SELECT source, feedback_id, string_agg(theme_id, '|' ORDER BY theme_id) AS themes, count(*) AS n_themes
            FROM (SELECT DISTINCT source, feedback_id, theme_id FROM {mentions}
                  WHERE theme_id IS NOT NULL AND sentiment_label = 'positive' AND NOT is_negated)
            GROUP BY source, feedback_id),
        fit AS (
            SELECT f.source, f.feedback_id, f.feedback_date, f.touchpoint, coalesce(f.segment, q.persona) AS segment, f.nps,
                   f.sentiment_score, f.emotional_intensity, f.primary_emotion, f.may_quote, f.may_contact,
                   len(regexp_extract_all(f.text, '[^\\s]+')) AS n_words, praised.themes, {customer("f")} AS customer,
                   (f.sentiment_score + coalesce(f.emotional_intensity, 0) + least(n_themes, 3) / 3) / 3 AS score
            FROM (SELECT * FROM {feedback}) AS f JOIN praised USING (source, feedback_id)
            LEFT JOIN persona_of AS q ON q.customer_key = f.customer_key
            WHERE f.respondent_role = 'customer' AND f.nps >= 9 AND f.score_status = 'scored'
              AND f.sentiment_label = 'positive' AND NOT coalesce(f.is_mixed, false) AND NOT coalesce(f.is_uncertain, false)
              AND NOT regexp_matches(f.text, '{_MASKED}') AND n_words BETWEEN {MIN_WORDS} AND {MAX_WORDS})
        SELECT * EXCLUDE (customer, nr), row_number() OVER (ORDER BY score DESC, source, feedback_id) AS rank,
               false AS suppressed
        FROM (SELECT *, count(*) OVER (PARTITION BY customer) AS n,
                     row_number() OVER (PARTITION BY customer ORDER BY score DESC, source, feedback_id) AS nr FROM fit)
        WHERE nr = 1 ORDER BY rank LIMIT {int(most)}""").df()
