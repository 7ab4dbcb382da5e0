"""Texts as they are stored: cleaned, masked, without the customer's id, and in which language they are."""

import json
from collections.abc import Callable, Container, Iterable, Mapping

from cx_nlp import identity
from cx_nlp.language import text_status
from cx_nlp.mapping import Values

Clean = Callable[[str], str]


def comments(raw: Values, customers: Values, *, no_comment: Iterable[str], clean: Clean) -> list[str]:
    """Comments as stored, cleaned and masked; "" where there is none or it is one of `no_comment`, in any case."""
    none = {"", *(clean(text).casefold() for text in no_comment)}
    cleaned = ["" if text is None else clean(text) for text in raw]
    return [
        "" if text.casefold() in none else identity.hide_customer(text, customer)
        for text, customer in zip(cleaned, customers, strict=True)
    ]


def find_languages(texts: list[str], *, default: str, supported: Container[str]) -> tuple[list[str], Values]:
    """score_status and language of each stored text, found once for equal texts."""
    known = {text: text_status(text, default=default, supported=supported) for text in dict.fromkeys(texts)}
    return [known[text][0].value for text in texts], [known[text][1] for text in texts]


def labels(raw: Values, *, customers: Values, clean: Clean) -> Values:
    """A column of short texts as stored: cleaned, masked; None for blank ones and for the customer's own id."""
    out: Values = []
    for text, customer in zip(raw, customers, strict=True):
        if text is None or (customer and identity.is_customer(text, customer)):
            out.append(None)
        else:
            out.append(identity.hide_customer(clean(text), customer) or None)
    return out


def attributes_json(columns: Mapping[str, Values], customers: Values, *, clean: Clean) -> list[str]:
    """One JSON object a row, keys sorted, of the attributes that are not missing; "{}" without any."""
    names: dict[str, str] = {}
    for column in sorted(columns):
        # Two columns may look alike once cleaned; neither may hide the other.
        name = shown = clean(column)
        for number in range(2, len(columns) + 2):
            if shown not in names.values():
                break
            shown = f"{name} ({number})"
        names[column] = shown
    cells = {names[c]: labels(v, customers=customers, clean=clean) for c, v in columns.items()}
    dump = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
    return [
        dump({name: column[at] for name, column in cells.items() if column[at] is not None})
        for at in range(len(customers))
    ]
