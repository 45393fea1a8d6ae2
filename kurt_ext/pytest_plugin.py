"""Fixtures for the authors of skills."""
