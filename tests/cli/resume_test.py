# SPDX-License-Identifier: Apache-2.0
"""Runs that stop and go on: by themselves, by name, with a sweep that has grown, after a full disk."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time

import moesim_process
from moesim_process import MoesimTest, small_experiment

SEEDS = [1, 2, 3, 4, 5, 6]


def sweep_of(seeds, **changes):
    return small_experiment(network={"fidelity": "analytic"}, sweep={"router.seed": seeds},
                            **changes)


def stuck_sweep():
    """One quick point, then one that would take hours."""
    experiment = small_experiment(sweep={"routing.source": ["synthetic", "numerics"]})
    experiment["routing"] = {"source": "numerics", "proxy": {"train_steps": 10_000_000}}
    return experiment


class ResumeTest(MoesimTest):
    def run_of(self, name="small"):
        """The only run's folder."""
        [run] = [path for path in (self.folder / "runs" / name).iterdir()
                 if not path.is_symlink()]
        return run

    def manifest(self):
        return json.loads((self.run_of() / "manifest.json").read_text())

    def cut_down(self, rows, tail=b"", **manifest):
        """Makes the only run look as if it had been killed after these many rows."""
        run = self.run_of()
        journal = run / "results.ndjson"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(lines[:rows]) + tail)
        known = json.loads((run / "manifest.json").read_text())
        known.update({"status": "running", **manifest})
        (run / "manifest.json").write_text(json.dumps(known))
        return run

    def seeds_in(self, run):
        rows = [json.loads(line) for line in (run / "results.ndjson").read_text().splitlines()]
        self.assertEqual([row["scenario"]["index"] for row in rows], list(range(len(rows))))
        return [row["scenario"]["swept"]["router.seed"] for row in rows]


class Unfinished(ResumeTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("small.json", sweep_of(SEEDS))
        self.assertEqual(self.moesim("run", self.file).code, 0)
        self.whole = (self.run_of() / "results.ndjson").read_bytes()

    def assert_resumes(self, there, *arguments):
        done = self.moesim("run", self.file, *arguments)
        self.assertEqual(done.code, 0, done.err)
        run = os.path.relpath(self.run_of(), self.folder)
        self.assertIn(f"resuming {run}: {there} of 6 points are there\n", done.err)
        self.assertEqual((self.run_of() / "results.ndjson").read_bytes(), self.whole)
        self.assertEqual(self.manifest()["status"], "complete")

    def test_the_same_command_goes_on(self):
        self.cut_down(4)
        self.assert_resumes(4)
        self.assertEqual(len(self.manifest()["resumed"]), 1)

    def test_a_torn_last_line_is_cut_off(self):
        for tail in (self.whole[:100], b'{"status":"ok"\n', b"\0\0\0\0\n"):
            self.cut_down(3, tail)
            self.assert_resumes(3)

    def test_a_torn_point_folder_is_made_anew(self):
        run = self.cut_down(5)
        folder = run / "points" / "0005-router.seed=6"
        (folder / "result.json").write_text('{"status"')
        (folder / "trace.json.gz.partial").write_text("half")
        self.assert_resumes(5)
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         ["config.resolved.json", "log.txt", "result.json"])
        self.assertEqual(json.loads((folder / "result.json").read_text()),
                         json.loads(self.whole.splitlines()[5]))

    def test_a_damaged_line_in_the_middle_is_an_error_that_names_it(self):
        self.cut_down(2, b"{}\n" + self.whole.splitlines(keepends=True)[3])
        done = self.moesim("run", self.file)
        self.assertEqual(done.code, 2)
        self.assertIn("results.ndjson line 3", done.err)

    def test_a_finished_run_is_not_taken_up(self):
        done = self.moesim("run", self.file)
        self.assertEqual(done.code, 0)
        self.assertNotIn("resuming", done.err)

    def test_fresh_starts_a_new_run(self):
        unfinished = self.cut_down(4)
        done = self.moesim("run", self.file, "--fresh")
        self.assertEqual(done.code, 0)
        self.assertNotIn("resuming", done.err)
        self.assertNotEqual(self.latest("small"), unfinished.resolve())

    def test_another_build_starts_a_new_run_and_says_so(self):
        self.cut_down(4, commit="0123456789ab")
        done = self.moesim("run", self.file)
        self.assertEqual(done.code, 0)
        self.assertIn("is unfinished, but of another build of moesim: a new run begins", done.err)

    def test_a_run_of_another_build_that_is_named_is_an_error(self):
        run = self.cut_down(4, commit="0123456789ab")
        done = self.moesim("run", self.file, "--resume", run)
        self.assertEqual(done.code, 2)
        self.assertIn("was made by moesim 0.1.0 (0123456789ab)", done.err)
        self.assertIn("--fresh starts a new run", done.err)

    def test_another_arithmetic_starts_a_new_run_and_says_so(self):
        self.cut_down(4, backend="cuda:bf16 (NVIDIA H200)", arithmetic="cuda:bf16")
        done = self.moesim("run", self.file)
        self.assertEqual(done.code, 0)
        self.assertIn("is unfinished, but in the arithmetic of cuda:bf16 (--backend cuda:bf16 goes "
                      "on with it): a new run begins", done.err)
        self.assertNotIn("resuming", done.err)

    def test_a_run_in_another_arithmetic_that_is_named_is_an_error(self):
        run = self.cut_down(4, backend="cuda:bf16 (NVIDIA H200)", arithmetic="cuda:bf16")
        done = self.moesim("run", self.file, "--resume", run)
        self.assertEqual(done.code, 2)
        self.assertIn("was computed in the arithmetic of cuda:bf16, and this would be the "
                      "processor's arithmetic: their results do not mix\n  hint: go on with "
                      "--backend cuda:bf16; --fresh starts a new run", done.err)

    def test_the_backends_of_one_arithmetic_share_a_run_and_are_named(self):
        self.cut_down(4, backend="cuda (NVIDIA H200)")
        self.assert_resumes(4, "--backend", "auto")
        last = self.manifest()["backend"]
        self.assertRegex(last, r"^(cpu|cuda) \(.+\)$")
        self.cut_down(3)
        self.assert_resumes(3)
        self.assertEqual(self.manifest()["backend"], "cpu")
        self.assertEqual(self.manifest()["backends"], ["cuda (NVIDIA H200)", last, "cpu"])
        self.assertEqual(self.manifest()["arithmetic"], "processor")

    def test_other_points_are_another_run(self):
        self.cut_down(4)
        done = self.moesim("run", self.file, "--set", "training.seq_length=64")
        self.assertEqual(done.code, 0)
        self.assertNotIn("resuming", done.err)


