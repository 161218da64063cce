"""groundplan: one declarative spec in, verified infrastructure files and a report out."""

__version__ = "0.1.0"
