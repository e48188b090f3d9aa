#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which programs tools/gpu_check runs and packs, where it looks for what they need, and how parts
share the time, without a GPU and with tools that only pretend."""

import io
import os
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / 'bench' / 'gpu'))
sys.dont_write_bytecode = True

import check_parts  # noqa: E402
import device_programs  # noqa: E402


class Shares(unittest.TestCase):
    def test_what_is_not_used_is_shared(self):
        parts = [check_parts.Part('a', 40, []), check_parts.Part('b', 0, ['{seconds}'], share=0.2,
                                                                 reserve_s=10),
                 check_parts.Part('c', 0, [], share=0.6)]
        # Of 200 s the first keeps 40: a quarter and three quarters of 160.
        check_parts.with_budgets(parts, 200)
        self.assertEqual([part.budget_s for part in parts], [40, 40, 120])
        self.assertEqual(parts[1].told(40), ['30'])
        # The first and second took nothing: the third has all that is left.
        check_parts.with_budgets(parts[2:], 200)
        self.assertEqual(parts[2].budget_s, 200)


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def build(self):
        build = self.path / 'build'
        for place in ('cli', 'bench/gpu', 'tests/model/cuda', 'zz'):
            (build / place).mkdir(parents=True)
        for name, place in device_programs.PLACES.items():
            (build / place / name).write_text('new')
        (build / 'cli' / device_programs.LIBRARY).write_text('new')
        for stale in ('tests/model/cuda/cuda_device_tests', 'zz/product_bench'):
            (build / stale).write_text('stale')
        return build

    def test_what_an_older_build_left_elsewhere_is_not_found(self):
        build = self.build()
        programs = device_programs.find_programs(build)
        self.assertEqual({path.read_text() for path in programs.values()}, {'new'})
        self.assertEqual(device_programs.find_library(programs).read_text(), 'new')
        (build / 'cli' / 'cuda_device_tests').unlink()
        self.assertNotIn('cuda_device_tests', device_programs.find_programs(build))

    def pack(self, build, **tools):
        """What pack() says, with tools that are shell scripts."""
        tools = {'cmake': 'echo built > "$2/built"', 'strip': '', **tools,
                 'ldd': 'echo " libfmt.so.9 => $FMT (0x1)"; echo " libc.so.6 => /lib/libc.so.6 (0)"; '
                        'echo " libcublas.so.13 => /cuda/libcublas.so.13 (0x2)"'}
        (self.path / 'tools').mkdir()
        for name, script in tools.items():
            (self.path / 'tools' / name).write_text(f'#!/bin/sh\n{script}\n')
            (self.path / 'tools' / name).chmod(0o755)
        (self.path / 'fmt').write_text('fmt')
        environment = {'PATH': f'{self.path}/tools:/usr/bin:/bin', 'FMT': f'{self.path}/fmt'}
        with mock.patch.dict(os.environ, environment), redirect_stdout(io.StringIO()):
            return device_programs.pack(self.path / 'packed', (self.path / 'none', build),
                                        lambda: 'abc')

    def test_packing_builds_first_and_brings_libraries(self):
        build = self.build()
        (build / 'build.ninja').write_text('build product_bench: phony bench/gpu/product_bench\n')
        self.assertIsNone(self.pack(build))
        self.assertTrue((build / 'built').is_file())
        packed = {path.name: path.read_text() for path in (self.path / 'packed').iterdir()}
        self.assertEqual(packed, {'libfmt.so.9': 'fmt', 'COMMIT': 'abc\n', 'libmoesim_cuda.so': 'new',
                                  **{name: 'new' for name in device_programs.PLACES}})

    def test_packing_what_does_not_build_is_an_error(self):
        build = self.build()
        self.assertIn('no build has the programs', self.pack(build))
        (build / 'build.ninja').write_text('build product_bench: phony bench/gpu/product_bench\n')
        (self.path / 'tools' / 'cmake').write_text('#!/bin/sh\nexit 1\n')
        with mock.patch.dict(os.environ, {'PATH': f'{self.path}/tools:/usr/bin:/bin'}):
            self.assertIn('do not build', device_programs.pack(self.path, (build,), str))

    def test_tools_and_cublas_are_sought_in_the_toolkit(self):
        for place in ('compute-sanitizer/compute-sanitizer', 'bin/cuobjdump',
                      'targets/any/lib/libcublas.so.97'):
            path = self.path / place
            path.parent.mkdir(parents=True)
            path.write_text('')
            path.chmod(0o755)
        (self.path / 'library').write_bytes(b'\0libcublas.so.97\0')
        with mock.patch.dict(os.environ, {'CUDA_HOME': str(self.path), 'PATH': ''}):
            for name, place in (('compute-sanitizer', 'compute-sanitizer'), ('cuobjdump', 'bin')):
                self.assertEqual(device_programs.tool_path(name), f'{self.path}/{place}/{name}')
            self.assertEqual(device_programs.tool_path('no_such_tool'), 'no_such_tool')
            name = device_programs.needed_cublas(self.path / 'library')
            self.assertEqual(device_programs.cublas_folder(name), self.path / 'targets/any/lib')
            self.assertIsNone(device_programs.cublas_folder('libcublas.so.98'))


if __name__ == '__main__':
    unittest.main()
