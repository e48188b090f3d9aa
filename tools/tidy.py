#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what compilers and clang-tidy cannot see: sizes, include arrows, folders, the test mirror,
the presets' sources and forbidden words. One line per finding, `path:line: message`; exit status 1
when there is any. Needs only Python's standard library.

    tools/tidy.py [ROOT]
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cpp_scan

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 100
MAX_PARAMETERS = 5
MAX_NESTING = 3
MAX_README_LINES = 15
TRIVIAL_LINES = 30  # a module of at most so many lines may go without a test of its own

# What each folder may include, beside itself; the longest name that fits a file's path decides.
# Inside sim: `step` builds plain values, `network` runs them, only sim's own files know both.
ARROWS = {
    'base': [],
    'model': ['base'],
    'topologies': ['base'],
    'sim': ['base', 'model', 'topologies'],
    'sim/plan': ['base', 'model', 'topologies'],
    'sim/cost': ['base', 'model', 'topologies'],
    'sim/collectives': ['base', 'model', 'topologies', 'sim/plan'],
    'sim/routing': ['base', 'model', 'topologies', 'sim/plan'],
    'sim/step': ['base', 'model', 'topologies', 'sim/plan', 'sim/cost', 'sim/collectives'],
    'sim/network': ['base', 'model', 'topologies', 'sim/collectives'],
    'sim/faults': ['base', 'topologies', 'sim/collectives', 'sim/network/network.h'],
    'sim/report': ['base', 'model', 'topologies', 'sim/plan', 'sim/cost', 'sim/collectives',
                   'sim/routing', 'sim/step', 'sim/network/network.h', 'sim/scenario.h'],
    'experiments': ['base', 'model', 'topologies', 'sim'],
    'cli': ['base', 'model', 'topologies', 'sim', 'experiments'],
    'bench': ['base', 'model', 'topologies', 'sim', 'experiments'],
    'tests': ['base', 'model', 'topologies', 'sim', 'experiments', 'cli', 'bench'],
}

# Which files may see which library: the header, the paths (a test may what its subject may).
LIBRARIES = [
    (r'simgrid/|xbt[/.]', r'sim/network/simgrid/'),
    (r'Eigen/', r'model/'),
    (r'cuda_runtime|cublas|cuda\.h|cub/', r'model/cuda/|bench/gpu/'),
    (r'boost/', r'topologies/'),
    (r'expat\.h', r'topologies/import_export/'),
    (r'nlohmann/', r'base/json_\w+\.cpp$|sim/report/writers/\w+\.cpp$'),
    (r'protozero/', r'sim/report/writers/'),
    (r'sqlite3\.h', r'experiments/results/'),
    (r'zlib\.h', r'sim/report/writers/'),
    (r'CLI/', r'cli/'),
    (r'gtest/|gmock/', r'tests/'),
    (r'benchmark/', r'bench/'),
]

FORBIDDEN_FOLDERS = {'utils', 'misc', 'common', 'helpers', 'manager'}
# Each pattern hides one letter in a class, so that it does not find itself.
TEMPORARY_FOLDER = 'a path of one machine: ask the system for its temporary folder'
FORBIDDEN_WORDS = [
    (r'(?<![\w.])/[w]ork/', 'a path of one machine'),
    (r'(?<![\w.])/[t]mp/', TEMPORARY_FOLDER),
    (r'\bTO[D]O\b|\bFIX[M]E\b', 'unfinished work: finish it or leave it out'),
]
SPDX = 'SPDX-License-Identifier: Apache-2.0'
SPDX_NAMES = re.compile(r'\.(h|cpp|cu|cmake|css|js|py|sh|mjs|ts)$|(^|/)CMakeLists\.txt$|^dev$|^\.ci/run$')
SOURCE_NAMES = re.compile(r'\.(h|cpp|cu|cmake|css|js|py|sh|mjs|ts)$')
PRESETS = re.compile(r'^(model|topologies|sim/collectives)/presets/.*\.json$')
QUANTITY = re.compile(r'^\d[\d.eE+-]*\s*[A-Za-zµ][\w/]*$')
TEST_DATA = 'tests/data/'  # inputs: white space may be what a test is about
# Folders under tests/ that mirror no folder of the tree.
NOT_MIRRORS = (TEST_DATA, 'tests/golden/', 'tests/oracles/', 'tests/support/')


@dataclass(frozen=True)
class Exceptions:
    """Files that a rule spares, one reason each."""
    sizes: dict = field(default_factory=dict)  # tables and generated data
    subjects: dict = field(default_factory=dict)  # tests of more than one module
    temporary_folders: dict = field(default_factory=dict)  # files that name the temporary folder
    untested: tuple = ()  # the ratchet: modules without a test; it only shrinks


