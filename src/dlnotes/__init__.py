"""Helper package of the book dlnotes: why deep networks generalize, checked by fresh runs.

Lectures import its modules by name (``from dlnotes import datasets, training``); a module imports
only those before it in the order that ``tests/test_layers.py`` states.
"""

__version__ = "0.1.0"
