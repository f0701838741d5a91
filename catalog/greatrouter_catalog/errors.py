"""Errors of the catalog.

CatalogError
├── FeedError        a public feed or board is missing what it must have, or a row of it cannot be read
├── SnapshotError    a catalog snapshot is missing, damaged or of another version
└── ImportFailed     an import was refused as a whole; the snapshot in use is unchanged
"""


class CatalogError(Exception):
    """Root of everything the catalog raises; its message says what was wrong, what was expected, what to do next."""


class FeedError(CatalogError):
    """A feed file could not be read; the message names the file and the line or entry."""


class SnapshotError(CatalogError):
    """A snapshot could not be opened or does not hold what this version needs."""


class ImportFailed(CatalogError):
    """An import was refused; nothing of it was kept."""
