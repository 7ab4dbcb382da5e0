"""Where a copy of each committed state goes, for readers who cannot see the lake's disk.

publish: s3://bucket/prefix           or           publish: {url: s3://bucket/prefix, options: {endpoint_url: ${S3}}}
"""

from typing import Any

from pydantic import Field, field_validator

from cx_nlp.errors import UsageError
from cx_nlp.strict import StorageOptions, Strict, Url


class PublishConfig(Strict):
    url: Url = Field(description="a folder for fsspec (s3://, gs://, file://); ${NAME} is taken from the environment")
    options: StorageOptions = Field(default_factory=dict, description="storage options of fsspec")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if "://" not in url and "${" not in url:
            raise UsageError("publish: expected a URL such as s3://bucket/prefix or file:///srv/copy")
        return url


def short(value: Any) -> Any:
    """A bare URL is the whole setting."""
    return {"url": value} if isinstance(value, str) else value
