"""What every part of a configuration is: values that do not change, no key that nobody reads, and no secret."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from cx_nlp.sources import credentials


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# What they raise are no ValueErrors: pydantic would quote the value that it was given.
def _url(url: str) -> str:
    credentials.refuse_literal(url)
    return url


def _options(options: dict[str, Any]) -> dict[str, Any]:
    credentials.refuse_literal_options(options)
    return options


Url = Annotated[str, AfterValidator(_url)]
StorageOptions = Annotated[dict[str, Any], AfterValidator(_options)]
