"""Fitted themes in a night: rows of whole comments, the dimension, the version, and the command line."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from cx_nlp import night
from cx_nlp.cli import main
from cx_nlp.config import load_config
from cx_nlp.errors import ModelError, UsageError
from cx_nlp.score.judge import fitted_labels, fitted_predictor
from cx_nlp.themes import fit
from cx_nlp.themes.fitted import load_fitted
from cx_nlp.themes.taxonomy import load_taxonomies
from tests import nights, tiny_model
from tests.themes.test_fit import SAID, rows, write


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return write(tmp_path_factory.mktemp("labels") / "labels.csv", rows())


@pytest.fixture(scope="module")
def folder(tiny, labels):
    fit.fit_file(labels, name="shop", output=labels.parent / "shop", model=str(tiny), threads=1, owners={"staff": "HR"})
    return labels.parent / "shop"


def config(tmp_path, tiny, folder):
    """A night whose comments name what the fit knows; the folder lies beside the config."""
    shutil.copytree(folder, tmp_path / "themes" / "shop")
    (tmp_path / "in").mkdir()
    said = ["", SAID[1], SAID[2], SAID[3]]
    table = [[f"{i}", f"r{i}", "2026-03-01 10:00", "", f"c{i}", text, "9", "buy"] for i, text in enumerate(said)]
    nights.write_csv(tmp_path / "in" / "a.csv", table)
    path = nights.write_config(tmp_path, tiny)
    held = yaml.safe_load(path.read_text()) | {"fitted": ["themes/shop"], "taxonomies": [], "measures": {"min_n": 1}}
    path.write_text(yaml.safe_dump(held))
    return path


def test_a_night_writes_themes_of_whole_comments(tmp_path, tiny, folder):
    path = config(tmp_path, tiny, folder)
    nights.run(path)
    found = nights.query(
        tmp_path / "lake",
        """SELECT feedback_id, theme_id, mention_id, mention, start, "end", sentence, is_negated, m.sentiment_label = f.sentiment_label,
                  theme_score BETWEEN 0 AND 1
           FROM theme_mentions AS m JOIN feedback AS f USING (source, feedback_id) WHERE method = 'fit' ORDER BY ALL""",
    )
    whole = (-1, None, None, None, None, False, True, True)
    assert found == [
        ("1", "fit/shop/staff", *whole),
        ("2", "fit/shop/Transport-parking", *whole),
        ("2", "fit/shop/staff", *whole),
    ]
    version = load_fitted(folder).version
    assert nights.query(
        tmp_path / "lake", f"SELECT count(*) FROM theme_mentions WHERE NOT contains(themes_version, '{version}')"
    ) == [(0,)]
    assert nights.query(
        tmp_path / "lake", "SELECT theme, kind, owner, status FROM themes WHERE theme_id = 'fit/shop/staff'"
    ) == [("staff", "fitted", "HR", "active")]
    counted = "SELECT value FROM measures WHERE period = 'all' AND theme_id = 'fit/shop/staff' AND measure = 'comments' AND touchpoint = '(all)'"
    assert nights.query(tmp_path / "lake", counted) == [(2.0,)]


def test_a_rerun_gives_the_same_bytes_and_another_fit_another_version(tmp_path, tiny, folder):
    path = config(tmp_path, tiny, folder)
    nights.run(path)
    before = nights.content(tmp_path / "lake")
    nights.run(path, reread=True)
    assert nights.content(tmp_path / "lake") == before
    held = json.loads((folder / "fitted.json").read_text())
    held["thresholds"]["staff"] += 0.01
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "fitted.json").write_text(json.dumps(held))
    assert load_taxonomies([], [str(other)]).version != load_taxonomies([], [str(folder)]).version
    held["owners"] = {"staff": "Somebody else"}
    held["thresholds"]["staff"] -= 0.01
    (other / "fitted.json").write_text(json.dumps(held))
    assert load_fitted(other).version == load_fitted(folder).version, "an owner changes no theme"


def test_an_empty_night_and_one_of_three_rows(tmp_path, tiny, folder):
    path = config(tmp_path, tiny, folder)
    (tmp_path / "in" / "a.csv").write_text(",".join(nights.HEADER) + "\n")
    nights.run(path)
    table = [[f"{i}", f"r{i}", "2026-03-01 10:00", "", f"c{i}", "!!!", "9", "buy"] for i in range(3)]
    nights.write_csv(tmp_path / "in" / "b.csv", table)
    assert nights.run(path)["survey"]["new"] == 3
    assert nights.query(tmp_path / "lake", "SELECT count(*) FROM feedback") == [(3,)]


def test_a_fit_on_another_model_stops_the_night_before_it_begins(tmp_path, tiny, folder):
    path = config(tmp_path, tiny, folder)
    other = shutil.copytree(tiny, tmp_path / "other")
    tiny_model.write_settings(other, name="another")
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"model": str(other)}))
    with pytest.raises(ModelError, match="fit again"):
        night.check(load_config(path))
    assert not (tmp_path / "lake").exists()


def test_two_fits_of_one_name_are_refused(folder):
    with pytest.raises(UsageError, match="a fit named 'shop' is already given by"):
        load_taxonomies([], [str(folder), str(folder)])


def test_labels_of_a_file_are_read_as_the_fit_writes_them(folder):
    one = load_fitted(folder)
    cells = ["STAFF | transport &  parking", "fit/shop/staff|seldom", ""]
    ids, _, passed = fitted_labels(cells, ["a", "b", "c"], one)
    assert ids == [["fit/shop/Transport-parking", "fit/shop/staff"], ["fit/shop/staff"], []] and passed == 1
    with pytest.raises(UsageError, match=r"row 7: unknown label 'stuff', did you mean 'staff'"):
        fitted_labels(["stuff"], ["row 7"], one)


def test_a_text_gets_the_same_themes_whatever_stands_beside_it(tiny, folder):
    predict = fitted_predictor(load_fitted(folder), model=str(tiny))
    texts = [text for text, _ in rows()]
    together, order = predict(texts), np.random.default_rng(0).permutation(len(texts))
    assert [predict([texts[i]])[0] for i in order[:10]] == [together[i] for i in order[:10]]
    assert predict(["", "  "]) == [[], []]


def test_the_command_line(tiny, labels, tmp_path, capsys):
    fitting = ["themes", "fit", "--labels", str(labels), "--name", "mine", "--output", str(tmp_path / "mine")]
    with pytest.raises(SystemExit) as done:
        main([*fitting, "--model", str(tiny), "--owner", "staff=HR = People"])
    assert done.value.code == 0
    assert "micro-F1" in capsys.readouterr().out
    assert load_fitted(tmp_path / "mine").owners == (None, "HR = People")
    with pytest.raises(SystemExit) as done:
        main(["evaluate", "themes", str(labels), "--fitted", str(tmp_path / "mine"), "--model", str(tiny), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert done.value.code == 0 and report["task"] == "themes" and report["n"] == 60 and report["micro_f1"] > 0.9
    assert report["notes"]["left out"].startswith("1 labels")
    with pytest.raises(SystemExit) as done:
        main([*fitting, "--model", str(tiny), "--owner", "staff"])
    assert done.value.code == 2 and "expected LABEL=OWNER" in capsys.readouterr().err


def test_applying_a_fit_loads_no_scikit_learn(folder):
    code = f"import sys; from cx_nlp.themes.fitted import load_fitted; load_fitted({str(folder)!r}); print('sklearn' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
