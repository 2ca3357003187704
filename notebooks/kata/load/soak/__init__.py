"""The soak: a service under load and in trouble for a long time, and what is lost, doubled or left over by then."""
