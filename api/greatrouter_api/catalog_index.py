"""What browsing the catalog needs beyond its rows; each part is made at its first use and kept with the catalog."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from greatrouter_api import families
from greatrouter_api.families import Family
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.search import TextSearch
from greatrouter_catalog.taxonomy import NOMINAL_UNITS
from greatrouter_ranking.quality import Abilities, abilities


class CatalogIndex:
    """Over one catalog, which never changes. To be asked outside the event loop: the first question takes half a second
    (the models 0.25 s, the texts 0.2 s, abilities 0.07 s), any other a few milliseconds."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @cached_property
    def text(self) -> TextSearch:
        """The rows of the catalog by their words."""
        return TextSearch([f"{model.name} {model.id} {model.description}" for model in self.catalog])

    @cached_property
    def families(self) -> dict[str, Family]:
        """By id, in the order they are shown."""
        return families.of(self.catalog)

    @cached_property
    def family_names(self) -> TextSearch:
        """The families, in the order of `families`, by the words of their ids and of their models' names."""
        return TextSearch([families.words(self.catalog, family) for family in self.families.values()])

    @cached_property
    def abilities(self) -> Abilities:
        return abilities(self.catalog.arrays, self.catalog.scores)

    @cached_property
    def typical_cost(self) -> NDArray[np.float64]:
        """US dollars of a typical request (`NOMINAL_UNITS`) of each row's task type."""
        units = np.array([NOMINAL_UNITS[model.task_type] for model in self.catalog], dtype=np.float64)
        return np.asarray((self.catalog.arrays.price * units.reshape(len(self.catalog), -1)).sum(axis=1))
