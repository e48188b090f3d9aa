// SPDX-License-Identifier: Apache-2.0
// The page's sources and these tests are as prettier writes them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(join(process.env.MOESIM_MODULES, 'package.json'));
const prettier = require('prettier');
const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, '../../experiments/report/page');
const style = JSON.parse(readFileSync(join(page, 'package.json'), 'utf8')).prettier;

for (const folder of [page, here]) {
  for (const name of readdirSync(folder).filter((name) => /\.(m?js|css)$/.test(name))) {
    test(name, async () => {
      const filepath = join(folder, name);
      const isRight = await prettier.check(readFileSync(filepath, 'utf8'), { ...style, filepath });
      assert.ok(isRight, `run: npx prettier --write ${name}`);
    });
  }
}
