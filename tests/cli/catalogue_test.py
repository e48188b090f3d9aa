# SPDX-License-Identifier: Apache-2.0
"""Catalogue experiments about clusters, jobs and faults: their answers, and what they show."""

import json

import moesim_process
from moesim_process import MoesimTest, small_experiment


class Catalogue(MoesimTest):
    def experiment(self, name):
        """Rows of a catalogue experiment and the table that a person sees."""
        file = moesim_process.SOURCE / "experiments" / "catalog" / (name + ".json")
        rows = self.rows(file)
        self.assertEqual({row["status"] for row in rows}, {"ok"})
        done = self.moesim("run", file, "--output", "shown")
        self.assertEqual(done.code, 0, done.err)
        return rows, done.out

    def test_topologies(self):
        rows, table = self.experiment("20_topologies")
        tiers = {"balanced": {}, "skewed": {}}
        times = {"balanced": {}, "skewed": {}}
        for row in rows:
            swept = row["scenario"]["swept"]
            kind = ("balanced" if swept["routing.synthetic.distribution"] == "w0_balanced"
                    else "skewed")
            tiers[kind][swept["cluster.topology"]] = row["deciding_tier"]
            times[kind][swept["cluster.topology"]] = row["step_time_s"]
            self.assertIn(row["deciding_tier"], table)
        self.assertEqual(len(tiers["balanced"]), 8)
        for kind in ("balanced", "skewed"):
            # The torus has half of the bandwidth across that HyperX has.
            self.assertEqual(max(times[kind], key=times[kind].get), "torus")
            self.assertEqual(tiers[kind]["single_switch"], "nic")
        self.assertEqual(min(times["balanced"], key=times["balanced"].get), "single_switch")
        self.assertEqual(tiers["balanced"]["torus"], "fabric 1-1")
        # The hot rank's own cable decides, whatever the fabric; only rails that neighbours forward
        # to let it send over the NICs of its whole node.
        self.assertEqual(set(tiers["skewed"].values()), {"nic"})
        self.assertEqual(min(times["skewed"], key=times["skewed"].get), "rail_only")
        # The same tokens on every fabric.
        for distribution in ("w0_balanced", "w2_hot_rank"):
            loads = {json.dumps(row["expert_load"]) for row in rows
                     if distribution in row["scenario"]["swept"].values()}
            self.assertEqual(len(loads), 1)

    def test_two_jobs(self):
        rows, table = self.experiment("21_two_jobs")
        firsts = [row["jobs"][0] for row in rows]
        seconds = [row["jobs"][1] for row in rows]
        for row, first in zip(rows, firsts):
            self.assertEqual(row["step_time_s"], first["step_time_s"])
        # A second later the first has long ended: both are as fast as alone, so alike.
        apart = firsts[-1]["step_time_s"]
        self.assertAlmostEqual(seconds[-1]["step_time_s"] / apart, 1, delta=0.05)
        self.assertGreater(firsts[0]["step_time_s"], 1.1 * apart)
        self.assertIn("jobs.1.start", table)

    def test_faults(self):
        rows, table = self.experiment("22_faults")
        healthy, returns, spine, nic, straggler = (row["step_time_s"] for row in rows)
        self.assertEqual([row["faults"] for row in rows], [0, 1, 1, 1, 1])
        self.assertLess(healthy, returns)
        self.assertLess(returns, spine)
        self.assertLess(healthy, straggler)
        self.assertLess(healthy, nic)
        floors = {row["analytic_floor_s"] for row in rows}
        self.assertEqual(len(floors), 1, "the floor is the healthy cluster's")
        self.assertIn("straggler", table)


