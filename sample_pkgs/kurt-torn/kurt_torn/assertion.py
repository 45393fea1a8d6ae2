raise AssertionError("an assertion at import")
