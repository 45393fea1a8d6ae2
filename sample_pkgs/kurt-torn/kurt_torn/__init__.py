"""Modules that fail at import in every way that has ended a host program before."""
