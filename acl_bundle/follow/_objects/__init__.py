"""Objects under a URL: the requests, what a version consists of, and reading it."""
