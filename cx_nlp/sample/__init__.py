"""A seeded generator of lifelike feedback with planted facts, and the three files' worth of it that is shipped.

facts = load_facts(Path("configs/sample/facts.yaml"))
sample = generate(seed=3, rows=1200, days=90, facts=facts)   # frames by file, broken lines, the truth
write(stream(seed=3, rows=1_000_000, facts=facts), folder)   # the same in bounded memory
observe(facts[0], sample.truth)                              # a fact's value in this draw, with its error
"""

from cx_nlp.sample.facts import Fact, load_facts, parse_facts
from cx_nlp.sample.generate import Sample, generate, stream, write
from cx_nlp.sample.observe import Observed, observe
from cx_nlp.sample.population import Population, build

__all__ = [
    "Fact", "Observed", "Population", "Sample", "build", "generate", "load_facts", "observe", "parse_facts", "stream",
    "write",
]  # fmt: skip
