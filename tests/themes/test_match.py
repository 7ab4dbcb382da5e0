"""Which mention gets which theme."""

import pytest

from cx_nlp.spans.mentions import Phrase, noun_phrases
from cx_nlp.themes import Taxonomy, Theme, ThemeHit, analyse
from cx_nlp.themes.match import assign
from cx_nlp.themes.matcher import ThemeMatcher
from tests.spans.trees import tree


def theme(slug: str, *patterns, parent: str | None = None, **more) -> Theme:
    return Theme(f"t/{slug}", slug, f"t/{parent}" if parent else None, patterns=patterns, **more)


def taxonomy(*themes: Theme) -> Taxonomy:
    return Taxonomy(f"test-{hash(str(themes))}", themes)


def themed(text: str, *themes: Theme) -> list[tuple[str, str]]:
    """[(mention, its themes without their taxonomy, joined by +)], "" for none"""
    found = next(analyse([text], taxonomy(*themes)))
    assert all(text[m.start : m.end] == m.text for m in found.mentions)
    return [(m.text, "+".join(h.theme_id.removeprefix("t/") for h in m.themes)) for m in found.mentions]


STAFF = theme("staff", "staff", "nurse")
MANNER = theme("manner", "rude", "friendly", parent="staff")
PRICE = theme("price", "overpriced", "price")
WAIT = theme("wait", "wait", "take forever", "long time")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # inside the noun phrase; the child alone is written
        ("Rude staff everywhere.", [("staff", "manner")]),
        # in the opinion, of a child of the mention's theme
        ("The staff were rude.", [("staff", "manner")]),
        ("The staff were great.", [("staff", "staff")]),
        # nobody to be more specific about
        ("They were rude.", [("rude", "manner")]),
        # an opinion of another theme is a mention of its own
        ("The dress was overpriced.", [("dress", ""), ("overpriced", "price")]),
        # outside any noun phrase
        ("It took forever.", [("took forever", "wait")]),
        # inside a phrase that names nothing by itself
        ("We stood there for a long time.", [("long time", "wait")]),
        # more than one theme
        ("Staff prices.", [("Staff prices", "price+staff")]),
        # no theme
        ("The parcel was lost.", [("parcel", "")]),
        ("", []),
        ("!!!", []),
    ],
)
def test_where_a_match_goes(text, expected):
    assert themed(text, STAFF, MANNER, PRICE, WAIT) == expected


def test_a_hit_is_by_pattern_and_certain():
    mention = next(analyse(["Overpriced."], taxonomy(PRICE))).mentions[0]
    assert mention.themes == (ThemeHit("t/price", 1.0, "pattern"),)


@pytest.mark.parametrize(
    ("pattern", "text", "is_hit"),
    [
        ("refund", "They refunded me.", True),
        ("refund", "REFUNDS!", True),
        ("refunds", "I want a refund.", True),
        ("refunded", "I want a refund.", False),  # written inflected: that form alone
        ("took forever", "It takes forever.", False),
        ("take forever", "It is taking forever.", True),
        ("=goods", "The goods were fine.", True),
        ("=goods", "It was good.", False),
        ("answer phone", "Nobody answered the phone.", True),
        ("answer phone", "Nobody answered me by phone.", False),
        ("check in", "The check-in was slow.", True),
        ("check-in", "I had to check in twice.", True),
        ("can not fault", "I can't fault them.", True),
        ("can't fault", "I cannot fault them.", True),
        ("colour", "What a color!", True),
        ("not clear", "It wasn’t clear.", True),
        ("A&E", "I sat in a&e.", True),
        ("wait", "Awaiting your reply.", False),
        ([{"LOWER": "patient", "TAG": "JJ"}], "She was so patient with me.", True),
        ([{"LOWER": "patient", "TAG": "JJ"}], "The patient was discharged.", False),
        ([{"LEMMA": "wait"}, {"LOWER": "ages"}], "We waited ages.", True),
        ([{"POS": "ADV", "OP": "+"}, {"LOWER": "slow"}], "It was really very slow.", True),
    ],
)
def test_what_a_pattern_matches(pattern, text, is_hit):
    from cx_nlp.themes.patterns import check_tokens

    checked = pattern if isinstance(pattern, str) else check_tokens(pattern)
    assert any(hits for _, hits in themed(text, theme("x", checked))) == is_hit


