"""Helper package of the book dlnotes: why deep networks generalize, checked by fresh runs.

Five rooms, along the way of an experiment: `data` (what it is trained on), `networks` (what is
trained), `measures` (numbers about what was trained), `theory` (what a theorem says of it), `lab`
(from settings to a verdict). `press` makes the book, `bench` measures the engine. Which room may
know which is a test, ``tests/test_rooms.py``. Import modules by their names, as the lectures do:
``from dlnotes.networks import models, training``.
"""

__version__ = "0.1.0"
