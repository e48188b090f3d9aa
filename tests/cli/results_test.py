# SPDX-License-Identifier: Apache-2.0
"""The table of a run's points: what `moesim results` prints, against results.ndjson."""

import csv
import io
import json
import statistics

import moesim_process
from moesim_process import MoesimTest, small_experiment


class Results(MoesimTest):
    def setUp(self):
        super().setUp()
        file = self.write("small.json", small_experiment(
            network={"fidelity": "analytic"},
            sweep={"router.seed": list(range(12)), "model.num_experts_per_tok": [2, 4, 64]}))
        self.assertEqual(self.moesim("run", file).code, 0)
        lines = (self.latest("small") / "results.ndjson").read_text().splitlines()
        self.rows = [json.loads(line) for line in lines]

    def results(self, *arguments, code=0):
        done = self.moesim("results", "runs/small", *arguments)
        self.assertEqual(done.code, code, done.err)
        return done.out if code == 0 else done.err

    def json(self, *arguments):
        return [json.loads(line) for line in self.results("--json", *arguments).splitlines()]

    def test_the_table_has_the_fastest_points_first(self):
        lines = self.results("--status", "ok").splitlines()
        self.assertEqual(lines[0], "small: 36 of 36 points, complete")
        self.assertEqual(lines[2].split()[:4], ["index", "router.seed",
                                                "model.num_experts_per_tok", "step_time_s"])
        table = [line.split() for line in lines[3:-2]]
        self.assertEqual(len(table), 20)
        self.assertEqual(lines[-1], "20 of 24 rows; --limit 0 shows all")
        ok = sorted((row for row in self.rows if row["status"] == "ok"),
                    key=lambda row: row["step_time_s"])
        self.assertEqual([int(fields[0]) for fields in table],
                         [row["scenario"]["index"] for row in ok[:20]])
        self.assertEqual(float(table[0][3]), float(f'{ok[0]["step_time_s"]:.6g}'))

    def test_skipped_points_say_why(self):
        lines = self.results("--status", "skipped", "--limit", "1").splitlines()
        self.assertIn("a token picks 64 of 32 experts", lines[3])

    def test_json_and_csv_have_the_whole_numbers(self):
        arguments = ("--where", "model.num_experts_per_tok=4", "--columns", "mfu,step_time_s",
                     "--sort", "index", "--limit", "0")
        expected = [{"index": row["scenario"]["index"],
                     "router.seed": row["scenario"]["swept"]["router.seed"],
                     "model.num_experts_per_tok": 4, "mfu": row["mfu"],
                     "step_time_s": row["step_time_s"]}
                    for row in self.rows
                    if row["scenario"]["swept"]["model.num_experts_per_tok"] == 4]
        self.assertEqual(len(expected), 12)
        self.assertEqual(self.json(*arguments), expected)
        table = list(csv.DictReader(io.StringIO(self.results("--csv", *arguments))))
        self.assertEqual([{key: float(value) for key, value in row.items()} for row in table],
                         expected)

    def test_seeds_become_means_with_their_intervals(self):
        found = self.json("--over", "router.seed", "--columns", "step_time_s", "--sort",
                          "model.num_experts_per_tok")
        self.assertEqual([row["model.num_experts_per_tok"] for row in found], [2, 4])
        for row in found:
            times = [other["step_time_s"] for other in self.rows
                     if other["scenario"]["swept"]["model.num_experts_per_tok"]
                     == row["model.num_experts_per_tok"]]
            self.assertEqual(row["count"], 12)
            self.assertAlmostEqual(row["step_time_s"] / statistics.mean(times), 1, places=12)
            # Student's t for 11 degrees of freedom is 2.201 in every table.
            width = 2.201 * statistics.stdev(times) / 12 ** 0.5
            self.assertAlmostEqual(row["step_time_s_ci95"] / width, 1, places=3)

    def test_what_is_not_there_is_an_error(self):
        self.assertIn('did you mean "mfu"?', self.results("--columns", "mfv", code=2))
        self.assertIn("--status", self.results("--status", "done", code=2))
        self.assertIn("--limit", self.results("--limit", "-1", code=2))
        self.assertIn("\nno point is as asked\n", self.results("--where", "router.seed=99"))
        done = self.moesim("results", "runs/other")
        self.assertEqual(done.code, 2)
        self.assertIn("is no run's folder", done.err)

    def test_a_cut_file_says_what_is_missing_and_is_mended_by_resuming(self):
        run = self.latest("small")
        path = run / "results.ndjson"
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        for kept, lost in (([], 36), (lines[:7] + [lines[7][:40]], 29)):
            path.write_bytes(b"".join(kept))
            done = self.moesim("results", "runs/small")
            self.assertEqual(done.code, 0, done.err)
            self.assertIn(f"small: {36 - lost} of 36 points, complete, rows missing", done.out)
            self.assertIn(f"{lost} of its rows are missing", done.err)
            self.assertIn("--resume runs/small/latest", done.err)
            mended = self.moesim("run", self.folder / "small.json", "--resume", run)
            self.assertEqual(mended.code, 0, mended.err)
            self.assertEqual(path.read_bytes(), whole)

    def test_no_limit_shows_all(self):
        self.assertEqual(len(self.results("--limit", "0").splitlines()), 3 + 36)


if __name__ == "__main__":
    moesim_process.main()
