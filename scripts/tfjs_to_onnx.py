"""Convert a TensorFlow.js graph model into ONNX without TensorFlow.

TensorFlow keeps images as (N, H, W, C), ONNX as (N, C, H, W). The converter never moves data to
bridge the two: every tensor carries the permutation between its TensorFlow axes and the axes of
its ONNX twin, and a Transpose of the source only changes that permutation. Paddings are folded
into the convolution or pooling that follows, biases into the convolution before.

Only the operations of the two perception networks are known; any other one is refused.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from tfjs_graph import ConversionError, Node, folded, integers, source_of, window

OPSET = 11
"""The newest one that OpenCV 4.6, the version of Ubuntu 24.04, reads in full."""
CHANNELS_LAST = (0, 2, 3, 1)
"""ONNX axis of every TensorFlow axis of an image tensor."""

ELEMENTWISE = {'Add': 'Add', 'AddV2': 'Add', 'AddN': 'Add', 'Mul': 'Mul'}
UNARY = {'Relu': 'Relu', 'Sigmoid': 'Sigmoid'}


@dataclass(frozen=True)
class Tensor:
    """A tensor on its way: name in the ONNX graph and, per TensorFlow axis, its ONNX axis."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]

    def in_onnx_order(self, values: Sequence[Any]) -> list[Any]:
        """Return values given per TensorFlow axis in the order of the ONNX axes."""
        return [values[self.axes.index(axis)] for axis in range(len(self.axes))]


