# SPDX-License-Identifier: Apache-2.0
"""`moesim report` as a user runs it; tests/web looks at the pages."""

import json
import re

import moesim_process
from moesim_process import MoesimTest, small_experiment

SWEEP = {"router.capacity_factor": [1.0, 2.0], "router.seed": [1, 2]}


def data_of(page):
    html = page.read_text(encoding="utf-8")
    (data,) = re.findall(r'id="report-data">(.*?)</script>', html, re.DOTALL)
    return json.loads(data)


class ReportTest(MoesimTest):
    def setUp(self):
        super().setUp()
        done = self.moesim("report", "nowhere")
        if "built without" in done.err:
            self.skipTest("built without npm")

    def run_sweep(self, **changes):
        file = self.write("small.json", small_experiment(sweep=SWEEP, **changes))
        return self.moesim("run", file)

    def test_the_page_lies_in_the_latest_runs_folder(self):
        self.assertEqual(self.run_sweep().code, 0)
        done = self.moesim("report", "runs/small")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("report in runs/small/latest/report.html", done.out)
        data = data_of(self.latest("small") / "report.html")
        self.assertEqual(data["points"]["count"], 4)
        self.assertEqual([axis["key"] for axis in data["axes"]], list(SWEEP))

    def test_a_run_writes_it_where_the_experiment_asks(self):
        done = self.run_sweep(outputs={"report": True}, question="Why?",
                              objectives={"mfu": "max", "rank_load.gini": "min"})
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("report.html", done.out)
        data = data_of(self.latest("small") / "report.html")
        self.assertEqual(data["run"]["question"], "Why?")
        self.assertEqual([(entry["figure"], entry["direction"]) for entry in data["objectives"]],
                         [("mfu", "max"), ("rank_load.gini", "min")])
        rows = [json.loads(line) for line in
                (self.latest("small") / "results.ndjson").read_text().splitlines()]
        best = max(range(4), key=lambda row: (rows[row]["mfu"], -row))
        self.assertEqual(data["objectives"][0]["best"], best)

    def test_objectives_and_reports_change_no_point(self):
        self.run_sweep()
        ids = data_of_ids(self.latest("small"))
        self.run_sweep(objectives={"mfu": "max"})
        self.assertEqual(data_of_ids(self.latest("small")), ids)

    def test_a_baseline_and_another_file(self):
        self.run_sweep()
        done = self.moesim("report", "runs/small", "--baseline", "runs/small:2", "-o", "own.html")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("report in own.html", done.out)
        self.assertEqual(data_of(self.folder / "own.html")["baseline"]["label"],
                         "router.capacity_factor=2.0, router.seed=1")

    def test_errors_say_what_to_name(self):
        done = self.moesim("report", "nowhere")
        self.assertEqual(done.code, 2)
        self.assertIn("is no run's folder", done.err)
        self.run_sweep()
        done = self.moesim("report", "runs/small", "--baseline", "runs/small:9")
        self.assertEqual(done.code, 2)
        self.assertIn("the run has no point of this id or number", done.err)
        done = self.moesim("report", "runs/small", "-o", "no/such/folder.html")
        self.assertEqual(done.code, 2)
        self.assertIn("cannot be written", done.err)

    def test_an_objective_that_is_no_figure_is_refused_before_anything_runs(self):
        done = self.run_sweep(objectives={"drop_rat": "min"})
        self.assertEqual(done.code, 2)
        self.assertIn("/objectives/drop_rat", done.err)
        self.assertIn("did you mean \"drop_rate\"?", done.err)


def data_of_ids(run):
    lines = (run / "results.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["scenario"]["point"] for line in lines]


if __name__ == "__main__":
    moesim_process.main()
