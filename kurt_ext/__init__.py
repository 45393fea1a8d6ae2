"""Find, judge, enable, load and run extensions, installed from PyPI or dropped in as a folder."""

__version__ = "0.1.0"
