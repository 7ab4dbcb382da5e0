"""`cx-nlp themes` and `cx-nlp evaluate themes` as a user meets them."""

import io
import json

import pytest

FILE = """\
taxonomy: shop
themes:
  - id: wait
    name: Waiting
    patterns: [wait, slow]
    exclude: [slow food]
    examples: [A long wait., {not: I love slow food.}]
  - {id: queue, name: Queue, parent: wait, patterns: [queue]}
  - {id: price, name: Price, patterns: [price], seeds: [awful]}
"""


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_check_says_that_all_is_well(cx, shop):
    code, out, err = cx("themes", "check", shop)
    assert (code, err) == (0, "") and out.startswith("shop-1+") and "3 themes, 2 examples (1 of them" in out


def test_check_names_every_failing_example_with_its_line(cx, shop):
    shop.write_text(FILE.replace("A long wait.", "A long time.").replace("exclude: [slow food]", "owner: Shop"))
    code, out, err = cx("themes", "check", shop)
    lines = err.splitlines()
    assert code == 1 and "2 fail" in out and len(lines) == 2
    assert lines[0].startswith(f"{shop}:7: example 'A long time.' must give 'shop/wait', got no theme")
    assert lines[1].startswith(f"{shop}:7: example 'I love slow food.' must not give")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("patterns: [queue]", "patterns: [[{LOWER: {REGEX: (a+)+}}]]"), ":8: queue: REGEX is refused"),
        (("parent: wait", "parent: queue"), ":8: themes form a cycle: queue -> queue"),
        (("id: price", "id: wait"), ":9: duplicate id 'wait', first on line 3"),
        (("seeds:", "seed:"), ":9: unknown key 'seed', did you mean 'seeds'?"),
        (("parent: wait, patterns: [queue]", "parent: price}\n  - {id: x, name: X, parent: queue"), "more than two levels"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_before_anything_runs(cx, shop, change, says):
    shop.write_text(FILE.replace(*change))
    for arguments in (("themes", "check", shop), ("themes", "trace", shop, "--text", "x")):
        code, out, err = cx(*arguments)
        assert (code, out) == (2, "") and f"{shop}" in err and says in err and err.count("\n") == 1


def test_trace_as_a_table_and_as_json(cx, shop, tiny, monkeypatch):
    code, out, _ = cx("themes", "trace", shop, "--text", "The slow food queue was terrible.", "--model", tiny)
    assert code == 0 and "+ shop/queue  pattern 'queue'" in out
    assert "- shop/wait  pattern 'slow': excluded by 'slow food'" in out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"The terrible was there. Mail a@b.example"), "utf-8"))
    code, out, _ = cx("themes", "trace", shop, "--model", tiny, "--json")
    report = json.loads(out)
    assert code == 0 and report["text"] == "The terrible was there. Mail [EMAIL]"
    seeded = [c for c in report["candidates"] if c["method"] == "seed" and c["outcome"] == "chosen"]
    assert [(c["mention"], c["theme_id"], c["by"]) for c in seeded] == [("terrible", "shop/price", "awful")]


def test_evaluate_themes_gives_figures_and_names_an_unknown_id(cx, shop, tiny, tmp_path):
    data = tmp_path / "comments.csv"
    data.write_text('text,labels\n"The queue was slow",wait\n"Good price",price|queue\n"Hello",\n', encoding="utf-8")
    args = ("evaluate", "themes", data, "--taxonomy", shop, "--model", tiny, "--json")
    code, out, _ = cx(*args)
    report = json.loads(out)
    assert code == 0 and report["task"] == "themes" and report["n"] == 3
    assert report["labels"] == ["wait", "queue", "price"] and report["model"].startswith("shop-1+")
    # Predicted: {wait, queue}, {price}, {}; truth, rolled up: {wait}, {wait, queue, price}, {}.
    assert (report["precision"], report["recall"]) == (pytest.approx(2 / 3), 0.5)
    assert report["per_label"]["price"]["f1"] == 1.0 and set(report["ci"]) >= {"micro_f1", "macro_f1"}
    assert cx(*args)[1] == out, "the same file gives the same intervals"
    data.write_text("text,labels\nx,prise\n", encoding="utf-8")
    code, _, err = cx(*args)
    assert code == 2 and "unknown theme 'prise'" in err and err.count("\n") == 1
    data.write_text("text,labels\n", encoding="utf-8")
    code, _, err = cx(*args)
    assert code == 1 and "no rows" in err and err.count("\n") == 1
