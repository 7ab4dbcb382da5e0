"""The pieces of learning: folds that split no group, n-grams, and two models joined."""

import numpy as np

from cx_nlp.themes import learning
from cx_nlp.themes.fitted import character_grams, weighted_grams, word_grams


def test_folds_split_no_group_and_spread_rare_labels():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 120, 300)
    truth = rng.random((300, 3)) < [0.5, 0.1, 0.03]
    seen = []
    for train, test in learning.folds(groups, truth, 5, rng=rng):
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(300))
        assert truth[test].sum(axis=0)[2] >= truth.sum(axis=0)[2] // 5 - 1
        assert abs(len(test) - 60) <= 12
        seen += test.tolist()
    assert sorted(seen) == list(range(300))


def test_n_grams_end_with_the_sentence():
    assert word_grams("The Wait, forever. Don’t ask!") == [
        "the",
        "wait",
        "forever",
        "the wait",
        "wait forever",
        "don't",
        "ask",
        "don't ask",
    ]
    assert word_grams("12 !!! ?") == []


def test_runs_of_characters_stay_within_a_word():
    assert character_grams("So, 5!") == [" s", "so", "o ", " so", "so ", " so "]


def test_weights_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [f"{text} {'xyz'[i % 3]}" for i, text in enumerate(["a b a c", "a b", "a c c", "b b d"] * 2)]
    grams, idf = learning.vocabulary([word_grams(text) for text in texts])
    plain = TfidfVectorizer(analyzer=word_grams, sublinear_tf=True, vocabulary=grams).fit(texts)
    assert np.allclose(plain.idf_, idf)
    for text in texts:
        rows, weights = weighted_grams(word_grams(text), grams, idf)
        expected = plain.transform([text]).toarray()[0]
        assert np.allclose(expected[rows], weights) and np.isclose((expected**2).sum(), (weights**2).sum())


def test_either_model_can_carry_a_label():
    """Label 0 lies in the vectors alone, label 1 in a word alone."""
    rng = np.random.default_rng(1)
    n = 240
    documents = rng.normal(size=(n, 5)).astype(np.float32)
    truth = np.column_stack([documents[:, 0] + 0.1 * rng.normal(size=n) > 0.5, rng.random(n) < 0.3])
    texts = [f"we saw {'queues' if its[1] else 'nobody'} {'abcdefg'[i % 7]}" for i, its in enumerate(truth)]
    said = learning.out_of_fold(texts, documents, truth, np.arange(n), rng=rng)
    f1 = 2 * (said & truth).sum(axis=0) / (said.sum(axis=0) + truth.sum(axis=0))
    assert f1[0] > 0.75 and f1[1] > 0.95


def test_a_label_that_all_or_no_training_rows_have_is_a_constant():
    rng = np.random.default_rng(2)
    truth = np.column_stack([np.ones(30, bool), np.zeros(30, bool)])
    learned = learning.learn(["one two"] * 30, np.zeros((30, 2), np.float32), truth, np.arange(30), rng=rng)
    p = learned.probabilities(["other"], np.ones((1, 2), np.float32))
    assert p[0, 0] > 0.9 and p[0, 1] < 0.1
