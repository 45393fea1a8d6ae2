"""The databases that a server can remember in, a dialect each."""
