"""Who asks, may they, what did it cost, and what did they think of it: organizations, keys, wallets, activity."""
