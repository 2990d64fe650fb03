"""What holds for the package as a whole: its layers, names, pages."""
