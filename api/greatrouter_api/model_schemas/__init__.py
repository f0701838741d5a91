"""What a model takes and gives, as JSON Schema 2020-12 from the facts of the catalog, and whether a value fits."""
