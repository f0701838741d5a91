"""The project's own benchmarks: `greatrouter bench NAME`. Each module has a `command()` that reads `sys.argv`."""
