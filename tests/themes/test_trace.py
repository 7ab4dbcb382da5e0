"""Why a mention got its theme."""

import numpy as np

from cx_nlp.themes import Taxonomy, Theme, analyse
from cx_nlp.themes.seeds import Seeds
from cx_nlp.themes.trace import CHOSEN, table, trace_patterns, trace_seeds

TAXONOMY = Taxonomy(
    "trace-1+0",
    (
        Theme("t/staff", "Staff", patterns=("staff",)),
        Theme("t/manner", "Manner", "t/staff", patterns=("rude",)),
        Theme("t/late", "Late", patterns=("late", [{"LOWER": "overdue"}]), exclude=("late fee",)),
        Theme("t/fee", "Fees", patterns=("fee", "late fee")),
        Theme("t/parcel", "Parcel", patterns=("box",), include=("courier",), seeds=("my package",)),
    ),
)


def traced(text: str) -> dict[tuple[str | None, str, str], str]:
    return {(c.mention, c.theme_id.removeprefix("t/"), c.by): c.outcome for c in trace_patterns(text, TAXONOMY)}


def test_each_pattern_is_chosen_or_says_what_beat_it():
    found = traced("The staff were rude. The late fee was overdue. The box is blue.")
    assert found["staff", "manner", "rude"] == CHOSEN
    assert found["staff", "staff", "staff"] == "t/manner is more specific"
    assert found["fee", "fee", "late fee"] == CHOSEN
    assert found["fee", "fee", "fee"] == "inside the longer 'late fee' of t/fee"
    assert found["fee", "late", "late"] == "excluded by 'late fee'"
    assert found["box", "parcel", "box"] == "its sentence holds none of the theme's include"
    assert [by for (_, theme, by) in found if theme == "late" and "overdue" in by] == ["[{'LOWER': 'overdue'}]"]


def test_what_was_chosen_is_what_a_run_gives():
    texts = [
        "The rude staff and the late fee. It was overdue, said the courier with the box.",
        "Late. Rude. A late late fee, staff!",
        "",
        "nothing here",
    ]
    for text, spans in zip(texts, analyse(texts, TAXONOMY), strict=True):
        given = {(m.start, m.end, hit.theme_id) for m in spans.mentions for hit in m.themes}
        chosen = {(c.start, c.end, c.theme_id) for c in trace_patterns(text, TAXONOMY) if c.outcome == CHOSEN}
        assert chosen == given, text


def test_offsets_index_the_text_also_behind_a_cut():
    text = "All is well with us here today. " * 400 + "The staff were rude."
    last = trace_patterns(text, TAXONOMY)[-1]
    assert text[last.start : last.end] == last.mention == "staff" and last.words in ("staff", "rude")


def test_seeds_show_the_nearest_with_threshold_margin_and_bar():
    seeds = Seeds(
        ("t/parcel", "t/fee", "t/late"), ("my package", "a charge", "after time"), np.eye(3), np.array([0.5] * 3),
        TAXONOMY.parent_of(),
    )  # fmt: skip
    spans = next(analyse(["The crate was heavy. A toll. Some courier with a basket."], TAXONOMY))
    assert [m.text for m in spans.mentions] == ["crate", "toll", "courier", "basket"]
    vectors = np.array([[0.9, 0.3, 0.1], [0.1, 0.9, 0.2], [0.3, 0.3, 0.3], [0.7, 0.69, 0.1]])
    found = {(c.mention, c.theme_id.removeprefix("t/")): c for c in trace_seeds(spans, vectors, seeds)}
    assert found["crate", "parcel"].outcome == "barred by the theme's include or exclude"
    assert found["toll", "fee"].outcome == CHOSEN and found["toll", "fee"].by == "a charge"
    assert found["courier", "fee"].outcome == "below the threshold of 0.5"
    assert found["basket", "fee"].outcome == "another theme is within 0.03"
    shown = table(list(found.values()), spans)
    assert "'toll' (23-27): t/fee" in shown and "  + t/fee  seed 0.90 'a charge'" in shown
    assert "'crate' (4-9): no theme" in shown


def test_no_mention_is_said():
    assert trace_patterns("", TAXONOMY) == [] and table([], next(analyse([""], TAXONOMY))) == "no mention"
    assert table(trace_patterns("I can not overdue", TAXONOMY), next(analyse(["!"], TAXONOMY)))
