"""Pages of documentation: their programs run, and what they say is so."""
