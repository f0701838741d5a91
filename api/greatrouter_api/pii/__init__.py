"""Finds obvious personal data and secrets in text: addresses, cards, phones, national ids, bank accounts, API keys."""
