"""The commands of ``kurt``, one file per verb; each is imported only when it runs."""
