"""Lets a network that was exported for one size of its input take others."""
from __future__ import annotations


def with_any_size(content: bytes) -> bytes:
    """Return an ONNX file whose first input may have any height and width.

    Only what the file says about sizes is changed. Whether the network can really take another
    size is up to its operators: those of a fully convolutional network can.
    """
    import onnx
    model = onnx.load_from_string(content)
    for name, size in zip(('height', 'width'),
                          model.graph.input[0].type.tensor_type.shape.dim[2:]):
        size.dim_param = name
    for output in model.graph.output:
        output.type.tensor_type.ClearField('shape')
    del model.graph.value_info[:]
    return model.SerializeToString()
