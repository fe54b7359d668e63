// Usage: node validate_glb.mjs NODE_MODULES FILE.glb
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [packages, file] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const validator = require('gltf-validator');

const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 100 });
const { numErrors, numWarnings, messages } = report.issues;
const shown = messages.filter((message) => message.severity <= 1);
console.log(`RESULT ${JSON.stringify({ errors: numErrors, warnings: numWarnings, messages: shown })}`);