class Answers(MoesimTest):
    """The other experiments, those with training in a reduced form, and what docs/answers.md says
    of them that holds of the reduced form too."""

    TRAINED = ["--set", "routing.proxy.train_steps=3", "--set", "model.num_hidden_layers=2",
               "--set", "cluster.num_nodes=1", "--set", "parallel.expert_model_parallel_size=8",
               "--set", "training.seq_length=256"]

    def times(self, name, axes, *arguments):
        """Step times by the values of the axes."""
        file = moesim_process.SOURCE / "experiments" / "catalog" / (name + ".json")
        self.found = self.rows(file, *arguments)
        self.assertEqual({row["status"] for row in self.found}, {"ok"})
        return {tuple(row["scenario"]["swept"][axis] for axis in axes): row["step_time_s"]
                for row in self.found}

    def test_capacity_factor(self):
        axis = "router.capacity_factor"
        times = self.times("02_capacity_factor", [axis], *self.TRAINED, "--sweep", "router.seed=0")
        self.assertEqual(len(times), 7)
        drops = [row["drop_rate"] for row in self.found]
        self.assertEqual(drops, sorted(drops, reverse=True))  # in the order of growing capacity
        self.assertGreater(drops[0], 0.4)  # half the slots: half the pairs at least, but for rounding
        self.assertEqual(drops[-1], 0)
        self.assertLess(times[(0.5,)], times[(None,)])
        self.assertTrue(all(row["validation_loss"] > 0 for row in self.found))

    def test_top_k(self):
        times = self.times("03_top_k", ["model.num_experts_per_tok"], *self.TRAINED, "--sweep",
                           "router.seed=0")
        self.assertEqual(list(times.values()), sorted(times.values()))

    def test_expert_placement(self):
        times = self.times("04_expert_placement", ["routing.synthetic.distribution",
                                                   "parallel.expert_placement"])
        self.assertLess(times["w1_hot_expert_set", "round_robin"],
                        times["w1_hot_expert_set", "contiguous"] / 2)
        self.assertEqual(times["w0_balanced", "round_robin"], times["w0_balanced", "contiguous"])

    def test_expert_parallel_size(self):
        times = self.times("05_expert_parallel_size", ["parallel.expert_model_parallel_size"])
        self.assertEqual(min(times, key=times.get), (32,))

    def test_experts_per_rank(self):
        times = self.times("06_experts_per_rank", ["model.num_experts"])
        self.assertEqual(max(times, key=times.get), (512,))

    def test_oversubscription(self):
        times = self.times("07_oversubscription", ["routing.synthetic.distribution",
                                                   "cluster.topology",
                                                   "cluster.fabric.oversubscription"])
        for fabric in ("fat_tree", "rail_optimized_fat_tree"):
            for traffic in ("w0_balanced", "w2_hot_rank"):
                alike = [times[traffic, fabric, share] for share in (1.0, 2.0, 4.0)]
                self.assertEqual(alike, sorted(alike))

    def test_fp8_dispatch(self):
        times = self.times("08_fp8_dispatch", ["cluster.node.nic_bandwidth",
                                               "training.dispatch_dtype"])
        for bandwidth in ("12.5 GB/s", "25 GB/s", "50 GB/s", "100 GB/s"):
            self.assertLess(times[bandwidth, "fp8"], times[bandwidth, "bf16"])

    def test_skew(self):
        times = self.times("09_skew", ["routing.synthetic.distribution"])
        self.assertIn(max(times, key=times.get), [("w2_hot_rank",), ("w6_rotating_hot_spot",)])

    def test_capacity_top_k_and_placement(self):
        times = self.times("10_capacity_top_k_placement",
                           ["model.num_experts_per_tok", "router.capacity_factor",
                            "parallel.expert_placement"], *self.TRAINED)
        self.assertEqual(len(times), 40)


class CutOff(MoesimTest):
    CUT = [{"kind": "switch_down", "target": "switch", "at": "10 us"}]
    EXPERIMENT = {"cluster": {"preset": "h100_single_switch"}}

    def test_the_only_point_says_who_needs_whom(self):
        experiment = small_experiment(faults={"events": self.CUT}, **self.EXPERIMENT)
        done = self.moesim("run", self.write("small.json", experiment))
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("/faults", done.err)
        self.assertRegex(done.err, r"node\d/gpu\d.*node\d/gpu\d.*which \".* L0 mb0 fwd\" needs at .*"
                                   r"after switch_down of switch")

    def test_a_point_of_a_sweep_fails_and_the_others_run(self):
        experiment = small_experiment(sweep={"faults.events": [[], self.CUT]}, **self.EXPERIMENT)
        rows = self.rows(self.write("small.json", experiment), code=1)
        self.assertEqual([row["status"] for row in rows], ["ok", "failed"])
        self.assertIn("the cluster is cut in two", rows[1]["reason"])


class Jobs(MoesimTest):
    def test_traces_of_the_first_job_beside_one_that_began_before_and_ends_after(self):
        experiment = small_experiment(
            jobs=[{"name": "late", "nodes": [1], "start": "50 us"},
                  {"name": "long", "nodes": [0], "training": {"seq_length": 1024}}],
            parallel={"expert_model_parallel_size": 8}, outputs={"traces": ["perfetto", "chrome"]})
        rows = self.rows(self.write("small.json", experiment))
        self.assertEqual([job["name"] for job in rows[0]["jobs"]], ["late", "long"])


if __name__ == "__main__":
    moesim_process.main()
