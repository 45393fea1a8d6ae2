"""A process that may open no socket, and what its host does for it."""
