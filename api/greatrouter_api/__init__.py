"""The server: settings, command line, HTTP, and the one place where the other packages are put together."""
