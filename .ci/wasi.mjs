// Runs a program for wasm32-wasip1 by node, which has no files to show to it: node wasi.mjs PROGRAM ARGUMENTS...
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const args = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args, env: process.env });
const program = await WebAssembly.compile(readFileSync(args[0]));
const code = wasi.start(await WebAssembly.instantiate(program, wasi.getImportObject()));
process.exit(code);
