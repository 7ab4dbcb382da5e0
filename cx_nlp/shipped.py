"""Files that travel with the package: configs, taxonomies, model weights.

In a wheel they lie under `cx_nlp/_shipped` (top-level names such as `models` would collide there); in a
checkout they lie beside the package.
"""

from pathlib import Path

from cx_nlp.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


def shipped(relative: str) -> Path:
    """The file or folder `relative` (such as "configs/taxonomies/general.yaml") as an existing path.

    Raises UsageError that lists the places looked in.
    """
    places = (_PACKAGE / "_shipped" / relative, _PACKAGE.parent / relative)
    for place in places:
        if place.exists():
            return place
    raise UsageError(f"{relative} is not shipped; looked for {' and '.join(map(str, places))}")
