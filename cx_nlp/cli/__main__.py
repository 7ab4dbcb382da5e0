"""`python -m cx_nlp.cli` is `cx-nlp`."""

from cx_nlp.cli import main

# Guarded: processes that score import their parent's main module, and must not run its command again.
if __name__ == "__main__":
    main()
