"""Taxonomies: themes that an organisation has named, with an owner each, in a YAML file.

taxonomy: shop            # default: the file's name
version: 1                # becomes part of themes_version; default 1
seed_threshold: 0.55      # least cosine between a mention and a seed, 0..1; 1 turns seeds off; default see SEED_THRESHOLD
themes:
  - id: delivery          # `id` and `name` alone are enough: the name is then the pattern
    name: Delivery
  - id: late
    name: Late delivery
    parent: delivery      # two levels; a mention of the child is not written for the parent too
    owner: Logistics      # who acts on it
    patterns:             # phrases or spaCy token patterns, see patterns.py
      - arrive late
      - [{LOWER: never}, {LOWER: arrived}]
    exclude: [late fee]   # a match that overlaps one of these does not count
    include: [parcel]     # if given, a match counts only in a sentence that holds one of these
    seeds: [where is my parcel]     # example phrases: what no pattern matches gets the theme nearest in meaning
    examples:             # checked each time the file is loaded
      - It arrived three days late.
      - not: I paid a late fee.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from cx_nlp.errors import UsageError
from cx_nlp.spans.pipeline import pipeline_version
from cx_nlp.themes.patterns import TokenPattern

if TYPE_CHECKING:
    from cx_nlp.themes.fitted import Fitted

MATCH_VERSION = "match-2"  # bump when the same taxonomy gives other themes
SEED_THRESHOLD = 0.55


@dataclass(frozen=True, slots=True)
class Theme:
    """theme_id and parent_theme_id are "<taxonomy>/<slug>"; the last two fields are for checking only."""

    theme_id: str
    name: str
    parent_theme_id: str | None = None
    owner: str | None = None
    patterns: tuple[str | TokenPattern, ...] = ()
    seeds: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    seed_threshold: float = SEED_THRESHOLD
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> dict:
        """What decides which mentions get the theme: an owner or an example changes no mention."""
        return {
            key: value for key, value in asdict(self).items() if key not in ("owner", "examples", "counter_examples")
        }


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The themes of all loaded files, in file order. `version` is the `themes_version` of its mentions.

    fitted: themes of whole comments that were learned from examples, beside those of mentions.
    """

    version: str
    themes: tuple[Theme, ...] = field(default=())
    fitted: tuple["Fitted", ...] = field(default=())

    def __hash__(self) -> int:
        return hash(self.version)

    def parent_of(self) -> dict[str, str | None]:
        return {theme.theme_id: theme.parent_theme_id for theme in self.themes}

    def rows(self) -> list[dict[str, str | None]]:
        """What the table `themes` holds of each: theme_id, theme, parent_theme_id, kind, owner."""
        return [
            {
                "theme_id": theme.theme_id, "theme": theme.name, "parent_theme_id": theme.parent_theme_id,
                "kind": "taxonomy", "owner": theme.owner,
            }
            for theme in self.themes
        ] + [row for fitted in self.fitted for row in fitted.rows()]  # fmt: skip


def version_of(name: str, version: str, themes: Sequence[Theme]) -> str:
    """ "general-1+0123456789ab": changes with the themes, the matching rules and the spaCy pipeline."""
    deciding = [MATCH_VERSION, pipeline_version(), *(theme.fingerprint for theme in themes)]
    digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
    return f"{name}-{version}+{digest[:12]}"


def load_taxonomies(names_or_paths: Sequence[str], fits: Sequence[str] = ()) -> Taxonomy:
    """Read, check and join taxonomies: shipped names ("general") or paths of YAML files; fits: folders of `themes fit`.

    [] gives a taxonomy without themes. Raises TaxonomyError with file, line and reason for anything wrong in a
    file, examples that fail included, UnknownName for a name that is not shipped, and ModelError for a fit.
    """
    from cx_nlp.themes.check import check_examples
    from cx_nlp.themes.reading import read_taxonomy, resolve

    files = [read_taxonomy(resolve(name)) for name in names_or_paths]
    for i, file in enumerate(files):
        for other in files[:i]:
            if other.name == file.name:
                raise file.error(("taxonomy",), f"taxonomy {file.name!r} is already given by {other.path}")
    versions = [version_of(file.name, file.version, file.themes) for file in files] or [version_of("none", "0", ())]
    for file in files:
        check_examples(file)
    fitted = _load_fits(fits)
    versions += [one.version for one in fitted]
    return Taxonomy(",".join(versions), tuple(theme for file in files for theme in file.themes), fitted)


def _load_fits(folders: Sequence[str]) -> tuple["Fitted", ...]:
    from cx_nlp.themes.fitted import load_fitted

    found = [load_fitted(folder) for folder in folders]
    for i, one in enumerate(found):
        for j in range(i):
            if found[j].name == one.name:
                raise UsageError(f"{folders[i]}: a fit named {one.name!r} is already given by {folders[j]}")
    return tuple(found)
