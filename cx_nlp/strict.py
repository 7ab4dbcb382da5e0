"""What every part of a configuration is: values that do not change, and no key that nobody reads."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
