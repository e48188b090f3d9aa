# SPDX-License-Identifier: Apache-2.0
"""Every `./dev run` and `./dev moesim` line of the README works as it stands.

Usage: readme_commands_test.py MOESIM SOURCE_DIR. `./dev` itself is not run (this test is part of
`./dev test`); the built binary stands in for it, with results in a temporary folder.
"""
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

MOESIM, SOURCE = (pathlib.Path(part).resolve() for part in sys.argv[1:3])


def commands():
    in_block = False
    for line in (SOURCE / "README.md").read_text().splitlines():
        if line.startswith("```"):
            in_block = line == "```bash"
        elif in_block and line.startswith("./dev "):
            yield shlex.split(line)[1:]


class ReadmeCommands(unittest.TestCase):
    def test_every_command_runs(self):
        # A folder that looks like the checkout: what one command writes the next one reads, and
        # nothing is left behind.
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        (pathlib.Path(place.name) / "experiments").symlink_to(SOURCE / "experiments")
        ran = 0
        for command in commands():
            arguments = {"run": command, "moesim": command[1:]}.get(command[0])
            if arguments is None:
                self.assertIn(command[0], ("setup", "build", "test", "bench", "tidy", "asan", "help"))
                continue
            with self.subTest(command=" ".join(command)):
                done = subprocess.run([MOESIM, *arguments], cwd=place.name, capture_output=True,
                                      text=True, timeout=120)
                if "built without the report's page" in done.stderr:
                    continue  # npm was missing when this moesim was built
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout)
            ran += 1
        self.assertGreaterEqual(ran, 5, "the README shows commands")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
