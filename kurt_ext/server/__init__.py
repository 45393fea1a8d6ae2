"""A web server over the folder of a marketplace: its files, an API, pages, and uploads.

The static index is the truth. What is served is read from it, and an upload becomes a
release in it by the code that `kurt market publish` runs, so that a server that is gone
leaves a marketplace that any file server can go on with.
"""
