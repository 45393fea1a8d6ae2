"""What the tests' workers import: the other side of a channel."""
