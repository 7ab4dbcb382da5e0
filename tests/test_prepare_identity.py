import json

import pandas as pd

from cx_nlp.identity import Hasher, occurrence_id
from tests.pieces import HASHER, MAPPING, ROW, chunk, one, run, source


def test_rows_without_an_id_are_known_by_what_they_say():
    base = one(ROW | {"id": None})
    assert base["feedback_id"] == occurrence_id(HASHER, base["identity"], 0)
    assert not base["has_own_id"]
    assert one(ROW | {"id": "  ", "comment": "The  staff were\nlovely"})["feedback_id"] == base["feedback_id"]
    # A new score is a new version of the same feedback; another text, customer or date is other feedback.
    changed = one(ROW | {"id": None, "score": "3"})
    assert changed["feedback_id"] == base["feedback_id"] and changed["row_hash"] != base["row_hash"]
    for other in ({"comment": "x"}, {"customer": "C-2"}, {"date": "2026-03-05"}):
        assert one(ROW | {"id": None} | other)["feedback_id"] != base["feedback_id"]
    assert one(ROW | {"id": None}, name="other")["feedback_id"] != base["feedback_id"]


def test_row_hash_covers_mapped_fixed_and_attribute_values_as_read():
    base = one(ROW | {"store": "Leeds"})["row_hash"]
    for change in ({"comment": "the staff were lovely"}, {"score": "9.0"}, {"store": "York"}, {"customer": "C-1"}):
        assert one(ROW | {"store": "Leeds"} | change)["row_hash"] != base
    assert one(ROW | {"store": "Leeds"}, source(fixed={"channel": "web"}))["row_hash"] != base
    assert one(ROW | {"store": "Leeds", "new": None})["row_hash"] == base
    assert one({k: (ROW | {"store": "Leeds"})[k] for k in ("store", *reversed(ROW))})["row_hash"] == base
    assert one(ROW | {"store": "Leeds"}, hasher=Hasher(b"other"))["row_hash"] != base
    ignoring = source(attributes=False)
    assert one(ROW | {"store": "Leeds"}, ignoring)["row_hash"] == one(ROW | {"store": "York"}, ignoring)["row_hash"]


def test_ids_that_give_customers_away_are_hashed():
    columns = MAPPING | {"feedback_id": "customer", "response_id": "response"}
    found = one(ROW | {"response": "jane@example.com"}, source(columns))
    assert found["feedback_id"].startswith("h2-") and found["response_id"].startswith("h2-")
    assert found["has_own_id"]


def test_customers_without_an_id_have_no_key():
    assert pd.isna(one(ROW | {"customer": " "})["customer_key"])
    assert one(ROW, name="another")["customer_key"] == one(ROW)["customer_key"]


def test_every_stored_text_is_masked_and_no_customer_id_is_left():
    columns = MAPPING | {
        "question": "q",
        "channel": "ch",
        "touchpoint": "tp",
        "segment": "seg",
        "response_id": "response",
    }
    secret = "jane@example.com 07700 900123 C-1009"
    row = ROW | {
        "comment": f"I am {secret}", "q": f"Q {secret}", "ch": secret, "tp": "C-1009", "seg": secret,
        "response": "C-1009/1", "note jane@example.com": secret, "again": "c-1009", "customer 2": " C-1009 ",
    }  # fmt: skip
    staged, rejects = run(chunk(row, row | {"date": "never"}), source(columns))
    for frame in (staged, rejects):
        everything = frame.to_csv().casefold()
        for leak in ("jane", "example.com", "900123", "c-1009"):
            assert leak not in everything, (leak, everything)
    found = staged.iloc[0]
    assert found["text"] == "I am [EMAIL] [PHONE] [NAME]"
    assert pd.isna(found["touchpoint"])
    assert json.loads(found["attributes"]) == {"note [EMAIL]": "[EMAIL] [PHONE] [NAME]"}


def test_attributes_are_what_the_config_keeps():
    row = ROW | {"b": "2", "a": "1", "empty": "", "missing": None, "e1@x.co": "x", "e2@x.co": "y"}
    everything = json.loads(one(row)["attributes"])
    assert list(everything.items()) == [("[EMAIL]", "x"), ("[EMAIL] (2)", "y"), ("a", "1"), ("b", "2")]
    assert json.loads(one(row, source(attributes=["b"]))["attributes"]) == {"b": "2"}
    assert json.loads(one(row, source(attributes=["score", "customer"]))["attributes"]) == {"score": "9"}
    assert one(row, source(attributes=False))["attributes"] == "{}"
