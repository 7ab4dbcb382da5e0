"""The chain against a sum over all its paths."""

from itertools import pairwise, product

import pytest

torch = pytest.importorskip("torch")

from models.recipes.crf import best_paths, negative_log_likelihood  # noqa: E402


def drawn():
    generator = torch.Generator().manual_seed(3)
    scores, steps = torch.randn(2, 4, 3, generator=generator), torch.randn(3, 3, generator=generator)
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])
    return scores, mask, steps


def path_score(scores, steps, path):
    return sum(scores[t, tag] for t, tag in enumerate(path)) + sum(steps[one, two] for one, two in pairwise(path))


def test_the_best_path_is_the_best_of_all_paths():
    scores, mask, steps = drawn()
    for row, length in enumerate((4, 2)):
        every = product(range(3), repeat=length)
        best = max(every, key=lambda path: path_score(scores[row], steps, path))
        assert best_paths(scores, mask, steps)[row] == list(best)


def test_the_loss_is_that_of_the_right_path_among_all():
    scores, mask, steps = drawn()
    tags = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 0]])
    expected = []
    for row, length in enumerate((4, 2)):
        every = torch.stack([path_score(scores[row], steps, path) for path in product(range(3), repeat=length)])
        right = path_score(scores[row], steps, tags[row, :length].tolist())
        expected.append(torch.logsumexp(every, 0) - right)
    assert float(negative_log_likelihood(scores, mask, tags, steps)) == pytest.approx(
        float(torch.stack(expected).mean())
    )
