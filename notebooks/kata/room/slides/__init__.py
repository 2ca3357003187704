"""Slides of the lessons: each notebook as one HTML file that needs nothing but a browser, a network least of all."""

from kata.room.slides.lessons import UnknownLesson, chosen
from kata.room.slides.writing import NotOurs, write_slides

__all__ = ["NotOurs", "UnknownLesson", "chosen", "write_slides"]
