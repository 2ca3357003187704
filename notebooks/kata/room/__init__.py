"""What a teacher needs: plans and slides, a room on one server or on none, the board, and how it went."""
