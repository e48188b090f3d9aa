# SPDX-License-Identifier: Apache-2.0
"""Where the time of computation comes from is said wherever a step is shown."""

import moesim_process
from moesim_process import MoesimTest, small_experiment

TABLE = ("--set", "cost.source=table", "--set", "cluster.node.accelerator.cost_table=h200_vllm")
NAMED = "table h200_vllm (fitted to NVIDIA H200 SXM 141 GB), burst clocks"


class CostSource(MoesimTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("small.json", small_experiment(network={"fidelity": "analytic"}))

    def test_a_table_of_another_machine_is_a_warning_and_its_own_is_none(self):
        (row,) = self.rows(self.file, *TABLE)
        self.assertEqual(row["cost_source"], NAMED)
        found = [warning for warning in row["warnings"] if "cost table" in warning]
        self.assertEqual(len(found), 1)
        self.assertIn("fitted to NVIDIA H200 SXM 141 GB", found[0])
        self.assertIn("the accelerator is NVIDIA H100 SXM5 80 GB", found[0])
        (row,) = self.rows(self.file, *TABLE, "--set", "cluster.preset=h200_single_switch")
        self.assertEqual(row["cost_source"], NAMED)
        self.assertNotIn("cost table", "".join(row["warnings"]))

    def test_pages_name_it(self):
        plain = self.moesim("run", self.file)
        self.assertIn("  compute times                        roofline\n", plain.out)
        page = self.moesim("run", self.file, *TABLE)
        self.assertIn("  compute times                        " + NAMED, page.out)
        explained = self.moesim("explain", self.file, "--quick", *TABLE)
        self.assertIn(f"  Compute times: {NAMED}.\n", explained.out)
        compared = self.moesim("compare", self.file, self.file, *TABLE)
        self.assertIn("  compute times of A: roofline\n", compared.out)
        self.assertIn(f"  compute times of B: {NAMED}\n", compared.out)
        self.assertIn("warning: B: the cost table h200_vllm was fitted to", compared.out)
        report = self.moesim("report", "runs/small")
        self.assertEqual(report.code, 0, report.err)

    def test_a_sweep_warns_once_and_says_of_which_points(self):
        done = self.moesim("run", self.file, *TABLE, "--sweep", "router.seed=1,2,3")
        self.assertEqual(done.out.count("the cost table h200_vllm"), 1)
        self.assertIn("warning of points 0, 1, 2: the cost table h200_vllm was fitted to", done.out)


if __name__ == "__main__":
    moesim_process.main()
