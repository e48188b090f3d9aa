# SPDX-License-Identifier: Apache-2.0
"""`moesim search`: the best of a sweep without running all of it."""

import json
import signal
import subprocess
import time

import moesim_process
from moesim_process import MoesimTest, small_experiment

SWEEP = {
    "routing.synthetic.distribution": ["w0_balanced", "w1_power_law", "w2_hot_rank", "zipf",
                                       "w4_ragged_source"],
    "parallel.expert_placement": ["contiguous", "round_robin"],
}


class Search(MoesimTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("small.json", small_experiment(
            network={"fidelity": "collective"}, sweep=SWEEP))

    def search(self, *arguments, code=0, file=None):
        done = self.moesim("search", file or self.file, *arguments)
        self.assertEqual(done.code, code, done.out + done.err)
        return done

    def found(self, *arguments, **more):
        return json.loads(self.search("--json", *arguments, **more).out)

    def test_finds_the_best_of_catalogue_experiments_with_a_fifth_of_their_points(self):
        for name in ("04_expert_placement", "05_expert_parallel_size", "06_experts_per_rank",
                     "08_fp8_dispatch", "09_skew"):
            file = moesim_process.SOURCE / "experiments" / "catalog" / (name + ".json")
            found = self.found("--check", "--winners", "0", file=file)
            self.assertLessEqual(found["full"]["points"], found["points"] / 5, name)
            check = found["check"]["objectives"]["tokens_per_s_per_gpu"]
            self.assertEqual(check["shortfall"], 0, name)
            # What the search calls the best is the best of all rows of the grid.
            rows = [json.loads(line) for line in
                    (self.latest(name) / "results.ndjson").read_text().splitlines()]
            self.assertEqual(len(rows), found["points"])
            by_label = {}
            for row in rows:
                swept = {key: value for key, value in row["scenario"]["swept"].items()
                         if not key.endswith("seed")}
                by_label.setdefault(json.dumps(swept), []).append(row["tokens_per_s_per_gpu"])
            best = max(sum(values) / len(values) for values in by_label.values())
            named = found["found"][0]["figures"]["tokens_per_s_per_gpu"]["mean"]
            self.assertAlmostEqual(named / best, 1, delta=1e-12, msg=name)

    def test_several_objectives_make_a_front(self):
        found = self.found("--objective", "tokens_per_s_per_gpu=max", "--objective",
                           "rank_load.max_over_mean=min", "--budget", "0.5", "--check",
                           "--winners", "0")
        self.assertEqual(found["full"]["points"], 5)
        self.assertEqual(set(found["check"]["objectives"]),
                         {"tokens_per_s_per_gpu", "rank_load.max_over_mean"})
        figures = {candidate["label"]: (-candidate["figures"]["tokens_per_s_per_gpu"]["mean"],
                                        candidate["figures"]["rank_load.max_over_mean"]["mean"])
                   for candidate in found["found"]}
        front = {candidate["label"] for candidate in found["found"] if candidate["on_front"]}

        def is_beaten(one):
            return any(all(x <= y for x, y in zip(other, one)) and other != one
                       for other in figures.values())

        self.assertEqual(front, {label for label, one in figures.items() if not is_beaten(one)})
        self.assertTrue(front)

    def test_constraints_of_the_file_and_of_the_command(self):
        bound = 1.5
        found = self.found("--constraint", f"rank_load.max_over_mean<={bound}", "--check")
        best = found["found"][0]
        self.assertTrue(best["feasible"])
        self.assertLessEqual(best["figures"]["rank_load.max_over_mean"]["mean"], bound)
        self.assertIn("flow", best["figures"]["tokens_per_s_per_gpu"])
        self.write("small.json", small_experiment(
            network={"fidelity": "collective"}, sweep=SWEEP,
            constraints={"step_time_s": {"max": "1 ns"}}))
        text = self.search("--winners", "0").out
        self.assertIn("none of those that ran in full keeps to the constraints", text)
        self.assertIn("[breaks a constraint]", text)

    def test_constraints_and_objectives_do_not_change_points(self):
        first = self.found("--winners", "0")
        second = self.found("--winners", "0", "--constraint", "drop_rate<=0.5")
        self.assertEqual(first["full"]["run"], second["full"]["run"])
        self.assertEqual(first["found"][0]["points"], second["found"][0]["points"])

    def test_rows_in_another_arithmetic_are_no_rows_of_the_search(self):
        self.search("--winners", "0")
        run = self.newest("small")
        for manifest in run.rglob("manifest.json"):
            known = json.loads(manifest.read_text())
            self.assertEqual(known["arithmetic"], "processor")
            manifest.write_text(json.dumps({**known, "arithmetic": "cuda:bf16"}))
        found = self.found("--winners", "0")
        self.assertNotEqual((self.folder / found["full"]["run"]).resolve(), run.resolve())
        self.assertEqual(found["full"]["points"], 2)

    def test_a_run_of_the_grid_goes_on_where_the_search_stopped(self):
        self.search("--winners", "0")
        run = self.newest("small")
        self.assertEqual(len((run / "results.ndjson").read_text().splitlines()), 2)
        done = self.moesim("run", self.file)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("2 of 10 points are there", done.err)
        self.assertEqual(self.latest("small"), run)

    def test_an_interrupted_search_goes_on(self):
        file = self.write("long.json", small_experiment(
            name="long", network={"fidelity": "flow"}, training={"seq_length": 4096},
            sweep={"router.seed": list(range(4)), **SWEEP}))
        process = subprocess.Popen([moesim_process.BINARY, "search", str(file), "-j", "1"],
                                   cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        rows = self.folder / "runs/long"
        limit = time.monotonic() + 60
        while not list(rows.rglob("results.ndjson")) and time.monotonic() < limit:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, 3, error)
        self.assertIn("the same command goes on where this one stopped", error)
        done = self.search("--winners", "0", file=file)
        self.assertIn("8 of 40 points ran in full (20.0 %)", done.out)
        self.assertEqual(len([path for path in rows.iterdir() if not path.is_symlink()]), 1)

    def test_bad_input_is_one_error_with_its_place(self):
        for arguments, words in (
                (["--objective", "drop_rate"], "expected a figure and max or min"),
                (["--objective", "drop_rat=min"], "did you mean \"drop_rate\""),
                (["--constraint", "drop_rate=0.1"], "expected a figure, <= or >=, and what it may"),
                (["--constraint", "step_time_s<=80 GiB"],
                 "--constraint step_time_s<=80 GiB  /constraints/step_time_s/max\n"),
                (["--constraint", "drop_rate<=2 ms"], "a number without a unit"),
                (["--constraint", "mfu>=0.5", "--constraint", "mfu<=0.4"],
                 "--constraint mfu<=0.4  /constraints/mfu/max\n  no mfu is at least 0.5 and at "),
                (["--objective", "mfu=max", "--objective", "mfu=min"],
                 "--objective mfu=min\n  --objective mfu=max has been given of mfu before"),
                (["--constraint", "drop_rat<=0.1"], "did you mean \"drop_rate\""),
                (["--set", "network.fidelity=analytic"], "is analytic, the cheapest there is"),
                (["--sweep", "network.fidelity=analytic,flow"], "varies network.fidelity"),
                (["--budget", "nan"], "must be above 0 and at most 1"),
                (["--budget", "2"], "must be above 0 and at most 1"),
                (["--winners", "-1"], "-1"),
                (["--output", ""], "has no name")):
            done = self.search(*arguments, code=2)
            self.assertIn(words, done.err, arguments)
            self.assertFalse((self.folder / "runs").exists(), arguments)

    def test_failed_points_are_said_and_tried_again_when_asked(self):
        cut = [{"kind": "switch_down", "target": "switch", "at": "10 us"}]
        file = self.write("cut.json", small_experiment(
            name="cut", network={"fidelity": "collective"},
            cluster={"preset": "h100_single_switch"},
            sweep={"faults.events": [[], cut],
                   "parallel.expert_placement": ["contiguous", "round_robin"]}))
        done = self.search("--budget", "0.5", "--winners", "0", code=1, file=file)
        self.assertIn("2 failed: ", done.out)
        self.assertIn("best:\n  faults.events=[]", done.out)
        for arguments, there in (([], 4), (["--retry-failed"], 2)):
            done = self.search("--budget", "0.5", "--winners", "0", *arguments, code=1, file=file)
            self.assertIn(f"{there} of them run before, 2 failed: ", done.out)

    def test_what_cannot_be_and_what_does_not_fit_is_said(self):
        done = self.search("--sweep", "parallel.expert_model_parallel_size=3,8,16", "--winners", "0",
                           "--set", "model.moe_intermediate_size=1000000",
                           "--set", "model.hidden_size=2048")
        self.assertRegex(done.out, r"analytic .*, \d+ cannot be: .*expert_model_parallel_size")
        self.assertIn("    warning: out of memory", done.out)
        self.assertEqual(self.moesim("results", "runs/small").code, 0)  # the newest, though unfinished

    def test_one_point_is_no_choice(self):
        file = self.write("one.json", small_experiment())
        done = self.search(file=file, code=2)
        self.assertIn("leaves one configuration, and nothing to choose from", done.err)


if __name__ == "__main__":
    moesim_process.main()
