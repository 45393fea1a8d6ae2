"""The documents of a marketplace, as models: index, skill, publisher, advisories, signatures.

An unknown key is passed over, and one that begins with ``_`` is private to whoever
wrote it; an ``api-version`` with another major number is refused. All references are
paths below the root of the marketplace, so that a copy of the folder is a mirror.
What a document says twice, it must say alike: a release's digest is that of its
files, its manifest bears its id and version.
"""
