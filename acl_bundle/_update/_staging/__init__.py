"""From a caller's weights to the update graph's inputs on the device."""
