"""Setuptools plugin."""

from typing import Any


def finalize_distribution_options(dist: Any) -> None:
    """Do nothing."""


def write_kurt_json(command: Any, basename: str, filename: str) -> None:
    """Do nothing."""
