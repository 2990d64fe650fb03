"""From a model of TensorFlow's or Keras's to a bundle that takes its variables.

1. `_open`: the model becomes a graph (`function` for Keras and SavedModel,
   `variables` for graphs of TensorFlow 1); what still trains is refused (`training`).
2. `_ends`: the graph is cut to its inputs and outputs.
3. `frozen`: constants take the places of its variables.
4. `convert`: tf2onnx makes an ONNX model of it, with the variables as initializers.
5. `bundle`: which is built as any ONNX model is.

TensorFlow and tf2onnx are imported when a model is opened and not before.
"""
