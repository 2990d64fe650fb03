"""What an update is to change: names, values and dtypes against the file. Nothing is touched."""
