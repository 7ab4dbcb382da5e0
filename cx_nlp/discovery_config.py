"""The part of a configuration that says when something new is a theme."""

from pydantic import Field

from cx_nlp.strict import Strict


class DiscoveryConfig(Strict):
    enabled: bool = Field(True, description="look for themes that no taxonomy names")
    min_mentions: int = Field(15, ge=5, description="mentions that a new theme needs, of those that are clustered")
    min_customers: int = Field(8, ge=2, description="customers (else responses) who must have said it")
    sample: int = Field(
        4_000, ge=100, le=8_000, description="mentions clustered at a time; the work grows as its square"
    )
    max_themes: int = Field(
        300, ge=1, le=2_000, description="active discovered themes; at that number no more are added"
    )
