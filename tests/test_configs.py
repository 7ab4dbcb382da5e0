"""Every file under configs/ is loaded by the code that reads it."""

import datetime as dt
from pathlib import Path

import pytest

from cx_nlp.config import Config, load_config
from cx_nlp.errors import UnknownName, UsageError
from models.recipes.recipe import load_mending, load_recipe

CONFIGS = Path(__file__).parents[1] / "configs"
# What measures a model, with its own readers: tests/models tests what they hold.
MEASURES = {"behaviour.yaml": "behaviour", "fairness.yaml": "fairness", "intensity.yaml": "emotionality"}
RULES = "alerts.yaml"
_TOP = [path for path in CONFIGS.glob("*.yaml") if path.name not in {*MEASURES, RULES}]
NIGHTS = sorted([*_TOP, *CONFIGS.glob("exports/*.yaml")])


@pytest.mark.parametrize("path", NIGHTS, ids=lambda p: p.name)
def test_a_night_loads_and_says_how_to_run_it(path):
    config = load_config(path)
    assert isinstance(config, Config) and config.lake.is_absolute()
    name = path.relative_to(CONFIGS.parent).as_posix()
    assert path.read_text(encoding="utf-8").startswith(f"# cx-nlp run --config {name}\n")


def test_the_alert_rules_load():
    from cx_nlp.leader_config import read_rules

    assert len(read_rules(CONFIGS / RULES)) >= 5
    assert len(load_config(CONFIGS / "sample.yaml").alerts.all_rules()) >= 5


def test_ready_configs_hold_together_once_the_environment_is_set(monkeypatch):
    from cx_nlp.prepare import check_source
    from cx_nlp.sources import credentials, resolve

    for name in ("DESK_USER", "DESK_PASSWORD", "REVIEWS_BUCKET"):
        monkeypatch.setenv(name, "x")
    ready = [load_config(path) for path in CONFIGS.glob("exports/*.yaml")]
    assert len(ready) == 3
    for name, source in [item for config in ready for item in config.sources.items()]:
        check_source(name, source)
        credentials.check(source.url, source.options, where=name)
        assert callable(resolve(source.kind))


def test_the_sample_finds_its_files():
    from cx_nlp.night import find_files

    files = find_files(load_config(CONFIGS / "sample.yaml"))
    assert {name: len(paths) for name, paths in files.items()} == {"survey": 4, "reviews": 1, "voice": 1}


@pytest.mark.parametrize("path", sorted((CONFIGS / "taxonomies").glob("*.yaml")), ids=lambda p: p.name)
def test_a_taxonomy_loads_with_its_examples(path):
    from cx_nlp.themes.taxonomy import load_taxonomies

    taxonomy = load_taxonomies([path.stem])
    assert len(taxonomy.themes) >= 20 and all(theme.owner for theme in taxonomy.themes)


# The template sentences are material for a recipe: tests/models/test_lessons.py reads every template of theirs.
RECIPES = sorted(path for path in (CONFIGS / "train").glob("*.yaml") if path.name != "lessons.yaml")


@pytest.mark.parametrize(("name", "recipe"), MEASURES.items())
def test_a_measure_of_models_loads_and_says_how_to_run_it(name, recipe):
    from models.recipes.emotionality import load_pairs
    from models.recipes.fairness import load_texts
    from models.recipes.templates import load_tests

    load = {"behaviour": load_tests, "fairness": load_texts, "emotionality": load_pairs}[recipe]
    assert load(CONFIGS / name)
    command, _, _ = (CONFIGS / name).read_text(encoding="utf-8").partition("\n")
    assert command.removesuffix(" --data-root DATA") == f"# python -m models.recipes.{recipe} --model models/minilm-cx"


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.name)
def test_a_recipe_opens_with_its_command(path):
    mends = "mend" in path.stem.split("-")
    command = f"# python -m models.recipes.{'mend' if mends else 'train'} --config configs/train/{path.name}"
    assert path.read_text().startswith(command)
    assert load_mending(path).taught > 0 if mends else load_recipe(path)["draw"]["emotion"] > 0


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


