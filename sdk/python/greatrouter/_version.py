"""The version of the installed distribution."""

from importlib import metadata


def version() -> str:
    try:
        return metadata.version("greatrouter")
    except metadata.PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
