// Usage: node read_three.mjs NODE_MODULES FILE.glb FRAMES RATE_NUMERATOR RATE_DENOMINATOR
// Plays the last animation of the file and prints the weights of every mesh at every frame.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [packages, file, frames, numerator, denominator] = process.argv.slice(2);
globalThis.self ??= globalThis; // the loader looks for a browser's window

const three = await import(pathToFileURL(`${packages}/three/build/three.module.js`));
const { GLTFLoader } = await import(pathToFileURL(`${packages}/three/examples/jsm/loaders/GLTFLoader.js`));

const bytes = readFileSync(file);
const loader = new GLTFLoader();
// Textures need a browser and say nothing about weights.
loader.register((parser) => {
  parser.loadTexture = () => Promise.resolve(null);
  return { name: 'no textures' };
});
const gltf = await loader.parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), '');

const meshes = [];
gltf.scene.traverse((object) => {
  if (object.morphTargetDictionary) {
    meshes.push({ object, weights: Object.fromEntries(Object.keys(object.morphTargetDictionary).map((name) => [name, []])) });
  }
});
const mixer = new three.AnimationMixer(gltf.scene);
const action = mixer.clipAction(gltf.animations.at(-1));
action.play();
for (let frame = 0; frame < Number(frames); frame++) {
  action.time = Math.fround((frame * Number(denominator)) / Number(numerator));
  mixer.update(0);
  for (const { object, weights } of meshes) {
    for (const [name, index] of Object.entries(object.morphTargetDictionary)) {
      weights[name].push(object.morphTargetInfluences[index]);
    }
  }
}
const result = meshes.map(({ object, weights }) => ({ name: object.name, weights }));
console.log(`RESULT ${JSON.stringify({ meshes: result })}`);
