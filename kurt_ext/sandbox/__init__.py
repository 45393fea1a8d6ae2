"""Isolation: the code of a plugin in a process of its own, with what it declared and no more."""
