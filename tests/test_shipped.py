import pytest

from cx_nlp.errors import UsageError
from cx_nlp.shipped import shipped


def test_a_shipped_file_is_found_beside_the_package_or_inside_it():
    path = shipped("configs/taxonomies/general.yaml")
    assert path.is_file() and path.is_absolute()
    assert shipped("configs/taxonomies") == path.parent


def test_what_is_not_shipped_names_the_places_looked_in():
    with pytest.raises(UsageError, match=r"configs/none\.yaml is not shipped; looked for .*_shipped.* and "):
        shipped("configs/none.yaml")
