// Runs TensorFlow.js graph models on stored inputs; called by source_model_outputs.py.
//
// usage: node source_model_outputs.mjs MODEL.json INPUT.f32 SHAPE OUTPUT...
// INPUT.f32 holds raw float32 values, SHAPE is 1,3,416,416; every OUTPUT is the name of a node,
// whose values go to OUTPUT.f32 in the current folder. Needs: npm install @tensorflow/tfjs@4.22.0
import fs from 'node:fs';
import path from 'node:path';
import {createRequire} from 'node:module';

const tf = createRequire(path.join(process.cwd(), 'x.js'))('@tensorflow/tfjs');
const [modelPath, inputPath, shape, ...outputs] = process.argv.slice(2);

function bytes(file) {
  const buffer = fs.readFileSync(file);
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
}

const stored = JSON.parse(fs.readFileSync(modelPath));
const [group] = stored.weightsManifest;
const model = await tf.loadGraphModel(tf.io.fromMemory({
  modelTopology: stored.modelTopology,
  signature: stored.signature,
  weightSpecs: group.weights,
  weightData: bytes(path.join(path.dirname(modelPath), group.paths[0])),
}));
const input = tf.tensor(new Float32Array(bytes(inputPath)), shape.split(',').map(Number));
for (const name of outputs) {
  const values = model.execute(input, name).dataSync();
  const content = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  fs.writeFileSync(`${name}.f32`, content);
}
