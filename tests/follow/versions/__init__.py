"""What a version is: names, numbers, signatures."""
