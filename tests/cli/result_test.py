# SPDX-License-Identifier: Apache-2.0
"""The figures of reduced catalogue experiments: all keys there, sums and bounds that must hold."""

import json
import math
import subprocess

import moesim_process
from moesim_process import MoesimTest, small_experiment

# Few layers and a proxy that is hardly trained: seconds instead of minutes.
QUICKSTART = ("00_quickstart.json", ["routing.proxy.train_steps=2", "routing.proxy.hidden_size=8",
                                     "routing.proxy.moe_intermediate_size=4",
                                     "routing.proxy.window=16", "model.num_hidden_layers=2",
                                     "training.seq_length=32"])
MOE_STEP = ("01_moe_step.json", ["model.num_hidden_layers=2", "training.seq_length=128",
                                 "cluster.num_nodes=8"])

LOAD_KEYS = {"max_over_mean", "cv", "gini", "entropy", "balancedness"}
POSITIVE = ["step_time_s", "tokens_per_s", "tokens_per_s_per_gpu", "tflops_per_gpu", "mfu",
            "peak_tflops_used", "analytic_floor_s", "exposed_communication_s"]
PARTS_OF_ONE = ["overlap_fraction", "drop_rate", "padding_share"]
PHASES = {"attention", "router", "dispatch", "expert", "combine", "all_reduce", "optimizer", "idle"}
EVEN = {"max_over_mean": 1, "cv": 0, "gini": 0, "entropy": 1, "balancedness": 1}


def assignments(pairs):
    return [part for pair in pairs for part in ("--set", pair)]


class CatalogueFigures(MoesimTest):
    def catalogue_row(self, experiment):
        name, pairs = experiment
        file = moesim_process.SOURCE / "experiments" / "catalog" / name
        rows = self.rows(file, *assignments(pairs))
        self.assertEqual(len(rows), 1)
        return rows[0]

    def check_load(self, load, layers):
        self.assertEqual(set(load), LOAD_KEYS | {"per_layer"})
        self.assertEqual(len(load["per_layer"]), layers)
        for figures in [load, *load["per_layer"]]:
            self.assertGreaterEqual(figures["max_over_mean"], 1)
            self.assertGreaterEqual(figures["cv"], 0)
            for key in ("gini", "entropy", "balancedness"):
                self.assertTrue(0 <= figures[key] <= 1 + 1e-12, (key, figures[key]))

    def check_figures(self, row, layers):
        self.assertEqual((row["status"], row["reason"]), ("ok", ""))
        for key in POSITIVE:
            self.assertIsInstance(row[key], (int, float), key)
            self.assertTrue(math.isfinite(row[key]) and row[key] > 0, (key, row[key]))
        for key in PARTS_OF_ONE:
            self.assertTrue(0 <= row[key] <= 1, (key, row[key]))
        for key in ("expert_load", "expert_demand", "rank_load"):
            self.check_load(row[key], layers)
        self.assertEqual(set(row["all_to_all"]), {"busbw_gbps", "mean_send_bytes", "max_send_bytes",
                                                  "max_receive_bytes", "inter_node_bytes"})
        self.assertTrue(all(value > 0 for value in row["all_to_all"].values()))
        self.assertIsInstance(row["warnings"], list)
        self.check_scenario(row["scenario"])
        self.check_times(row)
        self.check_links(row["hottest_links"])
        self.check_memory(row["memory_bytes_per_rank"])

    def check_scenario(self, scenario):
        self.assertEqual(scenario["swept"], {})
        self.assertRegex(scenario["point"], "^[0-9a-f]{12}$")
        self.assertGreater(scenario["num_ranks"], 0)
        self.assertGreater(scenario["tokens"], 0)

    def check_times(self, row):
        step = row["step_time_s"]
        self.assertLessEqual(PHASES, set(row["phase_time_s"]))
        for key in ("phase_time_s", "mean_rank_time_s"):
            self.assertTrue(all(value >= 0 for value in row[key].values()), row[key])
            self.assertAlmostEqual(sum(row[key].values()) / step, 1, delta=1e-9, msg=key)
        # The floor is another sum of the same times: the last bits may differ.
        self.assertGreaterEqual(step, row["analytic_floor_s"] * (1 - 1e-12))
        tokens = row["tokens_per_s"] * step
        self.assertAlmostEqual(tokens / row["scenario"]["tokens"], 1, delta=1e-9)
        per_gpu = row["tokens_per_s"] / row["scenario"]["num_ranks"]
        self.assertAlmostEqual(row["tokens_per_s_per_gpu"] / per_gpu, 1, delta=1e-9)
        mfu = row["tflops_per_gpu"] / row["peak_tflops_used"]
        self.assertAlmostEqual(row["mfu"] / mfu, 1, delta=1e-9)

    def check_links(self, links):
        self.assertTrue(links)
        for link in links:
            self.assertTrue(link["name"])
            self.assertGreater(link["bytes"], 0)
            self.assertTrue(0 < link["busy_fraction"] <= 1 + 1e-9, link)
        busy = [link["busy_fraction"] for link in links]
        self.assertEqual(busy, sorted(busy, reverse=True))

    def check_memory(self, memory):
        parts = ["weights", "gradients", "optimizer", "activations"]
        self.assertEqual(set(memory), {*parts, "peak"})
        self.assertAlmostEqual(sum(memory[part] for part in parts) / memory["peak"], 1, delta=1e-9)

    def test_the_quickstart_has_all_figures(self):
        row = self.catalogue_row(QUICKSTART)
        self.check_figures(row, layers=2)
        self.assertTrue(row["routing_source"].startswith("numerics"))
        # ln(256) = 5.545 nats per byte is a uniform guess; two steps of training stay near it.
        self.assertTrue(4 < row["validation_loss"] < 7, row["validation_loss"])
        self.assertGreater(row["drop_rate"], 0)

    def test_the_moe_step_has_all_figures(self):
        row = self.catalogue_row(MOE_STEP)
        self.check_figures(row, layers=2)
        self.assertTrue(row["routing_source"].startswith("synthetic"))
        self.assertIsNone(row["validation_loss"])
        self.assertEqual(row["drop_rate"], 0)
        self.assertEqual(row["scenario"]["tokens"], 64 * 128)


