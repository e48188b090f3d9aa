// SPDX-License-Identifier: Apache-2.0
// Loads traces into Perfetto's own engine and says what it makes of them.
//
//   node check_trace.mjs [--modules DIR] [--slices N] [--flows N] [--end-ns N] FILE...
//
// A trace is bad when the engine reports an error or lost data, when it has no slice, or when the
// number of slices, the number of flows (arrows) or the end of the last slice is not as given.
// --modules: the folder whose node_modules hold the engine (default: the working directory).
// Exit code: 0 all good, 1 some bad, 2 wrong usage, 77 the engine is not there.
import { parseArgs } from 'node:util';
import { NUMBER, NUMBER_OR_NULL, TEXT, loadTrace } from './perfetto_engine.mjs';

const SKIPPED = 77;

const FAULTS = `select name, value from stats
                where severity in ('error', 'data_loss') and value > 0 order by name`;
const SUMMARY = `select (select count(*) from slice) as slices,
                        (select count(*) from flow) as flows,
                        (select max(ts + dur) from slice) as end_ns`;

// The trace's summary and what is wrong with it, as sentences.
async function inspect(root, file, expected) {
  const trace = await loadTrace(root, file);
  try {
    const faults = await trace.query(FAULTS, { name: TEXT, value: NUMBER });
    const [summary] = await trace.query(SUMMARY, {
      slices: NUMBER,
      flows: NUMBER,
      end_ns: NUMBER_OR_NULL,
    });
    const complaints = faults.map(({ name, value }) => `the engine counts ${value} ${name}`);
    if (summary.slices === 0) complaints.push('no slices');
    for (const [key, want] of Object.entries(expected)) {
      if (summary[key] !== want) complaints.push(`${key} is ${summary[key]}, not ${want}`);
    }
    return { summary, complaints };
  } finally {
    trace.close();
  }
}

async function isGood(root, file, expected) {
  try {
    const { summary, complaints } = await inspect(root, file, expected);
    const { slices, flows, end_ns } = summary;
    const text = complaints.length === 0 ? 'good' : `BAD: ${complaints.join('; ')}`;
    console.log(`${file}: ${slices} slices, ${flows} flows, end ${end_ns} ns: ${text}`);
    return complaints.length === 0;
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') throw error;
    console.log(`${file}: BAD: ${error.message ?? error}`);
    return false;
  }
}

function readArguments() {
  const text = { type: 'string' };
  const options = { modules: text, slices: text, flows: text, 'end-ns': text };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const expected = {};
  for (const [option, key] of [['slices', 'slices'], ['flows', 'flows'], ['end-ns', 'end_ns']]) {
    if (values[option] === undefined) continue;
    expected[key] = Number(values[option]);
    if (!Number.isInteger(expected[key])) throw new Error(`--${option} takes a whole number`);
  }
  if (positionals.length === 0) throw new Error('no trace file given');
  return { root: values.modules ?? '.', files: positionals, expected };
}

async function main() {
  let request;
  try {
    request = readArguments();
  } catch (error) {
    console.error(`check_trace: ${error.message}`);
    return 2;
  }
  let good = true;
  try {
    for (const file of request.files) {
      if (!(await isGood(request.root, file, request.expected))) good = false;
    }
  } catch (error) {
    console.log(`SKIP: Perfetto's engine is not installed (${error.message.split('\n')[0]})`);
    return SKIPPED;
  }
  return good ? 0 : 1;
}

process.exitCode = await main();
