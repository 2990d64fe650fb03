"""The initializers of ONNX models."""
