# SPDX-License-Identifier: Apache-2.0
"""Sweeps, and points that fail, hang, are killed or interrupted: the other points stay."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import moesim_process
from moesim_process import MoesimTest, small_experiment


def endless_experiment(**changes):
    """A proxy that would be trained for hours."""
    experiment = small_experiment(**changes)
    experiment["routing"] = {"source": "numerics", "proxy": {"train_steps": 10_000_000}}
    return experiment


def children_of(process):
    """The ids of the process's children."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # "pid (name) state parent ...": the name may hold anything, the last ')' ends it.
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # it has ended meanwhile
        if int(fields[1]) == process:
            found.append(int(stat.parent.name))
    return found


class Sweeps(MoesimTest):
    def test_the_points_are_all_combinations_the_last_key_fastest(self):
        sweep = {"router.seed": [1, 2], "router.capacity_factor": [1.0, None]}
        rows = self.rows(self.write("small.json", small_experiment(sweep=sweep)))
        swept = [(row["scenario"]["swept"]["router.seed"],
                  row["scenario"]["swept"]["router.capacity_factor"]) for row in rows]
        self.assertEqual(swept, [(1, 1.0), (1, None), (2, 1.0), (2, None)])
        self.assertEqual(len({row["scenario"]["point"] for row in rows}), 4)
        for row in rows:
            dropless = row["scenario"]["swept"]["router.capacity_factor"] is None
            self.assertEqual(row["drop_rate"] == 0, dropless)

    def test_a_flag_sweeps_as_the_file_does(self):
        file = self.write("small.json", small_experiment())
        rows = self.rows(file, "--sweep", "router.seed=1,2", "--sweep",
                         'model.num_experts_per_tok={"geometric": [1, 4, 3]}')
        swept = [row["scenario"]["swept"] for row in rows]
        self.assertEqual(swept, [{"router.seed": seed, "model.num_experts_per_tok": top_k}
                                 for seed in (1, 2) for top_k in (1, 2, 4)])

    def test_a_dry_run_lists_what_is_left_out_and_estimates_the_rest(self):
        sweep = {"router.seed": {"range": [0, 2]},
                 "exclude": [{"where": {"router.seed": 1}, "reason": "known already"}]}
        done = self.moesim("run", self.write("small.json", small_experiment(sweep=sweep)), "-n",
                           "-j", "2")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("skipped: /sweep/exclude: known already", done.out)
        self.assertRegex(done.out, r"estimate: the first point takes [0-9.e+-]+ s and [0-9]+ MB; "
                                   r"2 points like it on 2 workers about")
        self.assertFalse((self.folder / "runs").exists())

    def test_a_point_left_out_is_a_row_with_its_reason(self):
        sweep = {"router.seed": [1, 2],
                 "exclude": [{"where": {"router.seed": {"above": 1}}, "reason": "known already"}]}
        rows = self.rows(self.write("small.json", small_experiment(sweep=sweep)))
        self.assertEqual([row["status"] for row in rows], ["ok", "skipped"])
        self.assertEqual(rows[1]["reason"], "/sweep/exclude: known already")

    def test_a_swept_point_has_the_figures_of_the_same_point_alone(self):
        file = self.write("small.json", small_experiment())
        [alone] = self.rows(file, "--set", "router.seed=5")
        rows = self.rows(file, "--set", 'sweep={"router.seed": [4, 5]}')
        for row in (alone, rows[1]):
            del row["scenario"]["point"], row["scenario"]["index"], row["scenario"]["swept"]
        self.assertEqual(rows[1], alone)

    def test_a_point_that_cannot_be_is_skipped_and_the_others_run(self):
        sweep = {"model.num_experts_per_tok": [64, 2, 33, 4]}
        file = self.write("small.json", small_experiment(sweep=sweep))
        rows = self.rows(file, code=0)
        self.assertEqual([row["status"] for row in rows], ["skipped", "ok", "skipped", "ok"])
        self.assertEqual(rows[0]["reason"],
                         "/model/num_experts_per_tok: a token picks 64 of 32 experts")
        self.assertEqual({row["scenario"]["name"] for row in rows}, {"small"})
        folders = sorted(path.name for path in (self.latest("small") / "points").iterdir())
        self.assertEqual(folders, ["0001-model.num_experts_per_tok=2",
                                   "0003-model.num_experts_per_tok=4"])
        manifest = json.loads((self.latest("small") / "manifest.json").read_text())
        self.assertEqual(manifest["status"], "complete")
        dry = self.moesim("run", file, "--dry-run")
        self.assertEqual(dry.code, 0)
        self.assertEqual(dry.out.count("skipped: "), 2)
        self.assertIn("sweep model.num_experts_per_tok=64  /model/num_experts_per_tok: a token "
                      "picks 64 of 32 experts", dry.out)

    def test_rows_do_not_hang_on_the_folder_that_the_command_is_run_from(self):
        """A table that is read, a preset, one that no step reads, and a point that cannot be."""
        presets = moesim_process.SOURCE / "sim/cost/presets"
        own = self.folder / "own"
        own.mkdir()
        shutil.copy(presets / "h200_vllm.json", own / "mine.json")
        shutil.copy(presets / "h200_sglang.json", self.folder / "mine.json")
        experiment = small_experiment(cluster={"preset": "h200_single_switch"}, sweep={
            "cases": [{"cluster.node.accelerator.cost_table": "mine.json", "cost.source": "table"},
                      {"cluster.node.accelerator.cost_table": "h200_vllm", "cost.source": "table"},
                      {"cluster.node": {"accelerator": {"cost_table": "mine.json"}}},
                      {"model.num_experts_per_tok": 64}]})
        self.write("own/small.json", experiment)
        printed = [self.moesim("run", file, "--json", cwd=cwd)
                   for file, cwd in (("own/small.json", self.folder), ("small.json", own))]
        self.assertEqual([done.code for done in printed], [0, 0], printed[0].err)
        self.assertEqual(printed[0].out, printed[1].out)
        rows = [json.loads(line) for line in printed[0].out.splitlines()]
        self.assertEqual([row["status"] for row in rows], ["ok", "ok", "ok", "skipped"])
        self.assertIn("table mine.json sha256 ", rows[0]["cost_source"])
        self.assertEqual(rows[0]["step_time_s"], rows[1]["step_time_s"], "vLLM's, not SGLang's")
        self.assertEqual([text for text in rows[2]["warnings"] if "cost_table" in text],
                         ["/cluster/node/accelerator/cost_table: it has no effect: cost.source is "
                          "roofline (to use it: table)"])

    def test_the_summary_names_the_skipped_point(self):
        sweep = {"model.num_experts_per_tok": [64, 2]}
        done = self.moesim("run", self.write("small.json", small_experiment(sweep=sweep)))
        self.assertEqual(done.code, 0)
        self.assertRegex(done.out, r"\n +0 skipped: .*\(model\.num_experts_per_tok=64\)\n")
        self.assertRegex(done.out, r"\n +1 +[0-9.]+ .* model\.num_experts_per_tok=2\n")

    def test_a_point_that_fails_late_is_a_row_and_the_exit_code_tells(self):
        self.write("short.txt", "too short")
        experiment = small_experiment(sweep={"routing.source": ["numerics", "synthetic"]})
        experiment["routing"]["proxy"] = {"text": "short.txt"}
        rows = self.rows(self.write("small.json", experiment), code=1)
        self.assertEqual([row["status"] for row in rows], ["failed", "ok"])
        self.assertIn("/routing/proxy/text: ", rows[0]["reason"])
        self.assertIn("short.txt: the text has 9 bytes", rows[0]["reason"])
        manifest = json.loads((self.latest("small") / "manifest.json").read_text())
        self.assertEqual(manifest["status"], "points failed")


    def test_without_folders_only_a_failed_point_leaves_its_log(self):
        self.write("words.txt", "too short")
        experiment = small_experiment(sweep={"routing.source": ["numerics", "synthetic"]},
                                      outputs={"points": "none", "traces": ["chrome"]})
        experiment["routing"]["proxy"] = {"text": "words.txt"}
        file = self.write("small.json", experiment)
        rows = self.rows(file, code=1)
        self.assertEqual([row["status"] for row in rows], ["failed", "ok"])
        points = self.latest("small") / "points"
        self.assertEqual([str(path.relative_to(points)) for path in sorted(points.rglob("*"))],
                         ["0000-routing.source=numerics", "0000-routing.source=numerics/log.txt"])
        alone = self.rows(file, "--set", "sweep={}", "--set", "routing.source=synthetic")
        self.assertEqual(alone[0]["step_time_s"], rows[1]["step_time_s"])
        self.assertTrue((self.latest("small") / "trace.json.gz").exists(), "one point has files")

    def test_a_sweep_of_more_than_a_thousand_points_is_rows_alone(self):
        file = self.write("small.json", small_experiment(
            network={"fidelity": "analytic"}, sweep={"router.seed": list(range(1001))}))
        done = self.moesim("run", file)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(done.out.startswith("small: 1001 ok\nto see them: moesim results runs/"),
                        done.out)
        run = self.latest("small")
        self.assertEqual(sorted(path.name for path in run.iterdir()),
                         [".lock", "config.input.json", "manifest.json", "results.csv",
                          "results.ndjson", "results.sqlite"])
        self.assertEqual((run / "results.ndjson").read_bytes().count(b"\n"), 1001)


