"""Predictions: what learners expect before they see, and of code that is new to them; and what is then measured.

A measure of whether the course taught, without a questionnaire. It is kept beside the learner's own work, on the
learner's machine, and nowhere else.
"""
