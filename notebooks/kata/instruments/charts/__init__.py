"""The course's pictures. Each comes with the words that say the same."""

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart
from kata.instruments.charts.cost import cost
from kata.instruments.charts.deliveries import deliveries
from kata.instruments.charts.ecg import ecg
from kata.instruments.charts.gantt import gantt
from kata.instruments.charts.growth import growth
from kata.instruments.charts.lanes import lanes
from kata.instruments.charts.matrix import Mark, matrix
from kata.instruments.charts.queue import queue
from kata.instruments.charts.staircase import staircase

__all__ = [
    "BEAT",
    "FLATLINE",
    "MARK",
    "Chart",
    "Mark",
    "cost",
    "deliveries",
    "ecg",
    "gantt",
    "growth",
    "lanes",
    "matrix",
    "queue",
    "staircase",
]
