#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a fresh summary of the quickstart between the README's ```text fences.

    tools/fill_readme.py README.md SUMMARY.txt

The last line of the summary (where results lie) is left out: its folder has a time stamp.
"""
import pathlib
import re
import sys


def main():
    readme, summary = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    lines = [line.rstrip() for line in summary.read_text(encoding="utf-8").splitlines()
             if not line.startswith("results in ")]
    block = "```text\n" + "\n".join(lines).strip("\n") + "\n```"
    text, count = re.subn(r"```text\n.*?\n```", lambda _: block,
                          readme.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
    if count != 1:
        sys.exit("fill_readme: the README has no ```text block")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
