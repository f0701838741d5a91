"""Prints a database as statements, to be kept beside this file."""

import sys
from pathlib import Path

from tests.accounts.versions import dumped

[_, name] = sys.argv
sys.stdout.write(dumped(name if "://" in name else Path(name)))
