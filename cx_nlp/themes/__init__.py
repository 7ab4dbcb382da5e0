"""What people talk about: taxonomies of themes, and which mention belongs to which."""

from cx_nlp.themes.match import TextSpans, ThemedMention, ThemeHit, analyse
from cx_nlp.themes.taxonomy import Taxonomy, Theme, load_taxonomies

__all__ = ["Taxonomy", "TextSpans", "Theme", "ThemeHit", "ThemedMention", "analyse", "load_taxonomies"]