class Grown(ResumeTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.moesim("run", self.write("small.json", sweep_of([2, 5, 3]))).code, 0)
        self.run_folder = self.run_of()
        points = self.run_folder / "points"
        self.inode = (points / "0001-router.seed=5" / "log.txt").stat().st_ino

    def test_rows_and_folders_follow_their_points_to_new_places(self):
        file = self.write("small.json", sweep_of([1, 2, 3, 4, 5]))
        done = self.moesim("run", file, "--resume", self.run_folder)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("3 of 5 points are there", done.err)
        self.assertEqual(self.seeds_in(self.run_folder), [1, 2, 3, 4, 5])
        fresh = self.moesim("run", file, "--fresh", "-o", "other")
        self.assertEqual(fresh.code, 0)
        other = self.folder / "other/small/latest"
        self.assertEqual((self.run_folder / "results.ndjson").read_bytes(),
                         (other / "results.ndjson").read_bytes())
        for seed in range(1, 6):
            folder = f"points/{seed - 1:04}-router.seed={seed}/result.json"
            self.assertEqual((self.run_folder / folder).read_bytes(),
                             (other / folder).read_bytes())
        moved = self.run_folder / "points/0004-router.seed=5/log.txt"
        self.assertEqual(moved.stat().st_ino, self.inode, "it ran again")
        self.assertEqual(self.manifest()["num_points"], 5)
        self.assertEqual((self.run_folder / "config.input.json").read_bytes(), file.read_bytes())

    def test_points_that_are_gone_are_dropped_with_a_word(self):
        done = self.moesim("run", self.write("small.json", sweep_of([5, 9])),
                           "--resume", self.run_folder)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("2 points that the sweep no longer has are dropped\n", done.err)
        self.assertEqual(self.seeds_in(self.run_folder), [5, 9])
        self.assertEqual(sorted(path.name for path in (self.run_folder / "points").iterdir()),
                         ["0000-router.seed=5", "0001-router.seed=9"])

    def test_a_run_with_none_of_the_points_is_left_alone(self):
        before = (self.run_folder / "results.ndjson").read_bytes()
        done = self.moesim("run", self.write("small.json", sweep_of([7, 8])),
                           "--resume", self.run_folder)
        self.assertEqual(done.code, 2)
        self.assertIn("none of its 3 points is in this sweep", done.err)
        self.assertEqual((self.run_folder / "results.ndjson").read_bytes(), before)

    def test_a_run_of_another_name_is_an_error(self):
        done = self.moesim("run", self.write("other.json", sweep_of([2, 3], name="other")),
                           "--resume", self.run_folder)
        self.assertEqual(done.code, 2)
        self.assertIn('is a run of "small", not of "other"', done.err)

    def test_one_point_cannot_be_resumed(self):
        done = self.moesim("run", self.write("small.json", small_experiment()),
                           "--resume", self.run_folder)
        self.assertEqual(done.code, 2)
        self.assertIn("only sweeps are resumed", done.err)


