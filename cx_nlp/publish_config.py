"""Where a copy of each committed state goes, for readers who cannot see the lake's disk.

publish: s3://bucket/prefix           or           publish: {url: s3://bucket/prefix, options: {endpoint_url: ${S3}}}
"""

from typing import Any

from pydantic import Field, field_validator

from cx_nlp.errors import UsageError
from cx_nlp.sources import credentials
from cx_nlp.strict import Strict


class PublishConfig(Strict):
    url: str = Field(description="a folder for fsspec (s3://, gs://, file://); ${NAME} is taken from the environment")
    options: dict[str, Any] = Field(default_factory=dict, description="storage options of fsspec")

    # Not ValueErrors: pydantic would quote the value it was given.
    @field_validator("url")
    @classmethod
    def _no_secret(cls, url: str) -> str:
        credentials.refuse_literal(url)
        if "://" not in url and "${" not in url:
            raise UsageError("publish: expected a URL such as s3://bucket/prefix or file:///srv/copy")
        return url

    @field_validator("options")
    @classmethod
    def _no_secret_in_options(cls, options: dict[str, Any]) -> dict[str, Any]:
        credentials.refuse_literal_options(options)
        return options


def short(value: Any) -> Any:
    """A bare URL is the whole setting."""
    return {"url": value} if isinstance(value, str) else value
