"""What a teacher needs: plans and slides, a room on one server or on none, the board, and how it went."""

VISIBLE = (
    "LICENSE",
    "README.md",
    "environment.yml",
    "notebooks",
    "pyproject.toml",
    "requirements.txt",
    "solution",
    "starter",
    "tests",
)
"""What can be seen at the top of the course, and so what a learner gets."""