class Failed(ResumeTest):
    def test_a_failed_point_is_recorded_until_it_is_asked_for_again(self):
        sweep = {"routing.proxy.text": ["short.txt", "words.txt"]}
        experiment = small_experiment(training={"seq_length": 32}, sweep=sweep)
        proxy = {"hidden_size": 8, "moe_intermediate_size": 4, "window": 16, "train_steps": 2}
        experiment["routing"] = {"source": "numerics", "proxy": proxy}
        self.write("words.txt", "the quick brown fox jumps over the lazy dog\n" * 40)
        self.write("short.txt", "too short")
        file = self.write("small.json", experiment)
        self.assertEqual([row["status"] for row in self.rows(file, code=1)], ["failed", "ok"])
        run = self.run_of()
        self.assertEqual([row["status"] for row in
                          self.rows(file, "--resume", run, code=1)], ["failed", "ok"])
        done = self.moesim("run", file, "--retry-failed")
        self.assertEqual(done.code, 1)
        self.assertIn("1 of 2 points are there", done.err)
        self.assertEqual(self.run_of(), run)


class Stopped(ResumeTest):
    def start(self, *arguments):
        """A run that has recorded its first point and is deep in its second."""
        shutil.rmtree(self.folder / "runs", ignore_errors=True)
        file = self.write("small.json", stuck_sweep())
        process = subprocess.Popen(
            [moesim_process.BINARY, "run", file, "-j", "1", *arguments], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        while not list(self.folder.glob("runs/small/*/points/0001*/log.txt")):
            self.assertLess(time.monotonic(), deadline, "the first point never ended")
            time.sleep(0.02)
        return process

    def test_the_command_that_an_interrupt_prints_goes_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--fresh")
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3)
            [command] = [line for line in err.splitlines() if line.startswith("to go on: ")]
            command = command.removeprefix("to go on: ")
            self.assertNotIn("--fresh", command)
            done = subprocess.run(command + " --time-limit '1 s'", shell=True, cwd=self.folder,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("1 of 2 points are there", done.stderr)
            self.assertIn("time limit of 1 s reached", done.stdout)

    def test_two_processes_do_not_share_a_run(self):
        self.start()
        done = self.moesim("run", "small.json")
        self.assertEqual(done.code, 2)
        self.assertIn("another process is at work in this run\n"
                      "  hint: wait until it has ended, or start a run of its own with --fresh",
                      done.err)


class FullDisk(ResumeTest):
    """The system refuses files above a size, in the middle of a write, as a full disk does."""

    def limited(self, file, size, *arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return subprocess.run([moesim_process.BINARY, "run", file, *arguments], cwd=self.folder,
                              preexec_fn=limit, capture_output=True, text=True, timeout=60,
                              check=False)

    def test_what_is_recorded_stays_and_the_run_goes_on_when_there_is_room(self):
        file = self.write("small.json", sweep_of(list(range(40))))
        done = self.limited(file, 40_000)  # a row has some 4,000 bytes, a point's files fewer
        self.assertEqual(done.returncode, 2)
        self.assertIn("results.ndjson\n  cannot be written: ", done.stderr)
        self.assertIn("hint: make room on the disk; the same command goes on", done.stderr)
        self.assertEqual(done.stderr.count("hint:"), 1)
        journal = (self.run_of() / "results.ndjson").read_bytes()
        self.assertTrue(journal.endswith(b"}\n"))
        kept = journal.count(b"\n")
        self.assertGreater(kept, 3)
        again = self.moesim("run", file)
        self.assertEqual(again.code, 0, again.err)
        self.assertIn(f"{kept} of 40 points are there", again.err)
        self.assertEqual(self.seeds_in(self.run_of()), list(range(40)))

    def test_a_point_whose_files_do_not_fit_is_not_recorded(self):
        file = self.write("small.json", sweep_of(SEEDS))
        done = self.limited(file, 3_000)  # the manifest fits, no result does
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be written", done.stderr)
        self.assertFalse((self.run_of() / "results.ndjson").exists())
        self.assertEqual(list(self.run_of().rglob("result.json")), [])
        self.assertEqual(self.moesim("run", file).code, 0)

    def test_a_file_in_the_place_of_a_folder_stops_the_run(self):
        file = self.write("small.json", sweep_of(SEEDS))
        self.assertEqual(self.moesim("run", file).code, 0)
        run = self.cut_down(0)
        for path in sorted((run / "points").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (run / "points").rmdir()
        (run / "points").write_text("no folder")
        done = self.moesim("run", file)
        self.assertEqual(done.code, 2)
        self.assertIn("cannot be made: Not a directory", done.err)
        self.assertEqual(self.manifest()["status"], "stopped by an error")


if __name__ == "__main__":
    moesim_process.main()