EXCEPTIONS = Exceptions(
    subjects={
        'tests/model/spec/published_models_test.cpp': 'every preset against its published figures',
        'tests/sim/network/plan_change_test.cpp': 'Network::plan_change, for every fidelity',
        'tests/sim/disturbed_run_test.cpp': 'whole runs with faults, jobs and unlike accelerators',
    },
    untested=(
        'base/codec_errors.cpp',
        'base/container_codecs.cpp',
        'base/field_table.cpp',
        'base/json_file.cpp',
        'base/json_reference.cpp',
        'base/json_text.cpp',
        'base/leaf_codecs.cpp',
        'base/struct_codec.cpp',
        'cli/bench_collective_command.cpp',
        'cli/calibrate_command.cpp',
        'cli/cluster_argument.cpp',
        'cli/compare_command.cpp',
        'cli/edit_command.cpp',
        'cli/explain_command.cpp',
        'cli/generate_command.cpp',
        'cli/inspect_command.cpp',
        'cli/main.cpp',
        'cli/models_command.cpp',
        'cli/progress_line.cpp',
        'cli/report_command.cpp',
        'cli/merge_command.cpp',
        'cli/results_command.cpp',
        'cli/run_command.cpp',
        'cli/runner_flags.cpp',
        'cli/schema_command.cpp',
        'cli/search_command.cpp',
        'cli/topology_command.cpp',
        'cli/train_command.cpp',
        'cli/validate_command.cpp',
        'experiments/runs/mpi/mpi_transport.cpp',
        'experiments/runs/point_files.cpp',
        'experiments/runs/runner.cpp',
        'experiments/runs/worker.cpp',
        'sim/network/simgrid/engine.cpp',
        'sim/network/simgrid/link_recorder.cpp',
        'sim/network/simgrid/path_zone.cpp',
        'sim/report/metrics.cpp',
        'sim/report/result.cpp',
        'sim/routing/numerics_routing.cpp',
        'sim/routing/routing_config.cpp',
        'topologies/accelerator.cpp',
    ),
)


class Tree:
    """The files of a checkout: those that git knows or would add, else all but build outputs."""

    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(path for path in self._list() if (self.root / path).is_file())
        self.texts = {}
        for path in self.paths:
            try:
                self.texts[path] = (self.root / path).read_bytes().decode()
            except UnicodeDecodeError:
                continue  # not text

    def _list(self):
        command = ['git', '-C', str(self.root), 'ls-files', '-z', '-c', '-o', '--exclude-standard']
        try:
            return subprocess.run(command, capture_output=True, check=True).stdout.decode().split(
                '\0')[:-1]
        except (OSError, subprocess.CalledProcessError):
            return self._walk()

    def _walk(self):
        ignored = {'.git', 'build', 'runs', '.cache', 'node_modules', '__pycache__'}
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in ignored]
            for name in files:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    def cpp(self):
        return [path for path in self.texts if path.endswith(('.h', '.cpp', '.cu'))]


def folder_of(path):
    parent = str(PurePosixPath(path).parent)
    return '' if parent == '.' else parent


def is_inside(path, folder):
    return path == folder or path.startswith(folder + '/')


def check_sizes(tree, exceptions):
    for path in tree.cpp():
        if path in exceptions.sizes:
            continue
        lines = tree.texts[path].splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield path, 1, f'{len(lines)} lines, the cap is {MAX_FILE_LINES}'
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                yield path, number, f'{len(line)} columns, the cap is {MAX_COLUMNS}'
        for function in cpp_scan.functions(tree.texts[path]):
            for what, size, cap in (('lines', function.lines, MAX_FUNCTION_LINES),
                                    ('parameters', function.parameters, MAX_PARAMETERS),
                                    ('nested blocks', function.nesting, MAX_NESTING)):
                if size > cap:
                    message = f'{function.name} has {size} {what}, the cap is {cap}'
                    yield path, function.line, message


def arrow_error(path, included):
    folder = max((name for name in ARROWS if is_inside(path, name)), key=len, default=None)
    if folder is None:
        return f'"{path}" is in no folder that the include arrows know'
    if any(is_inside(included, name) for name in [folder] + ARROWS[folder]):
        return None
    return f'{folder} must not include {included} (see ARROWS in tools/tidy.py)'


def check_includes(tree, _exceptions):
    include = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
    for path in tree.cpp():
        for number, line in enumerate(tree.texts[path].splitlines(), 1):
            match = include.match(line)
            if not match:
                continue
            quote, included = match.groups()
            if quote == '"':
                if included not in tree.texts:
                    yield path, number, f'"{included}" is no file, seen from the root'
                elif error := arrow_error(path, included):
                    yield path, number, error
            subject = path.removeprefix('tests/')
            for header, allowed in LIBRARIES:
                if re.match(header, included) and not re.match(allowed, subject) and (
                        not re.match(allowed, path)):
                    yield path, number, f'<{included}> may only be included in {allowed}'


def mirrors_a_folder(folder, folders):
    return folder.startswith('tests/') and folder.removeprefix('tests/') in folders


