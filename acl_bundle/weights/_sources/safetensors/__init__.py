"""safetensors: the header, read member by member, and the file."""
