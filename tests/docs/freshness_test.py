# SPDX-License-Identifier: Apache-2.0
"""The committed schema and reference page are what the program prints today.

Usage: freshness_test.py MOESIM SOURCE_DIR. After a change of keys: tools/update_goldens.
"""
import pathlib
import subprocess
import sys
import unittest

MOESIM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])


def printed(*arguments):
    return subprocess.run([MOESIM, *arguments], check=True, capture_output=True, text=True).stdout


class Freshness(unittest.TestCase):
    def test_the_schema_is_fresh(self):
        committed = (SOURCE / "experiments/experiment.schema.json").read_text()
        self.assertEqual(committed, printed("schema"), "run tools/update_goldens")
        committed = (SOURCE / "experiments/training.schema.json").read_text()
        self.assertEqual(committed, printed("schema", "--training"), "run tools/update_goldens")

    def test_the_reference_page_is_fresh(self):
        committed = (SOURCE / "docs/reference.md").read_text()
        self.assertEqual(committed, printed("schema", "--reference"), "run tools/update_goldens")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
