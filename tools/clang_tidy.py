#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy on the C++ sources that a build compiles, several in one translation unit.

Most of clang-tidy's time goes into the headers that every source includes, so sources with the same
flags are read as a group: a source that includes them. A group without findings has none in its
members. A group with findings, or whose members cannot stand in one unit (two have something of the
same name), is taken apart, and only what clang-tidy finds in the members one by one counts.

    tools/clang_tidy.py BUILD [SOURCE...]

BUILD holds compile_commands.json. SOURCE, by default all that git tracks and BUILD compiles but
bench/, are paths from the root. Exit status 1 when there is a finding."""

import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cpp_scan

ROOT = Path(__file__).resolve().parents[1]
MOST_OF_A_GROUP = 8
ARGUMENTS = ['--quiet', '--warnings-as-errors=*', f'--config-file={ROOT / ".clang-tidy"}']
# A compiler's words that are not flags to read a source with; g++'s precompiled headers are its own.
TAKES_A_WORD = {'-o', '-include'}
NOT_A_FLAG = {'-c', '-Winvalid-pch', *TAKES_A_WORD}
_ANONYMOUS = re.compile(r'\bnamespace\s*\{')
# What a definition at a line's beginning names: the word before its (, {, [, = or ;.
_NAMES = re.compile(r'^(?! |#|\}|//|using|template|namespace|TEST|return|private|public)'
                    r'[^\n(={;]*?\b(\w+)\s*(?:\[[^\n\]]*\]\s*)?[(={;]', re.M)


def commands(build):
    """{source: flags}: how the build compiles each source, the first way if there are several."""
    found = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        source = os.path.normpath(os.path.join(entry['directory'], entry['file']))
        words = shlex.split(entry['command'])
        start = next(i for i, word in enumerate(words) if word.startswith('-'))
        flags, skip = [], False
        for word in words[start:]:
            if not skip and word not in NOT_A_FLAG and word != entry['file']:
                flags.append(word)
            skip = word in TAKES_A_WORD
        found.setdefault(source, tuple(flags))
    return found


def private_names(text):
    """Names that a source's anonymous namespaces define: no other of its unit may define them."""
    text = cpp_scan.blank(text)
    begin = _ANONYMOUS.search(text)
    return set(_NAMES.findall(text, begin.end())) if begin else set()


def groups(sources, flags_of, most=MOST_OF_A_GROUP):
    """Sources of the same flags, in order, each group without two that define the same name."""
    done, open_groups = [], {}
    for source in sources:
        key = flags_of[source]
        names = private_names(Path(source).read_text(encoding='utf-8'))
        candidates = open_groups.setdefault(key, [])
        for group in candidates:
            if len(group[0]) < most and not group[1] & names:
                group[0].append(source)
                group[1].update(names)
                break
        else:
            candidates.append(([source], names))
            done.append(candidates[-1][0])
    return done


class Tidy:
    def __init__(self, build, flags_of, place):
        self.build, self.flags_of, self.place = build, flags_of, place

    def write_units(self, all_groups):
        """A source per group, and the commands that clang-tidy reads groups and members with."""
        self.place.mkdir(parents=True, exist_ok=True)
        entries = []
        for number, members in enumerate(all_groups):
            unit = self.unit(number)
            unit.write_text(''.join(f'#include "{member}"\n' for member in members))
            flags = self.flags_of[members[0]]
            entries += [{'directory': str(self.build), 'file': source,
                         'arguments': ['c++', *flags, '-c', source]}
                        for source in (str(unit), *members)]
        (self.place / 'compile_commands.json').write_text(json.dumps(entries))

    def unit(self, number):
        return self.place / f'group_{number}.cpp'

    def findings(self, numbered):
        """Of a group: '' where there are none, else what clang-tidy says of its members."""
        number, members = numbered
        if len(members) > 1 and self.says(self.unit(number)) == '':
            return ''
        return ''.join(self.says(member) for member in members)

    def says(self, source):
        command = ['clang-tidy', '-p', str(self.place), *ARGUMENTS, str(source)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return '' if done.returncode == 0 else done.stdout + done.stderr


def tracked_sources():
    listed = subprocess.run(['git', 'ls-files', '*.cpp'], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split('\n')
    return [str(ROOT / name) for name in listed if name and not name.startswith('bench/')]


def check(build, sources, place):
    """Findings of the sources, a text for each group that has some; writes units below `place`."""
    flags_of = commands(build)
    all_groups = groups([source for source in sources if source in flags_of], flags_of)
    tidy = Tidy(build, flags_of, place)
    tidy.write_units(all_groups)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        return [text for text in workers.map(tidy.findings, enumerate(all_groups)) if text]


def main(arguments):
    build = Path(arguments[0]).resolve()
    sources = [str((ROOT / name).resolve()) for name in arguments[1:]] or tracked_sources()
    found = check(build, sources, build / 'tidy')
    print(''.join(found), end='')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
