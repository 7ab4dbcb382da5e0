"""Credentials that Prefect keeps: `${block:secret/NAME}` in a config is filled in from the block of that name."""

from typing import Any


def look_up(name: str) -> str:
    """ "TYPE/NAME" or "TYPE/NAME.FIELD" -> the value of a block, for `cx_nlp.sources.credentials.looking_up`.

    Without a field the block must hold one value (a Secret does). Raises KeyError for a block or field that is not there.
    """
    from prefect.blocks.core import Block

    place, _, field = name.partition(".")
    try:
        block: Any = Block.load(place, _sync=True)
    except ValueError:
        raise KeyError(name) from None
    value = getattr(block, field, None) if field else getattr(block, "get", lambda: None)()
    value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    if not isinstance(value, str | int):
        raise KeyError(name)
    return str(value)
