"""A tiny training, once for all test modules that look at it."""

import pytest


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    from tests import tiny_training

    return tiny_training.build(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    from tests import tiny_training

    return tiny_training.write_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def trained(base, root, tmp_path_factory):
    from tests import tiny_training

    out = tmp_path_factory.mktemp("work") / "whole"
    return out, tiny_training.run(base, root, out)
