"""Which comments and themes the benchmark of fitted themes counts."""

import pandas as pd

from models.recipes.benchmark_themes_fitted import matrix, nhs_themes


def trust(rows: list[tuple[str | None, str, set[str]]]) -> pd.DataFrame:
    names = ["Not assigned", "Waiting", "Staff", "Labelling not possible"]
    return pd.DataFrame(
        [
            {"Respondent ID": who, "FFT answer": text, "Comment sentiment": 1.0, **{n: "1" if n in its else None for n in names}}
            for text, who, its in rows
        ]
    )  # fmt: skip


ROWS = [
    ("They were late", "A1", {"Waiting"}),
    ("they were LATE", "A2", {"Waiting", "Staff"}),  # the first of equal ones counts
    ("Late, and rude", "A2", {"Waiting", "Staff"}),
    (None, "A3", {"Staff"}),
    ("?", "A4", {"Labelling not possible"}),
    ("It was on a Tuesday", "A5", {"Not assigned"}),
]


def test_comments_are_unique_and_rare_themes_are_left_out():
    found = nhs_themes(trust(ROWS), min_rows=2)
    assert found["text"].tolist() == ["They were late", "Late, and rude"]
    assert found["labels"].tolist() == [["Waiting"], ["Waiting"]], "Staff has one row left"
    assert found["respondent"].tolist() == ["A1", "A2"]
    assert nhs_themes(trust(ROWS), min_rows=1)["labels"].tolist() == [["Waiting"], ["Waiting", "Staff"]]


def test_comments_without_a_theme_can_stay():
    found = nhs_themes(trust(ROWS), unassigned=True, min_rows=1)
    assert found["labels"].tolist()[-1] == [] and found["text"].tolist()[-1] == "It was on a Tuesday"
    assert matrix(found["labels"], ["Staff", "Waiting"]).tolist() == [[False, True], [True, True], [False, False]]
