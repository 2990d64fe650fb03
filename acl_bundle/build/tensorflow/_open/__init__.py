"""From what a user has to a graph: functions, SavedModels, graphs of TensorFlow 1."""
