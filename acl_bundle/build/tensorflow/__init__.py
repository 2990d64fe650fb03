"""From a model of TensorFlow's or Keras's to a bundle that takes its variables.

1. `opened`: the model becomes a graph (`function` for Keras and SavedModel,
   `variables` for graphs of TensorFlow 1).
2. `ends`: the graph is cut to its inputs and outputs.
3. `training`: what still trains is refused.
4. `variables`: constants take the places of its variables: the graph is frozen.
5. `convert`: tf2onnx makes an ONNX model of it, with the variables as initializers.
6. `bundle`: which is built as any ONNX model is.

TensorFlow and tf2onnx are imported when a model is opened and not before.
"""