def test_exclude_drops_the_matches_that_it_overlaps():
    kind = theme("kind", "kind", exclude=("kind of",))
    assert themed("It was kind of slow but she was kind.", kind) == [("kind", "kind")]


def test_include_asks_for_a_word_in_the_same_sentence():
    late = theme("late", "late", include=("parcel",))
    assert themed("The parcel was late. I was late.", late)[:2] == [("parcel", ""), ("late", "late")]
    assert [hits for _, hits in themed("I was late. The parcel was blue.", late)] == [""]


def test_what_bars_a_pattern_bars_a_seed():
    late = theme("late", "overdue", seeds=("not on time",), include=("parcel",))
    fee = theme("fee", "charge", seeds=("a fee",), exclude=("free",))
    never = theme("never", "hello", exclude=("free",))
    found = next(analyse(["The free sample came. The parcel is here."], taxonomy(late, fee, never)))
    barred = {m.text: {theme.removeprefix("t/") for theme in m.barred} for m in found.mentions}
    assert barred == {"sample": {"late", "fee"}, "parcel": set()}, "only themes with seeds"


def test_the_longest_match_of_a_taxonomy_wins():
    themes = theme("delivery", "delivery"), theme("fees", "delivery charge")
    assert themed("A delivery charge of five pounds.", *themes)[0] == ("delivery charge", "fees")


def test_taxonomies_do_not_hide_each_other():
    one = Theme("one/a", "a", patterns=("delivery",))
    two = Theme("two/b", "b", patterns=("delivery charge",))
    mention = next(analyse(["The delivery charge was high."], Taxonomy("x", (one, two)))).mentions[0]
    assert [hit.theme_id for hit in mention.themes] == ["one/a", "two/b"]


def test_a_longer_match_takes_in_the_mentions_within_it():
    themes = theme("value", "value for money"), theme("money", "cash")
    assert themed("Great value for money.", *themes) == [("value for money", "value")]


def test_a_negation_outside_the_verb_is_quoted_with_it():
    mention = next(analyse(["They didn't listen."], taxonomy(theme("ears", "not listen")))).mentions[0]
    assert (mention.text, mention.is_negated) == ("didn't listen", True)


def test_assignment_on_a_tree_built_by_hand():
    doc = tree("The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 rude/JJ/acomp/3")
    matcher = ThemeMatcher(taxonomy(STAFF, MANNER))
    assert assign(doc, noun_phrases(doc), matcher.counted(doc, matcher.find(doc)), matcher.parents) == [
        (Phrase(0, 1, 2, (3, 4), False), ("t/manner",))
    ]


def test_one_pass_gives_what_find_spans_gives_where_nothing_matches():
    from cx_nlp.spans import find_spans

    texts = ["The staff were lovely but the wait was far too long. " * 3, "", "No parking!", "👍"]
    for spans, found in zip(find_spans(texts), analyse(texts, taxonomy(theme("x", "xylophone"))), strict=True):
        assert found.sentences == spans.sentences
        assert [(m.start, m.end, m.text, m.sentence, m.opinion, m.is_negated) for m in found.mentions] == [
            (m.start, m.end, m.text, m.sentence, m.opinion, m.is_negated) for m in spans.mentions
        ]
        assert all(m.themes == () for m in found.mentions)


def test_mentions_are_in_order_unique_and_independent_of_neighbours():
    texts = ["It took forever, the rude nurse was overpriced and the price of staff…", "Rude.", "", "Wait wait wait."]
    known = taxonomy(STAFF, MANNER, PRICE, WAIT)
    alone = [next(analyse([text], known)) for text in texts]
    assert list(analyse(texts * 50, known, batch_size=3)) == alone * 50
    for found in alone:
        places = [(m.start, m.end) for m in found.mentions]
        assert places == sorted(set(places))


def test_a_complaint_at_the_end_of_ten_thousand_words_is_found():
    text = "We had a lovely day with the children at the seaside. " * 1000 + "But it was overpriced."
    found = next(analyse([text], taxonomy(PRICE)))
    mention = found.mentions[-1]
    assert (mention.text, mention.end) == ("overpriced", len(text) - 1)
    assert mention.sentence == len(found.sentences) - 1 == 1000
