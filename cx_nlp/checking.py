"""What can be known wrong of a config before a lake is touched."""

from cx_nlp import beside, sources
from cx_nlp.config import Config
from cx_nlp.prepare import check_source
from cx_nlp.score import engines
from cx_nlp.sources import credentials
from cx_nlp.themes.fitted import check_fits


def check(config: Config) -> None:
    """What can be known wrong before the lake is touched. Raises UsageError, UnknownName or ModelError.

    The only step that may use the network, and only if the config names a model on the hub that is not cached yet.
    """
    for name, source in config.sources.items():
        sources.resolve(source.kind)
        check_source(name, source)
        credentials.check(source.url, source.options, where=f"sources.{name}")
    if config.publish:
        credentials.check(config.publish.url, config.publish.options, where="publish")
    check_fits(config.fitted, config.model)
    beside.check(config)
    if config.engine != engines.AUTO:
        engines.choose(config.engine, engines.this_processor)
    if config.replacements:
        from cx_nlp.score.classifier import check_installed
        from cx_nlp.score.replaced import Replaced

        check_installed()
        Replaced(config.replacements)
