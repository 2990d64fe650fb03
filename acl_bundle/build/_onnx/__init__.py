"""An ONNX model: read, walked, its constants held outside the message."""
