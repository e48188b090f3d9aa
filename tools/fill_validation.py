#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a fresh table of the measured series into docs/validation.md.

    tools/fill_validation.py docs/validation.md SUMMARY.txt
"""
import pathlib
import re
import sys


def main():
    docs, summary = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    table = summary.read_text(encoding="utf-8")
    text, count = re.subn(r"(?m)^\| series \|.*\n(?:\|.*\n)+", lambda _: table,
                          docs.read_text(encoding="utf-8"))
    if count != 1:
        sys.exit("fill_validation: the page has not one table of series")
    docs.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
