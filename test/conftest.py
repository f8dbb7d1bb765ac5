"""Keeps the tests on the installed package, on this machine, and out of other graphs."""
from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def without_checkout(paths: list[str]) -> list[str]:
    """Return `paths` less the checkout, whose latent_rag_ros/ lacks the generated messages."""
    return [path for path in paths if Path(path or '.').resolve() != ROOT]


sys.path[:] = without_checkout(sys.path)
if 'PYTHONPATH' in os.environ:
    os.environ['PYTHONPATH'] = os.pathsep.join(
        without_checkout(os.environ['PYTHONPATH'].split(os.pathsep)))

# Domains 1 to 101 are free on every Linux; 0 is where other people's nodes are.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
for variable in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
    os.environ.setdefault(variable, str(ROOT / 'config' / 'fastdds.xml'))
os.environ.setdefault('AMENT_PREFIX_PATH', sys.prefix)
# Installed nodes start with the python3 of PATH, which need not be the one of the tests.
os.environ['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
# One thread a network: the processes of a test share few cores; spinning threads starve others.
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('OMP_WAIT_POLICY', 'passive')


@pytest.fixture
def write_onnx() -> Callable[..., Path]:
    """Return a function that writes an ONNX network whose outputs are constants.

    It takes the path, the outputs by name, the shape of its image input and those of others.
    """
    pytest.importorskip('onnxruntime')
    onnx = pytest.importorskip('onnx')
    helper, float_type = onnx.helper, onnx.TensorProto.FLOAT

    def write(path: Path, outputs: Mapping[str, object], image: Sequence[int | str],
              others: Mapping[str, Sequence[int]] | None = None) -> Path:
        from_array = onnx.numpy_helper.from_array
        nodes = [helper.make_node('Constant', [], [name], value=from_array(value))
                 for name, value in outputs.items()]
        inputs = [helper.make_tensor_value_info('images', float_type, list(image))]
        inputs += [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, list(shape))
                   for name, shape in (others or {}).items()]
        graph = helper.make_graph(nodes, 'constant', inputs, [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), None)
            for name, value in outputs.items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)],
                                    ir_version=9), path)
        return path
    return write