class Interruptions(MoesimTest):
    def start(self, experiment, *arguments):
        """Starts a run and returns it with its first worker, which is deep in its work."""
        file = self.write("small.json", experiment)
        process = subprocess.Popen([moesim_process.BINARY, "run", file, "--json", *arguments],
                                   cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        while not (children := children_of(process.pid)):
            self.assertIsNone(process.poll(), "the run ended by itself")
            self.assertLess(time.monotonic(), deadline, "no worker appeared")
            time.sleep(0.02)
        time.sleep(0.3)
        return process, children[0]

    def end(self, process):
        out, err = process.communicate(timeout=60)
        return [json.loads(line) for line in out.splitlines()], err

    def assert_gone(self, child):
        self.assertFalse(pathlib.Path(f"/proc/{child}").exists())

    def test_the_time_limit_ends_a_point(self):
        file = self.write("small.json", endless_experiment())
        start = time.monotonic()
        [row] = self.rows(file, "--time-limit", "1 s", code=1)
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual((row["status"], row["reason"]), ("failed", "time limit of 1 s reached"))
        manifest = json.loads((self.latest("small") / "manifest.json").read_text())
        self.assertEqual(manifest["status"], "points failed")

    def test_the_time_limit_leaves_the_other_points(self):
        sweep = {"routing.source": ["synthetic", "numerics"]}
        rows = self.rows(self.write("small.json", endless_experiment(sweep=sweep)),
                         "--time-limit", "2 s", code=1)
        self.assertEqual([row["status"] for row in rows], ["ok", "failed"])

    def test_a_point_that_takes_too_much_memory_is_stopped(self):
        sweep = {"routing.source": ["numerics", "synthetic"]}
        file = self.write("small.json", endless_experiment(sweep=sweep))
        start = time.monotonic()
        rows = self.rows(file, "--max-memory", "1 MiB", "--time-limit", "60 s", code=1)
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual(rows[0]["reason"], "memory limit of 1 MiB exceeded")
        # The second may end before its memory is looked at.
        self.assertIn(rows[1]["reason"], ("", "memory limit of 1 MiB exceeded"))
        [row] = self.rows(self.write("lone.json", endless_experiment()), "--max-memory", "1 GiB",
                          "--time-limit", "1 s", code=1)
        self.assertEqual(row["reason"], "time limit of 1 s reached")

    def test_a_memory_limit_without_a_unit_is_an_error(self):
        file = self.write("small.json", small_experiment())
        for text in ("2", "0 GiB", "much"):
            done = self.moesim("run", file, "--max-memory", text)
            self.assertEqual(done.code, 2)
            self.assertTrue(done.err.startswith("--max-memory\n"), done.err)
            self.assertIn('hint: write --max-memory "2 GiB"', done.err)

    def test_fail_fast_leaves_the_points_behind_the_first_failed_one(self):
        sweep = {"routing.source": ["synthetic", "numerics"], "router.seed": [1, 2]}
        file = self.write("small.json", endless_experiment(sweep=sweep))
        done = self.moesim("run", file, "--json", "-j", "1", "--time-limit", "1 s", "--fail-fast")
        self.assertEqual(done.code, 1, done.err)
        statuses = [json.loads(line)["status"] for line in done.out.splitlines()]
        self.assertEqual(statuses, ["ok", "ok", "failed"])
        self.assertIn("stopped by a failed point, 1 of 4 points are missing\nto go on: ", done.err)
        rows = self.rows(file, "-j", "1", "--time-limit", "1 s", code=1)
        self.assertEqual([row["status"] for row in rows], ["ok", "ok", "failed", "failed"])

    def test_a_killed_worker_is_a_failed_row_that_names_the_scenario(self):
        process, child = self.start(endless_experiment())
        os.kill(child, signal.SIGKILL)
        [row], _ = self.end(process)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(row["status"], "failed")
        self.assertEqual(row["reason"],
                         "the simulation of small was ended by signal 9 (Killed)")
        self.assertEqual(row["scenario"]["name"], "small")

    def test_a_crash_is_a_failed_row_and_the_other_points_stay(self):
        sweep = {"routing.source": ["numerics", "synthetic"]}
        process, child = self.start(endless_experiment(sweep=sweep), "-j", "1")
        os.kill(child, signal.SIGABRT)
        rows, _ = self.end(process)
        self.assertEqual(process.returncode, 1)
        self.assertEqual([row["status"] for row in rows], ["failed", "ok"])
        self.assertTrue(rows[0]["reason"].startswith(
            'the simulation of small (routing.source="numerics") was ended by signal 6 (Aborted)'),
            rows[0]["reason"])

    def test_an_interrupt_ends_the_run_and_its_workers(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process, child = self.start(endless_experiment())
                process.send_signal(number)
                rows, err = self.end(process)
                self.assertEqual(process.returncode, 3)
                self.assertEqual(rows, [])
                self.assertIn("results in runs/small/", err)
                self.assert_gone(child)
                self.assertIn("interrupted, 1 of 1 points are missing", err)
                manifest = json.loads((self.newest("small") / "manifest.json").read_text())
                self.assertEqual(manifest["status"], "interrupted")
                self.assertFalse(self.latest("small").name.startswith("2"), "latest has finished")

    def test_a_worker_does_not_outlive_a_killed_run(self):
        process, child = self.start(endless_experiment())
        process.kill()
        process.communicate(timeout=60)
        deadline = time.monotonic() + 30
        while self.is_running(child):
            self.assertLess(time.monotonic(), deadline, "the worker goes on by itself")
            time.sleep(0.05)

    @staticmethod
    def is_running(process):
        """False for a zombie too: in a container nobody may collect it."""
        try:
            stat = pathlib.Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return False
        return stat.rsplit(")", 1)[1].split()[0] != "Z"

    def test_an_interrupt_keeps_the_finished_points(self):
        sweep = {"routing.source": ["synthetic", "numerics"]}
        process, _ = self.start(endless_experiment(sweep=sweep), "-j", "1")
        journal = self.folder / "runs" / "small"
        deadline = time.monotonic() + 30
        while not list(journal.glob("*/results.ndjson")):
            self.assertLess(time.monotonic(), deadline, "the first point never ended")
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        rows, _ = self.end(process)
        self.assertEqual(process.returncode, 3)
        self.assertEqual([row["status"] for row in rows], ["ok"])
        kept = (self.newest("small") / "results.ndjson").read_text()
        self.assertEqual([json.loads(line) for line in kept.splitlines()], rows)


if __name__ == "__main__":
    moesim_process.main()
