"""Terms as tags and back, and a tagger that learns what can be learned."""

import numpy as np
import pytest

pytest.importorskip("torch")

from models.recipes import aspect_terms
from models.recipes.aspect_terms import Sentences, spans_of, tags_of

PLACES = [(0, 3), (4, 8), (8, 9), (10, 14)]


@pytest.mark.parametrize(
    ("terms", "tags", "back"),
    [
        ({(0, 3)}, [1, 0, 0, 0], None),
        ({(0, 8)}, [1, 2, 0, 0], None),
        ({(0, 3), (4, 8)}, [1, 1, 0, 0], None),
        ({(0, 8), (4, 8)}, [1, 2, 0, 0], {(0, 8)}),  # of nested terms the longest
        ({(1, 3)}, [0, 0, 0, 0], set()),  # no token starts there
        (set(), [0, 0, 0, 0], None),
    ],
)
def test_terms_become_tags_and_come_back(terms, tags, back):
    assert tags_of(PLACES, terms).tolist() == tags
    assert spans_of(PLACES, tags) == (terms if back is None else back)


def test_an_inside_after_an_outside_begins_a_term():
    assert spans_of(PLACES, [0, 2, 2, 0]) == {(4, 9)}


def test_f1_counts_equal_spans():
    assert aspect_terms.f1([{(0, 3), (4, 8)}, set()], [{(0, 3)}, {(1, 2)}]) == pytest.approx(0.5)
    assert aspect_terms.f1([set()], [set()]) == 0


def toy(n: int, seed: int) -> Sentences:
    """A term starts at a token whose first feature is 1 and takes in the next if its second is."""
    rng = np.random.default_rng(seed)
    features, terms = [], []
    for _ in range(n):
        x = rng.normal(size=(4, 5)).astype(np.float32)
        x[:, :2] = 0
        start = int(rng.integers(3))
        x[start, 0] = 1
        x[start + 1, 1] = longer = int(rng.integers(2))
        features.append(x)
        terms.append({(PLACES[start][0], PLACES[start + longer][1])})
    return Sentences([""] * n, terms, [PLACES] * n, features)


def test_a_tagger_learns_and_gives_the_same_from_its_file(tmp_path):
    from safetensors.torch import save_file

    tagger = aspect_terms.train(toy(300, 1), epochs=12, seed=0)
    found = aspect_terms.predict(tagger, held := toy(100, 2))
    assert aspect_terms.f1(found, held.terms) > 0.9
    save_file(tagger.state_dict(), tmp_path / "tagger.safetensors")
    assert aspect_terms.predict(aspect_terms.load_tagger(tmp_path / "tagger.safetensors"), held) == found
