"""A room on one server: JupyterHub, a system user and a copy of the course for each learner, and limits that hold."""
