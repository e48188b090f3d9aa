# SPDX-License-Identifier: Apache-2.0
"""`moesim explain` as a user runs it."""

import json

import moesim_process
from moesim_process import MoesimTest, small_experiment


def routed(**synthetic):
    """The small experiment with that synthetic routing and enough tokens to tell load from chance."""
    return small_experiment(training={"micro_batch_size": 8}, network={"fidelity": "collective"},
                            routing={"source": "synthetic", "synthetic": synthetic})


class ExplainTest(MoesimTest):
    def explain(self, *arguments):
        done = self.moesim("explain", *arguments, "--json")
        self.assertEqual(done.code, 0, done.err)
        return json.loads(done.out)

    def test_w2_names_the_hot_rank(self):
        file = self.write("w2.json", routed(distribution="w2_hot_rank", hot_rank=11))
        done = self.moesim("explain", file)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("Hot rank: rank 11 (", done.out)
        explanation = self.explain(file, "--quick")
        self.assertEqual([hot["rank"] for hot in explanation["hot_ranks"]], [11])
        self.assertEqual(explanation["hot_ranks"][0]["moe_layers"], 2)
        self.assertEqual(explanation["waited_for"][0]["rank"], 11)
        self.assertTrue(all(hot["rank"] == 11 for hot in explanation["hot_experts"]))
        self.assertEqual(explanation["hottest_links"][0]["rank"], 11)

    def test_w0_names_nobody(self):
        file = self.write("w0.json", routed(distribution="w0_balanced"))
        done = self.moesim("explain", file, "--quick")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("No rank or expert stands out.", done.out)
        self.assertIn("all ranks wait about as long", done.out)
        self.assertNotIn(" on rank ", done.out)

    def test_every_account_sums_to_the_step(self):
        file = self.write("small.json", small_experiment(router={"capacity_factor": 1.0}))
        explanation = self.explain(file, "--quick")
        step = explanation["step_time_s"]
        self.assertEqual(step, self.rows(file)[0]["step_time_s"])
        self.assertIsNone(explanation["sensitivity"])
        for parts in ([cause["part_s"] for cause in explanation["causes"]],
                      [group["time_s"] for group in explanation["path"]],
                      *([value for key, value in rank.items() if key.endswith("_s")]
                        for rank in [explanation["mean_rank"], *explanation["ranks"]])):
            self.assertAlmostEqual(sum(parts), step, delta=1e-9 * step)

    def test_inputs_that_do_not_matter_do_not(self):
        """What it says of each key is what a run with that key says."""
        file = self.write("small.json", small_experiment())
        explanation = self.explain(file)
        step = explanation["step_time_s"]
        effects = {effect["key"]: effect for effect in explanation["sensitivity"]["effects"]}
        bandwidth = effects["cluster.node.nic_bandwidth"]
        self.assertNotIn("cluster.node.nic_bandwidth",
                         explanation["sensitivity"]["without_effect"])
        for key in ("cluster.node.nic_bandwidth",
                    explanation["sensitivity"]["without_effect"][0]):
            row, = self.rows(file, "--set", f"{key}={effects[key]['to']}")
            self.assertAlmostEqual(row["step_time_s"] / step - 1, effects[key]["relative"],
                                   delta=1e-9)
        self.assertLess(bandwidth["relative"], 0)

    def test_a_runs_folder_and_a_point_are_explained(self):
        file = self.write("small.json", small_experiment(sweep={"router.seed": [7, 8]}))
        rows = self.rows(file)
        run = self.latest("small")
        explanation = self.explain(f"{run}:1", "--quick")
        self.assertEqual(explanation["title"], "small (router.seed=8)")
        self.assertEqual(explanation["step_time_s"], rows[1]["step_time_s"])
        done = self.moesim("explain", run)
        self.assertEqual(done.code, 2)
        self.assertIn("the run has 2 points", done.err)

    def test_a_straggler_is_told_from_imbalance(self):
        experiment = routed(distribution="w0_balanced")
        experiment["faults"] = {"events": [
            {"kind": "straggler", "target": "node0/gpu3", "factor": 0.5}]}
        done = self.moesim("explain", self.write("slow.json", experiment), "--quick")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("while rank 3 computes", done.out)
        self.assertIn("Slow accelerators (faults) cost a mean rank", done.out)


if __name__ == "__main__":
    moesim_process.main()
