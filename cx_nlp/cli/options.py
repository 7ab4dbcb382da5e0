"""Options that several commands share."""

import click

from cx_nlp.score.engines import AUTO, NAMES

engine_option = click.option(
    "--engine",
    default=AUTO,
    show_default=True,
    help=f"What runs the encoder: {', '.join(NAMES)}; auto takes bfloat16 where the processor has it.",
)
