import pytest

from cx_nlp.themes.inflection import bases_of, english, plain_singular


class Tables:
    """The few entries of spaCy's lookups that a test needs."""

    def __init__(self) -> None:
        self.tables = {
            "lemma_rules": {"noun": [["s", ""], ["ies", "y"]], "verb": [["ed", ""], ["ing", ""], ["ing", "e"]]},
            "lemma_exc": {"verb": {"took": ["take"]}, "noun": {}},
            "lemma_index": {"noun": ["refund", "delivery", "car"], "verb": ["refund", "take", "care"]},
        }

    def get_table(self, name: str):
        return self.tables[name]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("refunds", {"refunds", "refund"}),
        ("refunded", {"refunded", "refund"}),
        ("deliveries", {"deliveries", "delivery"}),
        ("took", {"took", "take"}),
        ("caring", {"caring", "care"}),  # not "car": that is no verb
        ("chatbots", {"chatbots", "chatbot"}),  # unknown, looks like a plural
        ("glass", {"glass"}),
        ("", {""}),
    ],
)
def test_bases(form, expected):
    assert bases_of(Tables())(form) == expected


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("waited", "wait"), ("cancelled", "cancel"), ("easier", "easy"), ("paid", "pay"), ("broken", "break"),
        ("queuing", "queue"), ("nurses", "nurse"), ("apps", "app"),
    ],
)  # fmt: skip
def test_the_shipped_tables_know_english(form, base):
    assert base in english()(form)


@pytest.mark.parametrize(
    ("form", "singular"),
    [("refunds", "refund"), ("deliveries", "delivery"), ("glass", "glass"), ("bus", "bus"), ("waiting", "waiting")],
)
def test_plain_singular(form, singular):
    assert plain_singular(form, english()) == singular