LITERAL = "postgresql://reader:s3cr3t@db/x"
SOURCE = "sources:\n  s:\n    kind: csv\n    path: a.csv\n    columns: {text: c, submitted_at: d}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lake: l\n" + SOURCE.replace("columns", "colums"), "sources.s.colums: unknown key 'colums', did you mean 'columns'?"),
        ("lake: l\nengine: openvino-bf61\n" + SOURCE, "unknown engine 'openvino-bf61', did you mean 'openvino-bf16'?"),
        ("laek: l\n" + SOURCE, "unknown key 'laek', did you mean 'lake'?"),
        ("lake: l\n" + SOURCE.replace("text: c", "txt: c"), "unknown column target 'txt', did you mean 'text'?"),
        ("lake: l\n" + SOURCE + "    timezone: Europe/Londn\n", "unknown timezone 'Europe/Londn', did you mean 'Europe/London'?"),
        ("lake: l\n" + SOURCE + "    fixed: {chanel: web}\n", "unknown fixed target 'chanel', did you mean 'channel'?"),
        ("lake: l\n" + SOURCE.replace(", submitted_at: d", ""), "no date"),
        ("lake: l\n" + SOURCE + "    scales: {rating: {low: 5, high: 1}}\n", "low 5.0 must be below high 1.0"),
        ("lake: l\n" + SOURCE + "measures: {min: 5}\n", "measures.min: unknown key 'min', did you mean 'min_n'?"),
        ("lake: l\n" + SOURCE + "measures: {known_shares: {segmnt: {a: 1}}}\n", "did you mean 'segment'?"),
        ("lake: l\n" + SOURCE + "measures: {known_shares: {segment: {a: 0.4}}}\n", "must be above 0 and add up to 1, got 0.4"),
        ("lake: l\n" + SOURCE + "    scales: {rating: {low: 1}}\n", "a scale needs low and high, or values"),
        ("lake: l\n" + SOURCE + "    scales: {rating: {values: {yes: 1, no: 0}}}\n", "put yes, no, on and off into quotes"),
        ("lake: l\n" + SOURCE + "    overlap: 2\n", "expected a time such as 2d, 12h or 30m, got 2"),
        ("lake: l\n" + SOURCE + "    tombstone: {colum: x}\n", "unknown key 'colum', did you mean 'column'?"),
        ("lake: l\n" + SOURCE + "    snapshot: true\n", "sources.s: tombstone and snapshot need columns.feedback_id"),
        ("lake: l\n" + SOURCE + "    url: s3://b/a.csv\n", "sources.s: kind csv needs one of path and url, got path and url"),
        ("lake: l\n" + SOURCE + "    sheet: x\n", "sources.s: sheet is for kind excel, not csv"),
        ("lake: l\n" + SOURCE.replace("csv", "sql"), "sources.s: kind sql needs url and query, got path"),
        ("lake: l\n" + SOURCE + f"    url: {LITERAL}\n", "sources.s: url holds a password in plain text"),
        ("lake: l\n" + SOURCE + f"    max_rejected: 2\n    url: [{LITERAL}]\n", "sources.s.url"),
        (f"lake: l\nurl: {LITERAL}\n" + SOURCE, "unknown key 'url'"),
        (f"lake: l\nurl: '{LITERAL}\n", "not readable as YAML: line"),
        (f"lake: l\nsources:\n  s: {{kind: sql, url: '{LITERAL}'}}\n", "plain text"),
        ("lake: l\nsources: {}\n", "sources"),
        ("- a\n", "expected a mapping with the keys lake"),
        ("lake: [\n", "not readable as YAML"),
        ("lake: 3\n" + SOURCE, "lake"),
    ],
)  # fmt: skip
def test_a_wrong_config_is_one_line_that_names_the_key(tmp_path, text, says):
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, text))
    assert says in str(caught.value) and "c.yaml" in str(caught.value)
    assert "\n" not in str(caught.value) and "s3cr3t" not in str(caught.value)


def test_a_missing_file_and_a_directory_are_said(tmp_path):
    with pytest.raises(UsageError, match="config not found"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="is a directory"):
        load_config(tmp_path)


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "deep").mkdir()
    config = load_config(write(tmp_path / "deep", "lake: ../l\n" + SOURCE + "taxonomies: [general, own/mine.yaml]\n"))
    assert config.lake.resolve() == tmp_path / "l"
    assert config.sources["s"].path == str(tmp_path / "deep" / "a.csv")
    assert config.taxonomies == ["general", str(tmp_path / "deep" / "own/mine.yaml")]


def test_a_query_and_its_settings(tmp_path):
    text = """lake: l
sources:
  s:
    kind: sql
    url: sqlite:///deep/f.db
    query: SELECT * FROM f WHERE d >= :since
    overlap: 12h
    columns: {text: c, submitted_at: d, feedback_id: id}
    tombstone: {column: gone, values: [yes, 1]}
"""
    source = load_config(write(tmp_path, text)).sources["s"]
    assert source.url == f"sqlite:///{tmp_path}/deep/f.db" and source.overlap == dt.timedelta(hours=12)
    assert source.tombstone.values == ["true", "yes", "1"] and source.path is None
    with pytest.raises(UsageError, match=r"sources.s: snapshot: true reads everything; leave :since and :until out"):
        load_config(write(tmp_path, text + "    snapshot: true\n"))
    with pytest.raises(UsageError, match=r"sources.s: query names :sinse"):
        load_config(write(tmp_path, text.replace(":since", ":sinse")))


def test_the_hash_changes_with_a_setting(tmp_path):
    one = load_config(write(tmp_path, "lake: l\n" + SOURCE))
    two = load_config(write(tmp_path, "lake: l\nsentences: true\n" + SOURCE))
    assert one.hash != two.hash and len(one.hash) == 16


def test_unknown_names_survive_pickling():
    import pickle

    error = pickle.loads(pickle.dumps(UnknownName("key", "laek", ["lake"], "c.yaml")))
    assert str(error) == "c.yaml: unknown key 'laek', did you mean 'lake'? known: lake"
