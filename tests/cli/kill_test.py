# SPDX-License-Identifier: Apache-2.0
"""A sweep that is killed again and again, goes on each time, and ends in the bytes of one that was
left alone."""

import json
import random
import signal
import subprocess
import time

import moesim_process
from moesim_process import MoesimTest, small_experiment

KILLS = 50
POINTS = 60


def quick_sweep():
    """Points of a few milliseconds each."""
    return small_experiment(network={"fidelity": "analytic"},
                            sweep={"router.seed": list(range(POINTS))})


def recorded(folder):
    """Index -> row of each whole line of the journal."""
    journal = folder / "results.ndjson"
    if not journal.exists():
        return {}
    lines = journal.read_bytes().split(b"\n")[:-1]
    return {json.loads(line)["scenario"]["index"]: line for line in lines}


def files_of_points(folder, indices):
    """Index -> what would change if the point ran again: its result is replaced by a new file."""
    found = {}
    for index in indices:
        stat = (folder / f"points/{index:04}-router.seed={index}" / "result.json").stat()
        found[index] = (stat.st_ino, stat.st_mtime_ns)
    return found


class Kills(MoesimTest):
    def start(self, file):
        return subprocess.Popen([moesim_process.BINARY, "run", str(file), "-j", "2"],
                                cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill_after(self, file, seconds, rows=0):
        """Kills a run these seconds after it has started or, where `rows` says so, has recorded so
        many more. True when it was killed; False when it had ended, rightly, before."""
        process = self.start(file)
        goal = self.num_rows() + rows
        while rows > 0 and self.num_rows() < goal and process.poll() is None:
            time.sleep(0.001)
        try:
            _, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
        if process.returncode == -signal.SIGKILL:
            return True
        self.assertEqual(process.returncode, 0, err.decode())
        return False

    def num_rows(self):
        """Of all runs together."""
        return sum((run / "results.ndjson").read_bytes().count(b"\n") for run in self.runs()
                   if (run / "results.ndjson").exists())

    def runs(self):
        folder = self.folder / "runs" / "small"
        if not folder.exists():
            return []
        return sorted(path for path in folder.iterdir()
                      if not path.is_symlink() and not path.name.startswith("."))

    def test_nothing_recorded_is_lost_or_done_twice(self):
        file = self.write("small.json", quick_sweep())
        self.assertEqual(self.moesim("run", file, "-o", "alone", "-j", "1").code, 0)
        alone = (self.folder / "alone/small/latest/results.ndjson").read_bytes()
        self.assertEqual(alone.count(b"\n"), POINTS)

        draw = random.Random(20260131)
        start = time.monotonic()
        self.assertFalse(self.kill_after(file, 60))
        whole = time.monotonic() - start
        kills = cut_short = 0
        state = {}  # run -> (rows, files) as they were after its last kill
        while kills < KILLS:
            # In turn soon after the start, whatever it does then, and soon after some points.
            rows = draw.randint(1, 8) if kills % 2 else 0
            killed = self.kill_after(file, draw.uniform(0, whole / (30 if rows else 3)), rows)
            kills += killed
            for run in self.runs():
                rows = recorded(run)
                files = files_of_points(run, rows)
                rows_before, files_before = state.get(run, ({}, {}))
                self.assertEqual({index: rows.get(index) for index in rows_before}, rows_before)
                self.assertEqual({index: files.get(index) for index in files_before},
                                 files_before, "a recorded point ran again")
                state[run] = (rows, files)
                cut_short += killed and len(rows_before) < len(rows) < POINTS
        self.assertFalse(self.kill_after(file, 60))
        self.assertGreater(cut_short, KILLS / 5, "the kills came too early to mean anything")
        for run in self.runs():
            self.assertEqual((run / "results.ndjson").read_bytes(), alone, run)
            manifest = json.loads((run / "manifest.json").read_text())
            self.assertEqual(manifest["status"], "complete")
            self.assertEqual(len(list((run / "points").iterdir())), POINTS)
            self.assertEqual(list(run.rglob("*.partial")), [])


if __name__ == "__main__":
    moesim_process.main()
