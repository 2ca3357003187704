"""The companion: an AI friend you can write, talk and show pictures to."""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())
