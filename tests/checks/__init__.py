"""Each check has its file here."""
