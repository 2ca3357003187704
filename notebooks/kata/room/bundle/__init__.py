"""One archive with the course and every wheel that it needs, to be installed without a network."""
