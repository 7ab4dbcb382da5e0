"""Reading taxonomies: what is enough, and how each mistake is told."""

import pickle
import textwrap

import pytest

from cx_nlp.errors import TaxonomyError, UnknownName, UsageError
from cx_nlp.themes import load_taxonomies


@pytest.fixture
def write(tmp_path):
    def to(text: str, name: str = "shop.yaml"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return to


def test_id_and_name_are_enough(write):
    taxonomy = load_taxonomies([write("themes: [{id: fee, name: Hidden fees}, {id: app, name: App, parent: fee}]")])
    assert taxonomy.rows() == [
        {"theme_id": "shop/fee", "theme": "Hidden fees", "parent_theme_id": None, "kind": "taxonomy", "owner": None},
        {"theme_id": "shop/app", "theme": "App", "parent_theme_id": "shop/fee", "kind": "taxonomy", "owner": None},
    ]
    assert [theme.patterns for theme in taxonomy.themes] == [("Hidden fees",), ("App",)]
    assert taxonomy.version.startswith("shop-1+") and len(taxonomy.version) == len("shop-1+") + 12


def test_no_taxonomy_is_a_taxonomy():
    taxonomy = load_taxonomies([])
    assert taxonomy.themes == () and taxonomy.rows() == [] and taxonomy.version.startswith("none-0+")


def test_the_version_changes_with_what_decides_a_match_and_with_nothing_else(write):
    base = "taxonomy: t\nversion: 2024.1\nthemes:\n  - {id: a, name: A, patterns: [wait]}\n"
    version = load_taxonomies([write(base)]).version
    assert version.startswith("t-2024.1+")
    same = "# a comment\n" + base.replace("name: A", "owner: X, examples: [A long wait.], name: A")
    assert load_taxonomies([write(same)]).version == version
    others = [
        base.replace("[wait]", "[queue]"),
        base.replace("wait]", "wait], exclude: [wait staff]"),
        base.replace("wait]", "wait], seeds: [I stood there for ages]"),
        base.replace("themes:", "seed_threshold: 0.7\nthemes:"),
    ]
    for other in others:
        assert load_taxonomies([write(other)]).version != version


def test_several_taxonomies_are_joined(write):
    first = write("themes: [{id: a, name: A}]", "one.yaml")
    second = write("themes: [{id: a, name: A}]", "two.yaml")
    taxonomy = load_taxonomies([first, second])
    assert [theme.theme_id for theme in taxonomy.themes] == ["one/a", "two/a"]
    assert [part.split("+")[0] for part in taxonomy.version.split(",")] == ["one-1", "two-1"]
    with pytest.raises(TaxonomyError, match=r"two.yaml:1: taxonomy 'two' is already given by .*two.yaml"):
        load_taxonomies([second, second])


def test_a_taxonomy_can_be_hashed_and_pickled(write):
    taxonomy = load_taxonomies([write("themes: [{id: a, name: A, patterns: [[{LOWER: wait}]]}]")])
    assert pickle.loads(pickle.dumps(taxonomy)) == taxonomy
    assert len({taxonomy, pickle.loads(pickle.dumps(taxonomy))}) == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("themes:\n  - id: a\n    name: A\n    patern: [x]\n", 4, "unknown key 'patern', did you mean 'patterns'?"),
        (
            "themes:\n  - {id: a, name: A}\nowner: me\n",
            3,
            "unknown key 'owner', known: taxonomy, version, seed_threshold, themes",
        ),
        ("themes:\n  - id: a\n    name: A\n  - id: a\n    name: B\n", 4, "duplicate id 'a', first on line 2"),
        ("themes:\n  - id: a\n    name: A\n    parent: b\n", 4, "a: unknown parent 'b'"),
        (
            "themes:\n  - {id: stafff, name: S}\n  - id: a\n    name: A\n    parent: staff\n",
            5,
            "a: unknown parent 'staff', did you mean 'stafff'?",
        ),
        (
            "themes:\n  - {id: a, name: A, parent: b}\n  - {id: b, name: B, parent: a}\n",
            2,
            "themes form a cycle: a -> b -> a",
        ),
        ("themes:\n  - {id: a, name: A, parent: a}\n", 2, "themes form a cycle: a -> a"),
        (
            "themes:\n  - {id: a, name: A}\n  - {id: b, name: B, parent: a}\n  - {id: c, name: C, parent: b}\n",
            4,
            "more than two levels: c -> b -> a",
        ),
        (
            "themes:\n  - id: a\n    name: A\n    patterns:\n      - fine\n      - [{LOWER: {REGEX: (a+)+$}}]\n",
            6,
            "a: REGEX is refused",
        ),
        ("themes:\n  - id: a\n    name: A\n    patterns:\n      - '!!'\n", 5, "a: pattern '!!' holds no word"),
        ("themes:\n  - id: a\n    name: '!!'\n", 3, "a: pattern '!!' holds no word"),
        ("themes:\n  - id: a\n    name: A\n    patterns: wait\n", 4, "themes.0.patterns: Input should be a valid list"),
        ("themes:\n  - id: a\n    name: A\n    patterns: [on, 'off']\n", 4, "YAML reads True; put it in quotes"),
        ("themes:\n  - id: a/b\n    name: A\n", 2, "themes.0.id: String should match pattern"),
        ("taxonomy: new\nthemes: [{id: a, name: A}]\n", 1, "cannot be called 'new': ids of discovered themes"),
        ("seed_threshold: 1.5\nthemes: [{id: a, name: A}]\n", 1, "seed_threshold: Input should be less than or equal"),
        ("themes:\n  - id: a\n    name: A\n    seeds: [fine, '??']\n", 4, "a: pattern '??' holds no word"),
        ("themes:\n  - name: A\n", 2, "themes.0: 'id' is missing"),
        ("themes: []\n", 1, "themes: List should have at least 1 item"),
        ("themes:\n  - id: a\n    id: b\n    name: A\n", 3, "key 'id' is given twice"),
        ("themes:\n  - id: a\n   name: A\n", 3, "not readable as YAML"),
        ("themes: &x\n  - *x\n", 1, "aliases"),
        ("", None, "file: Input should be a valid dictionary"),
        ("- a\n", 1, "file: Input should be a valid dictionary"),
        (
            "themes:\n  - id: a\n    name: Wait\n    examples:\n      - It was quick.\n",
            5,
            "example 'It was quick.' must give 'shop/a', got no theme",
        ),
        (
            "themes:\n  - id: a\n    name: Wait\n    examples:\n      - A wait.\n      - not: A long wait.\n",
            6,
            "example 'A long wait.' must not give 'shop/a', got shop/a",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_with_file_line_and_reason(write, text, line, reason):
    path = write(text)
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomies([path])
    told = str(caught.value)
    assert told.startswith(f"{path}:{line}: " if line else f"{path}: "), told
    assert reason in told and "\n" not in told
    assert str(pickle.loads(pickle.dumps(caught.value))) == told
    assert isinstance(caught.value, UsageError)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TaxonomyError, match="no such taxonomy file"):
        load_taxonomies([str(tmp_path / "none.yaml")])
    with pytest.raises(TaxonomyError, match="is a directory"):
        load_taxonomies([f"{tmp_path}/"])
    (tmp_path / "latin.yaml").write_bytes(b"themes: [{id: a, name: caf\xe9}]")
    with pytest.raises(TaxonomyError, match="cannot be read"):
        load_taxonomies([str(tmp_path / "latin.yaml")])


def test_an_unknown_shipped_name_names_the_nearest():
    with pytest.raises(UnknownName, match="unknown taxonomy 'genral', did you mean 'general'"):
        load_taxonomies(["genral"])


def test_examples_count_a_child_for_its_parent(write):
    text = """\
        themes:
          - id: staff
            name: Staff
            examples: [The nurse was rude.]
          - {id: manner, name: Manner, parent: staff, patterns: [rude]}
        """
    assert [theme.theme_id for theme in load_taxonomies([write(text)]).themes] == ["shop/staff", "shop/manner"]
    with pytest.raises(TaxonomyError, match="must give 'shop/staff', got shop/manner"):
        load_taxonomies([write(text.replace("parent: staff, ", ""))])


def test_all_failing_examples_are_found_and_the_first_stops_a_run(write):
    from cx_nlp.themes.check import failures
    from cx_nlp.themes.reading import read_taxonomy, resolve

    path = write(
        "themes:\n  - id: a\n    name: Wait\n    examples:\n      - A queue.\n      - Waiting.\n      - not: Wait!\n"
    )
    told = [str(error) for error in failures(read_taxonomy(resolve(path)))]
    assert [one.split(": example")[0] for one in told] == [f"{path}:5", f"{path}:7"]
    with pytest.raises(TaxonomyError, match=r":5: example 'A queue.' .*\(and 1 more, see: cx-nlp themes check\)"):
        load_taxonomies([path])
