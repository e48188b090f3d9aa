# SPDX-License-Identifier: Apache-2.0
"""Runs the moesim binary for the tests beside this file: `x_test.py BINARY SOURCE_FOLDER`."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = ""
SOURCE = pathlib.Path()


def main():
    """Takes the two arguments that CTest gives and runs the calling file's tests."""
    global BINARY, SOURCE
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(module="__main__")


class Finished:
    """A process that has ended: its exit code, what it printed, how long it took."""

    def __init__(self, arguments, cwd, limit):
        start = time.monotonic()
        done = subprocess.run([BINARY, *arguments], cwd=cwd, timeout=limit, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)
        self.seconds = time.monotonic() - start
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()


class MoesimTest(unittest.TestCase):
    """A test with a folder of its own, which is its working directory and goes when it ends."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="moesim-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def moesim(self, *arguments, cwd=None, limit=300):
        return Finished([str(part) for part in arguments], cwd or self.folder, limit)

    def write(self, name, content):
        """Writes bytes, text or JSON to a file of the test's folder and returns its path."""
        path = self.folder / name
        if isinstance(content, (dict, list)):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def rows(self, file, *arguments, code=0):
        """Runs an experiment with --json and returns its rows."""
        done = self.moesim("run", file, "--json", *arguments)
        self.assertEqual(done.code, code, done.err)
        return [json.loads(line) for line in done.out.splitlines()]

    def newest(self, name):
        """The folder of the experiment's last run in ./runs, finished or not."""
        runs = [path for path in (self.folder / "runs" / name).iterdir() if not path.is_symlink()]
        return max(runs, key=lambda path: path.stat().st_mtime_ns)

    def latest(self, name):
        """The folder of the experiment's last finished run in ./runs."""
        return (self.folder / "runs" / name / "latest").resolve()


def small_experiment(**changes):
    """A synthetic experiment of two nodes that takes milliseconds; a change replaces a section's
    keys, or the section where it is no object."""
    experiment = {
        "name": "small",
        "model": {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
                  "num_key_value_heads": 2, "head_dim": 64, "num_experts": 32,
                  "num_experts_per_tok": 2, "moe_intermediate_size": 128, "vocab_size": 1000},
        "training": {"seq_length": 128},
        "parallel": {"expert_model_parallel_size": 16},
        "router": {"seed": 7},
        "routing": {"source": "synthetic", "synthetic": {"distribution": "zipf"}},
        "cluster": {"preset": "h100_rail_fat_tree", "num_nodes": 2},
        "network": {"fidelity": "flow"},
        "outputs": {"traces": []},
    }
    for section, change in changes.items():
        if isinstance(change, dict) and isinstance(experiment.get(section), dict):
            experiment[section] = {**experiment[section], **change}
        else:
            experiment[section] = change
    return experiment
