"""The catalog: which models exist, where they are served, what they cost and how good they are known to be."""
