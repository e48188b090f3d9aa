# SPDX-License-Identifier: Apache-2.0
"""`moesim compare` as a user runs it."""

import json

import moesim_process
from moesim_process import MoesimTest, small_experiment


class CompareTest(MoesimTest):
    def compare(self, *arguments):
        done = self.moesim("compare", *arguments, "--json")
        self.assertEqual(done.code, 0, done.err)
        return json.loads(done.out)

    def test_a_thin_fabric_costs_what_its_parts_sum_to(self):
        file = self.write("small.json", small_experiment(
            cluster={"num_nodes": 4, "fabric": {"nodes_per_leaf": 2}},
            parallel={"expert_model_parallel_size": 32}))
        comparison = self.compare(file, file, "--set", "cluster.fabric.oversubscription=2")
        self.assertEqual([entry["key"] for entry in comparison["inputs"]],
                         ["cluster.fabric.oversubscription"])
        step = comparison["figures"][0]
        self.assertEqual(step["figure"], "step_time_s")
        self.assertGreater(step["difference"], 0)
        causes = {part["cause"]: part for part in comparison["causes"]}
        for side in ("a", "b"):
            whole = sum(part[f"{side}_s"] for part in causes.values())
            self.assertAlmostEqual(whole, step[side], delta=1e-12)
        difference = sum(part["difference_s"] for part in causes.values())
        self.assertAlmostEqual(difference, step["difference"], delta=1e-12)
        # The same choices on a slower fabric.
        self.assertGreater(causes["network"]["difference_s"], 0.5 * step["difference"])
        self.assertLess(abs(causes["compute"]["difference_s"]), 0.1 * step["difference"])
        self.assertEqual(comparison["sections"],
                         [{"section": "cluster", "difference_s": step["difference"]}])
        self.assertEqual(comparison["warnings"], [])

    def test_two_points_of_a_run_are_compared_by_index_and_id(self):
        file = self.write("small.json", small_experiment(
            sweep={"router.capacity_factor": [None, 1.0], "router.seed": [7, 8]}))
        rows = self.rows(file)
        run = self.latest("small")
        comparison = self.compare(f"{run}:0", f"{run}:{rows[3]['scenario']['point']}")
        self.assertEqual(comparison["a"], "small (router.capacity_factor=null, router.seed=7)")
        step = comparison["figures"][0]
        self.assertEqual(step["a"], rows[0]["step_time_s"])
        self.assertEqual(step["b"], rows[3]["step_time_s"])
        drops = {part["cause"]: part for part in comparison["causes"]}["capacity and drops"]
        self.assertEqual(drops["a_s"], 0)
        self.assertLess(drops["b_s"], 0)
        self.assertIn("router.seed differs", comparison["warnings"][0])
        self.assertEqual(comparison["warnings"][1:],
                         [f"B: {warning}" for warning in rows[3]["warnings"]])
        self.assertIn("were dropped", comparison["warnings"][1])

    def test_the_same_inputs_have_no_difference(self):
        file = self.write("small.json", small_experiment())
        self.rows(file)
        done = self.moesim("compare", self.latest("small"), file)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("inputs: no difference", done.out)
        self.assertNotIn("why", done.out)
        self.assertNotIn("warning", done.out)

    def test_two_presets_are_compared_by_what_they_say(self):
        catalogue = moesim_process.SOURCE / "experiments" / "catalog" / "01_moe_step.json"
        done = self.moesim("compare", catalogue, catalogue, "--set",
                           "cluster.preset=h800_rail_fat_tree")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("cluster.node.scale_up_bandwidth", done.out)
        self.assertNotIn("preset", done.out)
        self.assertIn("why: parts of the step, by cause", done.out)
        self.assertLessEqual(max(len(line) for line in done.out.splitlines()), 110)

    def test_a_run_that_has_ended_takes_no_other_inputs(self):
        file = self.write("small.json", small_experiment())
        self.rows(file)
        run = self.latest("small")
        for command in (("compare", file, run), ("explain", run)):
            done = self.moesim(*command, "--set", "router.capacity_factor=1")
            self.assertEqual(done.code, 2)
            self.assertEqual(done.out, "")
            self.assertIn("--set router.capacity_factor=1\n", done.err)
            self.assertIn("name the experiment's file in place of", done.err)

    def test_bad_input_is_named(self):
        file = self.write("small.json", small_experiment())
        done = self.moesim("compare", file, "nowhere")
        self.assertEqual(done.code, 2)
        self.assertIn("B\n", done.err)
        self.assertIn("neither a run's folder nor an experiment file", done.err)
        self.assertEqual(self.moesim("compare", file).code, 2)
        wrong = self.write("wrong.json", small_experiment(model={"hiden_size": 3}))
        done = self.moesim("compare", wrong, file)
        self.assertEqual(done.code, 2)
        self.assertIn('did you mean "hidden_size"?', done.err)


if __name__ == "__main__":
    moesim_process.main()
