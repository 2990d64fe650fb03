"""ONNX's operators as steps of a weight program."""
