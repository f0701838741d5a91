"""Model lines: all endpoints of one family of models as one thing."""

from collections.abc import Sequence
from dataclasses import dataclass

from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.taxonomy import VISIBILITIES


@dataclass(frozen=True, slots=True)
class Family:
    """`id` is `taxonomy/provider--line`; `rows` are its endpoints in the catalog's order."""

    id: str
    taxonomy: str
    provider: str
    line: str
    visibility: str
    routable: bool
    rows: tuple[int, ...]


def of(catalog: Catalog) -> dict[str, Family]:
    """By id: the featured first, the most widely served first, then by id."""
    found: dict[str, list[int]] = {}
    for row, model in enumerate(catalog):
        found.setdefault(model.family, []).append(row)
    families = [_family(family_id, rows, catalog) for family_id, rows in found.items()]
    families.sort(key=lambda family: (VISIBILITIES.index(family.visibility), -len(family.rows), family.id))
    return {family.id: family for family in families}


def _family(family_id: str, rows: Sequence[int], catalog: Catalog) -> Family:
    taxonomy, _, name = family_id.partition("/")
    provider, _, line = name.partition("--")
    models = [catalog.model(row) for row in rows]
    visibility = min((model.visibility for model in models), key=VISIBILITIES.index)
    return Family(
        id=family_id,
        taxonomy=taxonomy,
        provider=provider,
        line=line,
        visibility=visibility,
        routable=any(model.routable for model in models),
        rows=tuple(rows),
    )


def words(catalog: Catalog, family: Family) -> str:
    names = dict.fromkeys(catalog.model(row).name for row in family.rows)
    return " ".join((family.id, *names))
