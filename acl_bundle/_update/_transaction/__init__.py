"""An update from its arguments to its report, at once or staged first."""
