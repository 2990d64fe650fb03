"""What sources and transforms stand on: specs, files as bytes, patterns, views."""
