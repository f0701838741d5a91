"""Which model should answer: a pure function of what is asked, what the catalog holds and what the caller prefers."""
