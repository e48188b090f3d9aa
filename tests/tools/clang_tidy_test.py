# SPDX-License-Identifier: Apache-2.0
"""tools/clang_tidy.py finds in groups what clang-tidy finds in each source by itself."""

import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))
import clang_tidy  # noqa: E402

SKIPPED = 77
CLEAN = 'namespace {\nint twice(int x) { return 2 * x; }\n}\nint %s(int x) { return twice(x); }\n'
# Half of 3 / 2 in whole numbers: bugprone-integer-division.
LOSES_A_HALF = ('namespace {\ndouble half(int x) { return x / 2; }\n}\n'
                'double %s(int x) { return half(x); }\n')


class ClangTidyTest(unittest.TestCase):
    def findings(self, files):
        """What is said of the sources in `files` (path -> text), and how large their groups are."""
        with tempfile.TemporaryDirectory() as root:
            root = Path(root)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            sources = [str(root / path) for path in files if path.endswith('.cpp')]
            commands = [{'directory': str(root), 'file': source,
                         'command': f'/usr/bin/c++ -I{root} -std=c++20 -o x.o -c {source}'}
                        for source in sources]
            (root / 'compile_commands.json').write_text(json.dumps(commands))
            grouped = clang_tidy.groups(sources, clang_tidy.commands(root))
            found = clang_tidy.check(root, sources, root / 'tidy')
            return ''.join(found), [len(group) for group in grouped]

    def test_a_group_without_findings_has_none(self):
        found, grouped = self.findings({'base/a.cpp': 'int a() { return 1; }\n',
                                        'base/b.cpp': 'int b() { return 2; }\n'})
        self.assertEqual((found, grouped), ('', [2]))

    def test_what_one_of_a_group_does_wrong_is_found_there(self):
        found, grouped = self.findings({'base/a.cpp': CLEAN % 'a',
                                        'base/b.cpp': LOSES_A_HALF % 'b'})
        self.assertEqual(grouped, [2])
        self.assertIn('bugprone-integer-division', found)
        self.assertIn('base/b.cpp:2', found)
        self.assertNotIn('base/a.cpp', found)

    def test_what_a_header_does_wrong_is_found(self):
        half = '#pragma once\ninline double half(int x) { return x / 2; }\n'
        found, _ = self.findings({'base/half.h': half,
                                  'base/a.cpp': '#include "base/half.h"\nint a() { return 1; }\n',
                                  'base/b.cpp': '#include "base/half.h"\nint b() { return 2; }\n'})
        self.assertIn('base/half.h:2', found)

    def test_sources_that_define_the_same_name_go_into_groups_of_their_own(self):
        found, grouped = self.findings({'base/a.cpp': CLEAN % 'a', 'base/b.cpp': CLEAN % 'b'})
        self.assertEqual((found, grouped), ('', [1, 1]))

    # No anonymous namespace says that `shared` clashes: the group does not compile, its members do.
    def test_a_group_that_cannot_be_read_is_taken_apart(self):
        source = 'static int shared = 1;\nint %s() { return shared; }\n'
        found, grouped = self.findings({'base/a.cpp': source % 'a', 'base/b.cpp': source % 'b'})
        self.assertEqual((found, grouped), ('', [2]))

    def test_a_source_that_does_not_compile_is_a_finding(self):
        found, _ = self.findings({'base/a.cpp': 'int a() { return missing; }\n'})
        self.assertIn('missing', found)


if __name__ == '__main__':
    if shutil.which('clang-tidy') is None:
        print('SKIP: clang-tidy is not installed')
        sys.exit(SKIPPED)
    unittest.main()
