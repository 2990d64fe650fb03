"""Other frameworks' files as mappings, and which of them a file is."""
