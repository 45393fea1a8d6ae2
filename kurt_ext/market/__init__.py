"""The marketplace: the documents of an index, who makes them, and who reads them."""
