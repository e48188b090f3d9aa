# SPDX-License-Identifier: Apache-2.0
"""Finds functions in C++ text by their braces: good enough for size caps, not a parser."""

import re
from dataclasses import dataclass

_TOKENS = re.compile(
    r'(?P<raw>R"(?P<tag>[^\s()\\]*)\(.*?\)(?P=tag)")'
    r'|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])*')"
    r'|(?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)',
    re.S | re.M)
_CONTROL = re.compile(r'\b(else\s+if|if|for|while|switch|do|else|try|catch)\b')
_SCOPE = re.compile(r'\b(namespace|class|struct|union|enum|extern)\b')


@dataclass(frozen=True)
class Function:
    name: str
    line: int  # of its first line, from 1
    lines: int  # with its signature and closing brace; 0 for a pure virtual declaration
    parameters: int
    nesting: int  # of control blocks inside


def blank(text):
    """The text with comments, literals and directives as spaces: same length, same lines."""
    return _TOKENS.sub(lambda token: re.sub(r'[^\n]', ' ', token.group(0)), text)


def _without_template_heads(header):
    while (match := re.match(r'\s*template\s*<', header)):
        depth, end = 1, match.end()
        while end < len(header) and depth:
            depth += {'<': 1, '>': -1}.get(header[end], 0)
            end += 1
        header = header[end:]
    return header


def _first_parentheses(header):
    """(text before, text inside, text after) of the header's first argument list, or None."""
    start = re.search(r'operator\s*\(\s*\)\s*\(|\(', header)
    if not start:
        return None
    depth = 1
    for end in range(start.end(), len(header)):
        depth += {'(': 1, ')': -1}.get(header[end], 0)
        if depth == 0:
            return header[:start.end() - 1], header[start.end():end], header[end + 1:]
    return None


def _count_parameters(inside):
    if not inside.strip() or inside.strip() == 'void':
        return 0
    depth, count = 0, 1
    for character in inside.replace('->', '  '):
        depth += {'(': 1, '<': 1, '{': 1, '[': 1, ')': -1, '>': -1, '}': -1, ']': -1}.get(
            character, 0)
        count += character == ',' and depth == 0
    return count


def _kind(header):
    """What a brace after `header` opens in a namespace or a class."""
    header = _without_template_heads(header)
    parts = _first_parentheses(header)
    before = re.sub(r'operator\s*(\(\s*\)|\S+)', 'operator', parts[0]) if parts else header
    if _SCOPE.search(before) and not (parts and re.search(r'[\w>&*]\s+[\w:~]+$', before) and
                                      not before.rstrip().endswith('alignas')):
        return 'scope'
    if not parts or '=' in before:
        return 'value'
    after = parts[2]
    if re.match(r'[^{]*?(?<!:):(?!:)', after) and re.search(r'[,:]\s*[\w:]+(<[^()]*>)?\s*$', after):
        return 'member'  # of a constructor's initialisers: the body comes later
    return 'function'


def _depth_of(header):
    """Control blocks that a brace after `header` opens, the braceless ones before it included."""
    flat = header
    while (inner := re.sub(r'\([^()]*\)', ' ', flat)) != flat:
        flat = inner
    return len(_CONTROL.findall(flat))


class _Scanner:
    def __init__(self, text):
        self.text = blank(text)
        self.start = 0  # of the statement that is being read
        self.parentheses = 0
        self.stack = []  # (kind, start, parentheses, control blocks) of the open braces
        self.found = []
        self.deepest = 0

    def scan(self):
        for at, character in enumerate(self.text):
            if character in '()':
                self.parentheses += 1 if character == '(' else -1
            elif character == '{':
                self._open(at)
            elif character == '}' and self.stack:
                self._close(at)
            elif character == ';' and self.parentheses == 0:
                if not self._in_function():
                    self._declaration(self.text[self.start:at])
                self.start = at + 1
            elif character == ':' and self.parentheses == 0 and self._ends_label(at):
                self.start = at + 1
        return self.found

    def _ends_label(self, at):
        return re.fullmatch(r'\s*(public|private|protected|default|case\b[^:?]*)\s*',
                            self.text[self.start:at]) and self.text[at:at + 2] != '::'

    def _in_function(self):
        return any(kind == 'function' for kind, *_ in self.stack)

    def _open(self, at):
        header = self.text[self.start:at]
        depth = 0
        if self._in_function():
            kind = 'inner'
            depth = _depth_of(header) if self.parentheses == 0 else 0
        else:
            kind = _kind(header) if self.parentheses == 0 else 'value'
        if kind == 'function':
            self.deepest = 0
        self.stack.append((kind, self.start, self.parentheses, depth))
        self.deepest = max(self.deepest, sum(entry[3] for entry in self.stack))
        self.start, self.parentheses = at + 1, 0

    def _close(self, at):
        kind, start, self.parentheses, depth = self.stack.pop()
        if kind == 'function':
            self._add(self.text[start:at], start, at)
        statement_goes_on = kind in ('value', 'member') or self.parentheses > 0 or (
            kind == 'inner' and depth == 0)
        self.start = start if statement_goes_on else at + 1

    def _declaration(self, header):
        if re.search(r'\)[^()]*=\s*0\s*$', header):
            self._add(header, self.start, None)

    def _add(self, header, start, end):
        start += len(header) - len(header.lstrip())
        parts = _first_parentheses(_without_template_heads(header))
        name = re.search(r'(operator\s*\S*|[\w:~]+)\s*$', parts[0])
        line = self.text.count('\n', 0, start) + 1
        lines = 0 if end is None else self.text.count('\n', start, end) + 1
        self.found.append(Function(name.group(1) if name else '?', line, lines,
                                   _count_parameters(parts[1]),
                                   0 if end is None else self.deepest))


def functions(text):
    """The functions that C++ text defines, and the pure virtual ones that it declares."""
    return _Scanner(text).scan()
