"""What is done to a network when its training has ended."""

import pytest
import torch

from cx_nlp.errors import UsageError
from models.recipes.average import average
from models.recipes.card import _round


def test_networks_are_averaged_by_their_weights():
    one, two = ({"w": torch.full((2, 3), value), "n": torch.tensor([7])} for value in (1.0, 3.0))
    mean = average([one, two], [0.25, 0.75])
    assert mean["w"].tolist() == [[2.5] * 3] * 2 and mean["w"].dtype == one["w"].dtype and mean["n"].tolist() == [7]


@pytest.mark.parametrize(("other", "weights"), [((2, 3), [0.5, 0.6]), ((2, 3), [1.0]), ((3, 2), [0.5, 0.5])])
def test_weights_that_make_no_mean_and_other_networks_are_refused(other, weights):
    with pytest.raises(UsageError):
        average([{"w": torch.zeros(other)}, {"w": torch.zeros(2, 3)}], weights)


def test_the_card_says_which_rounds_were_averaged():
    config = {"config": {"epochs": 2}}
    rounds = [
        config | {"seed": 1},
        config | {"seed": 5, "average_of": [{"seed": 1, "weight": 0.25}, {"seed": 5, "weight": 0.75}]},
    ]
    assert _round(1, rounds[0], rounds) == "Round 1: 2 epochs, seed 1."
    assert _round(2, rounds[1], rounds).endswith("averaged with earlier ones: 25% of round 1, 75% of round 2.")