class Knobs(MoesimTest):
    """Every knob turns something, in the direction that it should."""

    def row(self, experiment, *pairs):
        rows = self.rows(self.write("small.json", experiment), *assignments(pairs))
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_a_capacity_drops_tokens_and_so_saves_bytes_and_time(self):
        skewed = small_experiment(training={"seq_length": 2048})
        dropless = self.row(skewed, "router.capacity_factor=null")
        capped = self.row(skewed, "router.capacity_factor=1.0")
        self.assertEqual(dropless["drop_rate"], 0)
        self.assertGreater(capped["drop_rate"], 0.05)
        self.assertLess(capped["drop_rate"], 1)
        sent = [row["all_to_all"]["mean_send_bytes"] for row in (capped, dropless)]
        self.assertAlmostEqual(sent[0] / sent[1], 1 - capped["drop_rate"], delta=1e-9)
        self.assertLess(capped["step_time_s"], dropless["step_time_s"])
        self.assertLess(capped["expert_load"]["cv"], dropless["expert_load"]["cv"])
        self.assertEqual(capped["expert_demand"], dropless["expert_demand"])

    def test_perfect_balance_is_even(self):
        row = self.row(small_experiment(routing={"synthetic": {"distribution": "w0_balanced"}}))
        for key in ("expert_load", "rank_load"):
            figures = {name: round(row[key][name], 9) for name in LOAD_KEYS}
            self.assertEqual(figures, EVEN, key)

    def hot_rank_row(self, cluster, hot_rank):
        experiment = small_experiment(
            training={"seq_length": 2048},
            routing={"synthetic": {"distribution": "w2_hot_rank", "hot_rank": hot_rank}},
            cluster={"preset": cluster})
        return experiment, self.row(experiment)

    def test_a_hot_rank_costs_time_and_loads_its_own_links_most(self):
        for cluster in ("h100_rail_fat_tree", "h100_single_switch"):
            for hot_rank in (3, 12):
                with self.subTest(cluster=cluster, hot_rank=hot_rank):
                    experiment, hot = self.hot_rank_row(cluster, hot_rank)
                    experiment["routing"]["synthetic"] = {"distribution": "w0_balanced"}
                    even = self.row(experiment)
                    self.assertGreater(hot["step_time_s"], 1.05 * even["step_time_s"])
                    self.assertGreater(hot["rank_load"]["max_over_mean"], 2)
                    self.assertEqual(hot["hottest_links"][0]["rank"], hot_rank)

    def test_more_layers_take_more_time(self):
        two = self.row(small_experiment())
        four = self.row(small_experiment(), "model.num_hidden_layers=4")
        self.assertGreater(four["step_time_s"], 1.2 * two["step_time_s"])
        self.assertEqual(len(four["expert_load"]["per_layer"]), 4)

    def test_the_batch_is_made_of_micro_batches(self):
        one = self.row(small_experiment())
        three = self.row(small_experiment(), "training.global_batch_size=48")
        self.assertEqual(three["scenario"]["tokens"], 3 * one["scenario"]["tokens"])
        self.assertGreater(three["step_time_s"], one["step_time_s"])

    def test_no_fidelity_is_faster_than_the_floor(self):
        rows = {fidelity: self.row(small_experiment(), "network.fidelity=" + fidelity)
                for fidelity in ("analytic", "collective", "flow")}
        for fidelity, row in rows.items():
            self.assertEqual(row["scenario"]["fidelity"], fidelity)
            self.assertEqual(row["analytic_floor_s"], rows["analytic"]["step_time_s"])
            self.assertGreaterEqual(row["step_time_s"], row["analytic_floor_s"] * (1 - 1e-9))


class Refusals(MoesimTest):
    def test_output_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([moesim_process.BINARY, "models"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_a_preset_named_by_a_flag_replaces_the_files_fields(self):
        file = self.write("small.json", small_experiment())
        done = self.moesim("run", file, "--json", "--set", "model.preset=olmoe-1b-7b",
                           "--set", "model.num_hidden_layers=1")
        self.assertEqual(done.code, 0, done.err)
        resolved = json.loads((self.latest("small") / "config.resolved.json").read_text())
        self.assertEqual(resolved["model"]["num_experts"], 64)
        self.assertEqual(resolved["model"]["num_hidden_layers"], 1)


if __name__ == "__main__":
    moesim_process.main()
