"""What holds for every test."""

import os

from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a shared machine: speed is shown by `greatrouter bench`.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# pytest-xdist has its workers' tables 80 columns wide; how wide one is a test says itself.
os.environ.pop("COLUMNS", None)