def check_folders(tree, _exceptions):
    folders = {folder_of(path) for path in tree.paths}
    with_sources = {folder_of(path) for path in tree.texts if SOURCE_NAMES.search(path)}
    for folder in sorted(with_sources - {''}):
        if f'{folder}/README.md' not in tree.texts and not mirrors_a_folder(folder, folders):
            yield folder, 1, 'a folder with sources has a README.md that says what lives here'
    for path, text in tree.texts.items():
        folder = folder_of(path)
        if path.endswith('/README.md') and not is_inside(path, 'docs'):
            if (lines := len(text.splitlines())) > MAX_README_LINES:
                yield path, 1, f'{lines} lines, the cap of a folder\'s README is {MAX_README_LINES}'
    for folder in sorted(folders):
        if FORBIDDEN_FOLDERS & set(folder.split('/')):
            yield folder, 1, 'this name says nothing: name the folder for its idea'


def check_licence_lines(tree, _exceptions):
    for path, text in tree.texts.items():
        if SPDX_NAMES.search(path):
            lines = text.splitlines() + ['', '']
            place = 1 if lines[0].startswith('#!') else 0
            if SPDX not in lines[place]:
                yield path, place + 1, f'begins with a comment "{SPDX}"'


def check_test_mirror(tree, exceptions):
    for path in tree.cpp():
        if not path.startswith('tests/'):
            continue
        if path.endswith('_test.cpp') and not path.startswith(NOT_MIRRORS):
            subject = path.removeprefix('tests/').removesuffix('_test.cpp')
            known = subject + '.h' in tree.texts or subject + '.cpp' in tree.texts
            if not known and path not in exceptions.subjects:
                yield path, 1, f'tests {subject}.h or {subject}.cpp, and neither is there'
    for path in tree.cpp():
        if not path.endswith('.cpp') or path.startswith(('tests/', 'bench/')):
            continue
        tested = f'tests/{path.removesuffix(".cpp")}_test.cpp' in tree.texts
        trivial = len(tree.texts[path].splitlines()) <= TRIVIAL_LINES
        if tested and path in exceptions.untested:
            yield path, 1, 'has a test now: remove it from the ratchet in tools/tidy.py'
        elif not tested and not trivial and path not in exceptions.untested:
            yield path, 1, f'has no test tests/{path.removesuffix(".cpp")}_test.cpp'
    for path in exceptions.untested:
        if path not in tree.texts:
            yield 'tools/tidy.py', 1, f'the ratchet names {path}, which is not there'


def numbers_of(value, prefix=''):
    """Dotted names of an object's numbers, down to objects that have their own sources."""
    for key, inner in value.items():
        entries = inner if isinstance(inner, list) else [inner]
        if isinstance(inner, dict):
            if 'sources' not in inner:
                yield from numbers_of(inner, f'{prefix}{key}.')
        elif any(isinstance(entry, (int, float)) and not isinstance(entry, bool) or
                 isinstance(entry, str) and QUANTITY.match(entry) for entry in entries):
            yield prefix + key


def unsourced(value, where=''):
    sources = value.get('sources', {})
    fields = {key: inner for key, inner in value.items() if key not in ('name', 'sources')}
    for name in numbers_of(fields):
        if not sources.get(name):
            yield f'{where}{name} has no entry in its "sources"'
    for name in sources:
        inner = fields
        for key in name.split('.'):
            inner = inner.get(key) if isinstance(inner, dict) else None
        if inner is None:
            yield f'{where}sources names {name}, which is no field'
    for key, inner in fields.items():
        if isinstance(inner, dict) and 'sources' in inner:
            yield from unsourced(inner, f'{where}{key}: ')


def check_presets(tree, _exceptions):
    for path, text in tree.texts.items():
        if not PRESETS.match(path):
            continue
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            yield path, error.lineno, f'no JSON: {error.msg}'
            continue
        for message in unsourced(value):
            yield path, 1, message


def check_words(tree, exceptions):
    words = [(re.compile(pattern), why) for pattern, why in FORBIDDEN_WORDS]
    for path, text in tree.texts.items():
        may_name_folders = path.startswith('tests/') or path in exceptions.temporary_folders
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, why in words:
                match = pattern.search(line)
                if match and not (may_name_folders and why is TEMPORARY_FOLDER):
                    yield path, number, f'"{match.group(0)}" is {why}'
            if line != line.rstrip() and not path.startswith(TEST_DATA):
                yield path, number, 'ends in white space'
            if '\t' in line and path.endswith(('.h', '.cpp', '.cu')):
                yield path, number, 'has a tab'
            if '"resolved"' in line and path.endswith('package-lock.json'):
                yield path, number, 'names a package registry\'s host: leave "resolved" out'


RULES = (check_sizes, check_includes, check_folders, check_licence_lines, check_test_mirror,
         check_presets, check_words)


def check(root, exceptions=EXCEPTIONS):
    """All findings in the tree at `root`, as sorted (path, line, message)."""
    tree = Tree(root)
    return sorted(set(finding for rule in RULES for finding in rule(tree, exceptions)))


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    findings = check(root)
    for path, line, message in findings:
        print(f'{path}:{line}: {message}')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
