"""A real PostgreSQL for the tests that need one, on a free port of loopback: the benchmarks' own."""

from greatrouter_benchmarks.postgres import Server, running

__all__ = ["Server", "running"]
