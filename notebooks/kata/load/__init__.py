"""The whole service under load: its callers, its providers, and what both see of it."""
