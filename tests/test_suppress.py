import pandas as pd

from cx_nlp.schema import STAGED
from cx_nlp.suppress import suppress
from tests.store.nights import frame, reject, row


def test_their_rows_become_tombstones_without_a_word_and_others_stay():
    staged = frame([row("1", "secret", customer_key="k1", nps=3), row("2", "mine", customer_key="k2"), row("3")])
    rejects = pd.DataFrame([reject("x") | {"customer_key": "k1", "feedback_id": "9"}, reject("y")])
    before = staged.copy(), rejects.copy()
    found, left = suppress(staged, rejects, frozenset({"k1"}))
    pd.testing.assert_frame_equal(staged, before[0])
    pd.testing.assert_frame_equal(rejects, before[1])
    assert list(found.columns) == STAGED.names and len(found) + len(left) == 5
    gone = found[found["is_deleted"].fillna(False).astype(bool)]
    assert sorted(gone["feedback_id"]) == ["1", "9"]
    for column in ("text", "customer_key", "updated_at", "nps", "attributes"):
        assert gone[column].isna().all(), column
    assert list(gone["feedback_date"].dropna()) == [staged["feedback_date"][0]]
    assert "secret" not in gone.to_string() and list(left["row_hash"]) == [rejects["row_hash"][1]]
    assert sorted(found[~found.index.isin(gone.index)]["feedback_id"]) == ["2", "3"]


def test_nobody_to_forget_gives_the_frames_back():
    staged, rejects = frame([row("1")]), pd.DataFrame([reject("x")])
    found, left = suppress(staged, rejects, frozenset({"k"}))
    assert found is staged and left is rejects
