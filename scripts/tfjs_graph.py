"""The source side of the conversion: a TensorFlow.js graph model and what its nodes say."""
from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Node = dict[str, Any]
"""One operation of the graph as the JSON file has it: name, op, input, attr."""


class ConversionError(RuntimeError):
    """The source model holds something that the converter does not know."""


def read_model(model_json: Path) -> tuple[list[Node], dict[str, NDArray]]:
    """Return the nodes of a TensorFlow.js graph model and its constants by name."""
    model = json.loads(model_json.read_text(encoding='utf-8'))
    constants: dict[str, NDArray] = {}
    for group in model['weightsManifest']:
        content = b''.join((model_json.parent / path).read_bytes() for path in group['paths'])
        offset = 0
        for row in group['weights']:
            stored = np.dtype(row.get('quantization', row)['dtype'])
            if 'quantization' in row and stored != np.float16:
                raise ConversionError(f'{row["name"]} is quantised to {stored}; '
                                      'only float16 is known')
            count = int(np.prod(row['shape'], dtype=int))
            values = np.frombuffer(content, stored, count, offset)
            constants[row['name']] = values.reshape(row['shape'])
            offset += values.nbytes
        if offset != len(content):
            raise ConversionError(f'{model_json}: {offset} of {len(content)} weight bytes used')
    return model['modelTopology']['node'], constants


def source_of(name: str) -> str:
    """Return the node that yields an input such as `name`, `name:1` or `^name`."""
    return name.split(':')[0].lstrip('^')


def integers(node: Node, key: str) -> list[int]:
    """Return an attribute that is a list of integers."""
    return [int(value) for value in node['attr'][key]['list']['i']]


def window(node: Node, shape: tuple[int, ...], kernel: tuple[int, int] | list[int],
            ) -> tuple[list[int], list[int], list[int]]:
    """Return output (height, width), SAME padding (top, left, bottom, right) and strides."""
    strides = integers(node, 'strides')[1:3]
    padding = base64.b64decode(node['attr']['padding']['s']).decode()
    if padding == 'VALID':
        out = [(size - length) // step + 1
               for size, length, step in zip(shape[1:3], kernel, strides)]
        return out, [0, 0, 0, 0], strides
    if padding != 'SAME':
        raise ConversionError(f'{node["name"]} has padding {padding}')
    out = [-(-size // step) for size, step in zip(shape[1:3], strides)]
    total = [max((n - 1) * step + length - size, 0)
             for n, step, length, size in zip(out, strides, kernel, shape[1:3])]
    before = [value // 2 for value in total]
    return out, before + [value - half for value, half in zip(total, before)], strides


def folded(op: str, values: list[NDArray]) -> NDArray:
    """Compute an operation on constants."""
    if op == 'SparseToDense':
        indices, shape, entries, default = values
        dense = np.full(shape, default, entries.dtype)
        dense[tuple(indices.reshape(-1, dense.ndim).T)] = entries
        return dense
    if op in ('Add', 'AddV2'):
        return values[0] + values[1]
    raise ConversionError(f'operation {op} on constants is not known')
