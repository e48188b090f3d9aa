# SPDX-License-Identifier: Apache-2.0
"""Each rule of tools/tidy.py is silent on a small good tree and finds one wrong step from it."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))
import cpp_scan  # noqa: E402
import tidy  # noqa: E402

SPDX = '// SPDX-License-Identifier: Apache-2.0\n'
MODULE = SPDX + '#include "sim/plan/rows.h"\n' + '// Why.\n' * tidy.TRIVIAL_LINES
GOOD = {
    'base/README.md': '# base\n',
    'base/units.h': SPDX,
    'sim/plan/README.md': '# plan\n',
    'sim/plan/rows.h': SPDX + '#include "base/units.h"\n',
    'sim/plan/rows.cpp': MODULE,
    'sim/step/README.md': '# step\n',
    'sim/step/graph.h': SPDX + '#include "sim/plan/rows.h"\n',
    'tests/sim/plan/rows_test.cpp': SPDX + '#include <gtest/gtest.h>\n#include "sim/plan/rows.h"\n',
    'topologies/presets/nodes/box.json':
        '{"name": "8 GB box", "count": 8, "port": {"speed": "50 GB/s"}, "kind": "fast",\n'
        ' "sources": {"count": "data sheet, page 2", "port.speed": "data sheet, page 3"}}\n',
}


def findings(changes=None, exceptions=tidy.Exceptions()):
    """What tidy says of the good tree after `changes` (path -> text, or None to remove)."""
    files = {path: text for path, text in {**GOOD, **(changes or {})}.items() if text is not None}
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        return [f'{path}:{line}: {message}' for path, line, message in tidy.check(root, exceptions)]


class TidyTest(unittest.TestCase):
    def assert_one(self, changes, start, words, **exceptions):
        found = findings(changes, tidy.Exceptions(**exceptions))
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(start), found[0])
        self.assertIn(words, found[0])

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(findings(), [])

    def test_a_file_of_501_lines_is_too_long_unless_it_is_a_named_table(self):
        for lines, number in ((tidy.MAX_FILE_LINES, 0), (tidy.MAX_FILE_LINES + 1, 1)):
            text = SPDX + '// A row.\n' * (lines - 1)
            self.assertEqual(len(findings({'base/units.h': text})), number)
        table = tidy.Exceptions(sizes={'base/units.h': 'a table'})
        self.assertEqual(findings({'base/units.h': text}, table), [])

    def test_columns_are_characters_not_bytes(self):
        self.assertEqual(findings({'base/units.h': SPDX + '// ' + 'µ' * 97 + '\n'}), [])
        self.assert_one({'base/units.h': SPDX + '// ' + 'µ' * 98 + '\n'}, 'base/units.h:2:', '101')

    # `void f() {`, n statements and `}` are n + 2 lines.
    def test_a_function_of_71_lines_is_too_long(self):
        body = '  ++i;\n'
        self.assertEqual(findings({'base/units.h': SPDX + 'void f() {\n' + body * 68 + '}\n'}), [])
        self.assert_one({'base/units.h': SPDX + 'void f() {\n' + body * 69 + '}\n'},
                        'base/units.h:2:', 'f has 71 lines')

    def test_six_parameters_are_too_many_and_template_arguments_are_none(self):
        five = 'void f(int a, std::map<int, int> b, int c, int d, int e) {}\n'
        self.assertEqual(findings({'base/units.h': SPDX + five}), [])
        self.assert_one({'base/units.h': SPDX + five.replace('e)', 'e, int g)')},
                        'base/units.h:2:', 'f has 6 parameters')

    def test_four_nested_blocks_are_too_many_braces_or_not(self):
        deep = ('void f() {\n  for (;;) {\n    if (a) {\n      while (b)\n        if (c) {}\n'
                '    }\n  }\n}\n')
        self.assert_one({'base/units.h': SPDX + deep}, 'base/units.h:2:', 'f has 4 nested')
        self.assertEqual(findings({'base/units.h': SPDX + deep.replace('while (b)', 'b();')}), [])

    def test_includes_against_the_arrows_are_found(self):
        against = {
            'base/units.h': 'sim/plan/rows.h',
            'sim/plan/rows.h': 'sim/step/graph.h',
            'sim/step/graph.h': 'tests/sim/plan/rows_test.cpp',
        }
        for path, included in against.items():
            self.assert_one({path: SPDX + f'#include "{included}"\n'}, path + ':2:',
                            f'must not include {included}')

    def test_sim_keeps_step_and_network_apart(self):
        network = {'sim/network/README.md': '# network\n', 'sim/network/network.h': SPDX}
        step = {'sim/step/graph.h': SPDX + '#include "sim/network/network.h"\n'}
        self.assert_one({**network, **step}, 'sim/step/graph.h:2:', 'sim/step must not')
        network['sim/network/network.h'] += '#include "sim/step/graph.h"\n'
        self.assert_one(network, 'sim/network/network.h:2:', 'sim/network must not')
        run = {'sim/README.md': '# sim\n', 'sim/run.h': SPDX + '#include "sim/step/graph.h"\n'}
        self.assertEqual(findings(run), [])

    def test_a_quoted_include_is_a_file_seen_from_the_root(self):
        self.assert_one({'base/units.h': SPDX + '#include "check.h"\n'}, 'base/units.h:2:',
                        'seen from the root')

    def test_libraries_stay_in_their_folders(self):
        for header in ('simgrid/s4u.hpp', 'xbt/log.h', 'Eigen/Core', 'boost/graph/graph_traits.hpp',
                       'nlohmann/json.hpp', 'protozero/types.hpp', 'zlib.h', 'CLI/CLI.hpp',
                       'gtest/gtest.h', 'benchmark/benchmark.h', 'cuda_runtime.h', 'cublas_v2.h'):
            self.assert_one({'base/units.h': SPDX + f'#include <{header}>\n'}, 'base/units.h:2:',
                            'may only be included in')
        reader = SPDX + '#include <nlohmann/json.hpp>\n'
        self.assertEqual(findings({'base/json_parse.cpp': reader}), [])

    def test_folders_with_sources_have_a_short_readme(self):
        self.assert_one({'base/README.md': None}, 'base:1:', 'README.md')
        self.assertEqual(findings({'base/README.md': 'line\n' * 15}), [])
        self.assert_one({'base/README.md': 'line\n' * 16}, 'base/README.md:1:', '16 lines')

    def test_a_folder_of_tests_needs_a_readme_only_where_it_mirrors_none(self):
        self.assert_one({'tests/support/star.h': SPDX}, 'tests/support:1:', 'README.md')

    def test_folder_names_that_say_nothing_are_found(self):
        for name in ('utils', 'misc', 'common', 'helpers', 'manager'):
            self.assert_one({f'base/{name}/README.md': 'text\n'}, f'base/{name}:1:', 'name')

    def test_sources_begin_with_the_licence_after_a_shebang(self):
        self.assert_one({'base/units.h': '#pragma once\n'}, 'base/units.h:1:', 'SPDX')
        self.assert_one({'base/CMakeLists.txt': 'project(x)\n'}, 'base/CMakeLists.txt:1:', 'SPDX')
        script = '#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\n'
        self.assertEqual(findings({'dev': script}), [])
        self.assert_one({'dev': script.splitlines()[0] + '\n'}, 'dev:2:', 'SPDX')

    def test_a_test_has_a_subject(self):
        orphan = {'tests/base/rng_test.cpp': SPDX}
        self.assert_one(orphan, 'tests/base/rng_test.cpp:1:', 'base/rng.h or base/rng.cpp')
        spared = tidy.Exceptions(subjects={'tests/base/rng_test.cpp': 'many'})
        self.assertEqual(findings(orphan, spared), [])

    def test_a_module_has_a_test_or_stands_in_the_ratchet(self):
        untested = {'tests/sim/plan/rows_test.cpp': None}
        self.assert_one(untested, 'sim/plan/rows.cpp:1:', 'has no test')
        self.assertEqual(findings(untested, tidy.Exceptions(untested=('sim/plan/rows.cpp',))), [])
        self.assert_one({}, 'sim/plan/rows.cpp:1:', 'remove it from the ratchet',
                        untested=('sim/plan/rows.cpp',))
        self.assert_one({}, 'tools/tidy.py:1:', 'base/gone.cpp', untested=('base/gone.cpp',))

    def test_every_number_of_a_preset_has_a_source(self):
        path = 'topologies/presets/nodes/box.json'
        for name in ('count', 'port.speed'):
            text = GOOD[path].replace(f'"{name}": "data', f'"{name}": "", "kind": "data')
            self.assert_one({path: text}, path, f'{name} has no entry')
        self.assert_one({path: GOOD[path].replace('"count": 8, ', '')}, path, 'is no field')
        self.assert_one({path: '{\n "count": }\n'}, path + ':2:', 'no JSON')

    def test_a_part_with_its_own_sources_answers_for_itself(self):
        part = '{"fabric": {"ports": 64, "sources": {"ports": "data sheet"}}}\n'
        path = 'topologies/presets/clusters/c.json'
        self.assertEqual(findings({path: part}), [])
        self.assert_one({path: part.replace('"data sheet"', '""')}, path, 'fabric: ports')

    def test_forbidden_words_are_found_where_they_stand(self):
        for word in ('/' + 'work/x', '/' + 'tmp/x', 'TO' + 'DO', 'FIX' + 'ME'):
            self.assert_one({'base/README.md': f'# base\n{word}\n'}, 'base/README.md:2:', word[:4])
        in_test = {'tests/sim/plan/rows_test.cpp': SPDX + '// /' + 'tmp/x\n'}
        self.assertEqual(findings(in_test), [])

    def test_white_space_and_registry_hosts_are_found(self):
        self.assert_one({'base/README.md': 'text \n'}, 'base/README.md:1:', 'white space')
        self.assert_one({'base/units.h': SPDX + '//\tx\n'}, 'base/units.h:2:', 'tab')
        self.assert_one({'web/package-lock.json': '{"resolved": "host"}\n'},
                        'web/package-lock.json:1:', 'registry')


class CppScanTest(unittest.TestCase):
    def names(self, text):
        return [function.name for function in cpp_scan.functions(text)]

    def test_braces_in_literals_comments_and_directives_are_no_braces(self):
        text = ('void f() {\n  g("{", \'{\', 1\'000, R"x({{)x");  // {\n}\n'
                '#define Z {\nvoid h() {}\n')
        self.assertEqual(self.names(text), ['f', 'h'])

    def test_values_types_and_lambdas_are_no_functions(self):
        text = ('namespace a {\nstruct S { int x{3}; };\nconst S k{1};\n'
                'void f() { auto g = [](int i) { return i; }; }\n}\n')
        self.assertEqual(self.names(text), ['f'])

    def test_constructors_with_initialisers_are_counted_once(self):
        text = 'A::A(int a, int b) : a_{a}, b_(b) {\n  if (a) {}\n}\n'
        found = cpp_scan.functions(text)
        self.assertEqual([(f.name, f.lines, f.parameters, f.nesting) for f in found],
                         [('A::A', 3, 2, 1)])

    def test_pure_virtual_functions_count_their_parameters(self):
        found = cpp_scan.functions('class A {\n public:\n  virtual void f(int a, int b) = 0;\n};\n')
        self.assertEqual([(f.name, f.line, f.parameters) for f in found], [('f', 3, 2)])


if __name__ == '__main__':
    unittest.main()
