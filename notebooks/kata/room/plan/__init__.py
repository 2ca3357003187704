"""The teacher's plans, minute by minute out of the manifest's minutes, and a walk through them with a clock."""