class GraphConverter:
    """One conversion of a TensorFlow.js graph; `convert` is the only thing to call."""

    def __init__(self, nodes: list[Node], constants: dict[str, NDArray]) -> None:
        self._nodes = {node['name']: node for node in nodes}
        self._constants = dict(constants)  # grows by what is folded
        self._uses = Counter(source_of(name) for node in nodes for name in node.get('input', []))
        self._tensors: dict[str, Tensor] = {}
        self._pads: dict[str, tuple[Tensor, list[int]]] = {}
        self._onnx: dict[str, onnx.NodeProto] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}

    def convert(self, name: str, outputs: dict[str, str]) -> onnx.ModelProto:
        """Return the ONNX model.

        Parameters
        ----------
        name : str
            Name of the ONNX graph.
        outputs : dict
            Name of every ONNX output by the name of the source node that yields it.
        """
        inputs = [node['name'] for node in self._nodes.values() if node['op'] == 'Placeholder']
        for source in self._in_order(list(outputs)):
            self._convert_node(self._nodes[source])
        for source, target in outputs.items():
            tensor = self._tensors[source]
            perm = list(tensor.axes)
            identity = perm == sorted(perm)
            self._emit('Identity' if identity else 'Transpose', [tensor.name], target,
                       **({} if identity else {'perm': perm}))
        graph = helper.make_graph(
            list(self._onnx.values()), name,
            [_value_info(self._tensors[i].name, self._tensors[i].in_onnx_order(
                self._tensors[i].shape)) for i in inputs],
            [_value_info(target, self._tensors[s].shape) for s, target in outputs.items()],
            list(self._initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)],
                                  ir_version=8, producer_name='latent_rag_ros')
        onnx.checker.check_model(model, full_check=True)
        return model

    def _in_order(self, outputs: list[str]) -> list[str]:
        """Return the source nodes the outputs need, every node after its inputs."""
        order: dict[str, None] = {}
        stack = [(name, False) for name in reversed(outputs)]
        while stack:
            name, inputs_done = stack.pop()
            if inputs_done:
                order[name] = None
            elif name not in order:
                stack.append((name, True))
                stack += [(source_of(i), False) for i in self._nodes[name].get('input', [])]
        return list(order)

    def _convert_node(self, node: Node) -> None:
        name, op, inputs = node['name'], node['op'], node.get('input', [])
        if op == 'Const':
            return
        if all(i in self._constants for i in inputs) and inputs:
            self._constants[name] = folded(op, [self._constants[i] for i in inputs])
        elif op in ELEMENTWISE:
            self._tensors[name] = self._elementwise(node)
        elif op in UNARY:
            self._tensors[name] = self._like(UNARY[op], self._tensor(inputs[0]), name)
        elif op in CONVERTERS:
            CONVERTERS[op](self, node)
        else:
            raise ConversionError(f'operation {op} of node {name} is not known')

    # Emitting -------------------------------------------------------------------------------

    def _emit(self, op: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._onnx[output] = helper.make_node(op, inputs, [output], name=output, **attributes)

    def _like(self, op: str, tensor: Tensor, name: str, extra: tuple[str, ...] = (),
              **attributes: Any) -> Tensor:
        self._emit(op, [tensor.name, *extra], name, **attributes)
        return Tensor(name, tensor.shape, tensor.axes)

    def _initializer(self, name: str, values: NDArray) -> str:
        """Store a constant, half-precision ones as float32, and return the name to use."""
        if values.dtype == np.float16:
            values = values.astype(np.float32)
        self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def _tensor(self, name: str) -> Tensor:
        """Return a tensor; a padding can only be read by what folds it, see `_image`."""
        if name in self._pads:
            raise ConversionError(f'padding {name} is not followed by a convolution or pooling')
        return self._tensors[name]

    def _image(self, name: str) -> tuple[Tensor, list[int]]:
        """Return an image tensor and the padding (top, left, bottom, right) folded out of it."""
        tensor, pads = self._pads.get(name) or (self._tensor(name), [0, 0, 0, 0])
        if tensor.axes != CHANNELS_LAST:
            raise ConversionError(f'{name} is no channels-last image where one is needed')
        return tensor, pads

    # One method per group of operations -----------------------------------------------------

    def _placeholder(self, node: Node) -> None:
        shape = tuple(int(row['size']) for row in node['attr']['shape']['shape']['dim'])
        axes = CHANNELS_LAST if shape[-1] == 3 else (0, 1, 2, 3)
        self._tensors[node['name']] = Tensor(node['name'], shape, axes)

    def _elementwise(self, node: Node) -> Tensor:
        name, (first, second) = node['name'], node['input']
        if first in self._constants:
            first, second = second, first
        tensor = self._tensor(first)
        if second not in self._constants:
            other = self._tensor(second)
            if other.axes != tensor.axes:
                raise ConversionError(f'the inputs of {name} differ in their layout')
            shape = np.broadcast_shapes(tensor.shape, other.shape)
            self._emit(ELEMENTWISE[node['op']], [tensor.name, other.name], name)
            return Tensor(name, shape, tensor.axes)
        constant = self._constants[second]
        producer = self._onnx.get(tensor.name)
        if (ELEMENTWISE[node['op']] == 'Add' and self._uses[first] == 1 and producer is not None
                and producer.op_type in ('Conv', 'ConvTranspose') and len(producer.input) == 2
                and constant.size == tensor.shape[3]):
            producer.input.append(self._initializer(second, constant.reshape(-1)))
            return tensor
        constant = constant.reshape((1,) * (len(tensor.shape) - constant.ndim) + constant.shape)
        constant = constant.transpose(tensor.in_onnx_order(range(len(tensor.shape))))
        return self._like(ELEMENTWISE[node['op']], tensor, name,
                          (self._initializer(second, constant),))

    def _transpose(self, node: Node) -> None:
        tensor = self._tensors.get(node['input'][0])
        perm = self._constants[node['input'][1]].tolist()
        if tensor is None:  # a padding: keep it foldable in the new order of axes
            tensor, pads = self._pads[node['input'][0]]
            self._pads[node['name']] = (self._permuted(tensor, perm), pads)
        else:
            self._tensors[node['name']] = self._permuted(tensor, perm)

    @staticmethod
    def _permuted(tensor: Tensor, perm: list[int]) -> Tensor:
        return Tensor(tensor.name, tuple(tensor.shape[i] for i in perm),
                      tuple(tensor.axes[i] for i in perm))

    def _pad(self, node: Node) -> None:
        tensor = self._tensors[node['input'][0]]
        pads = np.array(tensor.in_onnx_order(self._constants[node['input'][1]].tolist()))
        if pads[:2].any():
            raise ConversionError(f'{node["name"]} pads batch or channels')
        if node['op'] == 'PadV2' and self._constants[node['input'][2]] > -1e4:
            raise ConversionError(f'{node["name"]} pads with a value that no pooling ignores')
        before_after = pads[2:].T.ravel().tolist()
        grown = [n + before + after for n, (before, after) in zip(
            tensor.in_onnx_order(tensor.shape), pads.tolist())]
        shape = tuple(grown[axis] for axis in tensor.axes)
        self._pads[node['name']] = (Tensor(tensor.name, shape, tensor.axes), before_after)

    def _convolution(self, node: Node) -> None:
        tensor, pads = self._image(node['input'][0])
        kernel = self._constants[node['input'][1]]
        height, width, channels, filters = kernel.shape
        if node['op'] == 'DepthwiseConv2dNative':
            group, weights = channels, kernel.transpose(2, 3, 0, 1).reshape(-1, 1, height, width)
        else:
            group, weights = tensor.shape[3] // channels, kernel.transpose(3, 2, 0, 1)
        if any(step != 1 for step in integers(node, 'dilations')):
            raise ConversionError(f'{node["name"]} is a dilated convolution')
        out, same, strides = window(node, tensor.shape, (height, width))
        self._emit('Conv', [tensor.name, self._initializer(node['input'][1], weights)],
                   node['name'], kernel_shape=[height, width], strides=strides, group=group,
                   pads=[a + b for a, b in zip(pads, same)])
        self._tensors[node['name']] = Tensor(
            node['name'], (tensor.shape[0], *out, len(weights)), CHANNELS_LAST)

    def _transposed_convolution(self, node: Node) -> None:
        tensor, pads = self._image(node['input'][2])
        shape = tuple(self._constants[node['input'][0]].tolist())
        kernel = self._constants[node['input'][1]]
        stride = integers(node, 'strides')[1:3]
        excess = [(size - 1) * step + length - out for size, step, length, out in zip(
            tensor.shape[1:3], stride, kernel.shape, shape[1:3])]
        if any(pads) or min(excess) < 0:
            raise ConversionError(f'{node["name"]} is a padded transposed convolution')
        before = [value // 2 for value in excess]
        after = [value - half for value, half in zip(excess, before)]
        weights = self._initializer(node['input'][1], kernel.transpose(3, 2, 0, 1))
        self._emit('ConvTranspose', [tensor.name, weights], node['name'],
                   kernel_shape=list(kernel.shape[:2]), strides=stride, pads=before + after)
        self._tensors[node['name']] = Tensor(
            node['name'], (tensor.shape[0], *shape[1:]), CHANNELS_LAST)

    def _pooling(self, node: Node) -> None:
        tensor, pads = self._image(node['input'][0])
        kernel = integers(node, 'ksize')[1:3]
        out, same, strides = window(node, tensor.shape, kernel)
        pads = [a + b for a, b in zip(pads, same)]
        if node['op'] == 'AvgPool' and any(pads):
            raise ConversionError(f'{node["name"]} is a padded average pooling')
        self._emit('MaxPool' if node['op'] == 'MaxPool' else 'AveragePool', [tensor.name],
                   node['name'], kernel_shape=kernel, strides=strides, pads=pads)
        self._tensors[node['name']] = Tensor(
            node['name'], (tensor.shape[0], *out, tensor.shape[3]), CHANNELS_LAST)

    def _resize(self, node: Node) -> None:
        tensor, _ = self._image(node['input'][0])
        if not node['attr'].get('half_pixel_centers', {}).get('b'):
            raise ConversionError(f'{node["name"]} resizes without half-pixel centres')
        height, width = self._constants[node['input'][1]].tolist()
        shape = (tensor.shape[0], height, width, tensor.shape[3])
        scales = np.array(tensor.in_onnx_order(shape)) / tensor.in_onnx_order(tensor.shape)
        inputs = [self._initializer(f'{node["name"]}:{kind}', values.astype(np.float32))
                  for kind, values in (('roi', np.zeros(0)), ('scales', scales))]
        self._emit('Resize', [tensor.name, *inputs], node['name'], mode='linear',
                   coordinate_transformation_mode='half_pixel')
        self._tensors[node['name']] = Tensor(node['name'], shape, CHANNELS_LAST)

    def _concatenation(self, node: Node) -> None:
        *names, axis_name = node['input']
        tensors = [self._tensor(name) for name in names]
        if len({tensor.axes for tensor in tensors}) > 1:
            raise ConversionError(f'the inputs of {node["name"]} differ in their layout')
        axis = int(self._constants[axis_name]) % len(tensors[0].shape)
        shape = list(tensors[0].shape)
        shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
        self._emit('Concat', [tensor.name for tensor in tensors], node['name'],
                   axis=tensors[0].axes[axis])
        self._tensors[node['name']] = Tensor(node['name'], tuple(shape), tensors[0].axes)

    def _split(self, node: Node) -> None:
        tensor = self._tensor(node['input'][0])
        sizes = self._constants[node['input'][1]].tolist()
        axis = int(self._constants[node['input'][2]]) % len(tensor.shape)
        # ONNX names every output; `source_of` and the graph know the parts as name, name:1, ...
        names = [node['name'] if i == 0 else f'{node["name"]}:{i}' for i in range(len(sizes))]
        self._onnx[names[0]] = helper.make_node(
            'Split', [tensor.name], names, name=names[0], axis=tensor.axes[axis], split=sizes)
        for name, size in zip(names, sizes):
            shape = tensor.shape[:axis] + (size,) + tensor.shape[axis + 1:]
            self._tensors[name] = Tensor(name, shape, tensor.axes)

    def _reshape(self, node: Node) -> None:
        tensor = self._tensor(node['input'][0])
        if list(tensor.axes) != sorted(tensor.axes):
            raise ConversionError(f'{node["name"]} reshapes a channels-last image')
        target = self._constants[node['input'][1]].astype(np.int64)
        shape = np.empty(tensor.shape, bool).reshape(target).shape
        self._emit('Reshape', [tensor.name, self._initializer(f'{node["name"]}:shape', target)],
                   node['name'])
        self._tensors[node['name']] = Tensor(node['name'], shape, tuple(range(len(shape))))

    def _leaky_relu(self, node: Node) -> None:
        self._tensors[node['name']] = self._like(
            'LeakyRelu', self._tensor(node['input'][0]), node['name'],
            alpha=node['attr']['alpha']['f'])

    def _relu6(self, node: Node) -> None:
        """Emit min(max(x, 0), 6) as 6 * HardSigmoid, which OpenCV 4.6 knows where Clip fails."""
        unit = self._like('HardSigmoid', self._tensor(node['input'][0]), f'{node["name"]}:unit',
                          alpha=1 / 6, beta=0.0)
        self._tensors[node['name']] = self._like(
            'Mul', unit, node['name'], (self._initializer('six', np.array(6, np.float32)),))

    def _identity(self, node: Node) -> None:
        self._tensors[node['name']] = self._tensor(node['input'][0])


CONVERTERS = {
    'Placeholder': GraphConverter._placeholder, 'Transpose': GraphConverter._transpose,
    'Pad': GraphConverter._pad, 'PadV2': GraphConverter._pad,
    'Conv2D': GraphConverter._convolution,
    'DepthwiseConv2dNative': GraphConverter._convolution,
    'Conv2DBackpropInput': GraphConverter._transposed_convolution,
    'MaxPool': GraphConverter._pooling, 'AvgPool': GraphConverter._pooling,
    'ResizeBilinear': GraphConverter._resize, 'ConcatV2': GraphConverter._concatenation,
    'SplitV': GraphConverter._split, 'Reshape': GraphConverter._reshape,
    'LeakyRelu': GraphConverter._leaky_relu, 'Relu6': GraphConverter._relu6,
    'Identity': GraphConverter._identity,
}


def _value_info(name: str, shape: Iterable[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))
