"""`python -m cx_nlp.cli` is `cx-nlp`."""

from cx_nlp.cli import main

main()
