"""The checks that come with kurt-ext: one question, one file, each named in ``kurt.check``."""
