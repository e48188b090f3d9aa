# SPDX-License-Identifier: Apache-2.0
"""bench-collective: its table, its JSON, its errors."""

import json

import moesim_process
from moesim_process import MoesimTest

# 64 ranks with a port each of 50 GiB/s on one switch.
ONE_SWITCH = ["--cluster", "h100_single_switch", "--set", "cluster.num_nodes=64",
              "--set", "cluster.node.accelerators_per_node=1",
              "--set", "cluster.node.nic_bandwidth=50 GiB/s",
              "--set", "cluster.node.pcie_bandwidth=100 GiB/s",
              "--set", "cluster.node.nic_latency=0 us"]


class BenchCollective(MoesimTest):
    def bench(self, *arguments, code=0):
        done = self.moesim("bench-collective", *arguments)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_the_table_has_the_columns_of_nccl_tests(self):
        # 63/64 of 256 MiB at 50 GiB/s.
        out = self.bench(*ONE_SWITCH, "-b", "256M", "--fidelity", "analytic").out
        columns, units, row = out.splitlines()[1:]
        self.assertEqual(columns.split(),
                         ["#", "size", "count", "type", "time", "algbw", "busbw"])
        self.assertEqual(units.split(), ["#", "(B)", "(elements)", "(us)", "(GB/s)", "(GB/s)"])
        self.assertEqual(row.split(),
                         ["268435456", "1048576", "float", "4921.88", "54.54", "53.69"])

    def test_sizes_grow_and_small_ones_cost_time_too(self):
        rows = [json.loads(line) for line in self.bench(
            *ONE_SWITCH, "-b", "8", "-e", "64K", "-f", "4", "--fidelity", "analytic", "--json",
            "--set", "cluster.node.nic_latency=2 us").out.splitlines()]
        self.assertEqual([row["size_bytes"] for row in rows], [256, 512, 2048, 8192, 32768])
        times = [row["time_s"] for row in rows]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], 2e-6)

    def test_comparisons_stand_side_by_side(self):
        out = self.bench(*ONE_SWITCH, "-b", "1M", "--compare",
                         "fidelity=analytic,collective,flow").out
        row = out.splitlines()[-1].split()
        self.assertEqual(len(row), 3 + 3 + 4 + 4)
        self.assertEqual([row[9], row[13]], ["1.000", "1.000"])

    def test_every_collective_runs_at_every_fidelity(self):
        for collective in ("all_to_all", "all_reduce", "all_gather", "reduce_scatter", "broadcast",
                           "send_recv"):
            rows = [json.loads(line) for line in self.bench(
                "--cluster", "h100_rail_fat_tree", "--ranks", "16", "--collective", collective,
                "--compare", "fidelity=analytic,collective,flow", "--json").out.splitlines()]
            self.assertEqual([row["fidelity"] for row in rows], ["analytic", "collective", "flow"])
            for row in rows:
                self.assertGreaterEqual(row["time_s"], rows[0]["floor_s"] * (1 - 1e-9), collective)

    def test_many_flows_that_end_at_nearly_one_time_stay_within_their_links(self):
        # 24 of 64 chips, sprayed: thousands of flows, whose ends are a rounding apart.
        row = json.loads(self.bench(
            "--cluster", "tpu_v5p_pod", "--ranks", "24", "-b", "64M", "--fidelity", "flow",
            "--set", "cluster.routing=spray", "--json").out)
        self.assertGreaterEqual(row["time_s"], row["floor_s"] * (1 - 1e-9))

    def test_the_same_seed_gives_the_same_text(self):
        arguments = [*ONE_SWITCH, "--skew", "zipf", "--seed", "3", "--fidelity", "collective"]
        first = self.bench(*arguments).out
        self.assertEqual(first, self.bench(*arguments).out)
        self.assertNotEqual(first, self.bench(*ONE_SWITCH, "--skew", "w2").out)

    def test_a_matrix_is_read_and_its_shape_checked(self):
        matrix = self.write("matrix.json", [[0, 3e9], [1e9, 0]])
        out = self.bench(*ONE_SWITCH, "--ranks", "2", "--matrix", matrix, "--fidelity",
                         "analytic", "--json").out
        row = json.loads(out)
        self.assertEqual(row["size_bytes"], 2e9)
        self.assertAlmostEqual(row["time_s"], 3e9 / (50 * 2**30), 9)
        self.bench(*ONE_SWITCH, "--ranks", "3", "--matrix", matrix, code=2)

    def test_errors_name_the_fix(self):
        for arguments, words in (
                (["--algorithm", "hierarchical_dedup"], "use hierarchical"),
                (["--algorithm", "low_latency"], "7392 B"),
                (["--algorithm", "brück"], "has no algorithm"),
                (["--collective", "all_reduce", "--algorithm", "in_switch"], "reduces"),
                (["--collective", "send_recv", "--algorithm", "ring"], "leave it out"),
                (["-b", "1M", "-e", "2M"], "add -f 2"),
                (["--set", "model.num_experts=4"], "cluster, comm, network"),
                (["--datatype", "flaot"], 'did you mean "float"?'),
                (["--ranks", "65"], "the cluster has 64 ranks"),
                (["--ranks", ""], '"" is no rank'),
                (["--ranks", "1,1"], "rank 1 is named twice"),
                (["--ranks", "5-3"], "write 3-5"),
                (["-b", "1e30"], "at most 1 PiB"),
                (["-b", "64", "-e", "1e30 B", "-f", "2"], "at most 1 PiB"),
                (["--compare", "algorithm=brück,low_latency"], "has no algorithm"),
                (["--set", "cluster.node.nic_bandwidth=1e-200 B/s"], "simulated time would reach"),
                (["--set", "cluster.node.nic_latency=1e9 s", "--fidelity", "flow"],
                 "far from any machine's")):
            done = self.bench(*ONE_SWITCH, *arguments, code=2)
            self.assertIn(words, done.err)
            self.assertEqual(done.out, "", arguments)

    def test_a_graph_file_is_told_from_a_cluster(self):
        done = self.moesim("topology", "export", *ONE_SWITCH[1:], "-o", "graph.json")
        self.assertEqual(done.code, 0, done.err)
        for file in ("graph.json", "graph.xml"):
            done = self.bench("--cluster", file, "--set", "cluster.num_nodes=2", code=2)
            self.assertIn("it is a cluster's graph, which has no keys", done.err)
            hint = done.err.splitlines()[-1]
        section = json.loads(hint.split("says ", 1)[1].replace("graph.xml", "graph.json"))
        out = self.bench("--cluster", self.write("mine.json", section), "--json").out
        self.assertEqual(json.loads(out)["ranks"], 64)

    def test_keys_without_effect_are_warned_of(self):
        done = self.bench(*ONE_SWITCH, "--collective", "all_reduce", "--set",
                          "routing.synthetic.distribution=zipf", "--set", "comm.reserved_sms=1",
                          "--compare", "algorithm=ring,tree", "-b", "1M", "--json")
        self.assertEqual(done.err.splitlines(), [
            "warning: --set comm.reserved_sms=1  /comm/reserved_sms: \"reserved_sms\" has no "
            "effect: it is only used when moesim run computes a step",
            "warning: --set routing.synthetic.distribution=zipf  /routing/synthetic: "
            "\"synthetic\" has no effect: it is only used when the collective is all_to_all"])
        self.assertEqual(len(done.out.splitlines()), 2)

    def test_a_key_without_effect_on_some_columns_is_warned_of_with_theirs(self):
        done = self.bench(*ONE_SWITCH, "--compare", "skew=uniform,zipf", "-b", "1M", "--set",
                          "routing.synthetic.zipf_exponent=1")
        (warning,) = done.err.splitlines()
        self.assertTrue(warning.startswith("warning: uniform: --set "), warning)


class FailingColumns(MoesimTest):
    """One switch that reduces nothing: in_switch cannot be, the others can."""

    def compare(self, algorithms, *arguments):
        done = self.moesim("bench-collective", *ONE_SWITCH, "--collective", "all_reduce",
                           "--fidelity", "analytic", "-b", "1M", "-e", "4M", "-f", "2",
                           "--compare", "algorithm=" + algorithms, *arguments)
        self.assertEqual(done.code, 1, done.err)
        errors = [line for line in done.err.splitlines() if "in_switch needs" in line]
        self.assertEqual(len(errors), 1, done.err)
        self.assertIn("in_switch: --algorithm\n", done.err)
        self.assertIn("  hint: use hierarchical, tree or ring", done.err)
        return done.out

    def test_the_other_columns_go_on(self):
        lines = self.compare("ring,in_switch,tree").splitlines()
        self.assertEqual(lines[1], "# in_switch: all_reduce in_switch on 64 of 64 ranks of "
                                   "h100_single_switch, fidelity analytic")
        rows = [line.split() for line in lines[-3:]]
        for row in rows:
            self.assertEqual(row[6:10], ["-"] * 4)
            self.assertGreater(float(row[13]), 0)  # the tree's ratio to the ring

    def test_ratios_to_a_column_that_failed_are_dashes(self):
        row = self.compare("in_switch,ring").splitlines()[-1].split()
        self.assertEqual(row[3:6], ["-"] * 3)
        self.assertGreater(float(row[6]), 0)
        self.assertEqual(row[9], "-")

    def test_lines_say_the_error_instead_of_figures(self):
        rows = [json.loads(line) for line in self.compare("in_switch,ring", "--json").splitlines()]
        self.assertEqual([row["label"] for row in rows], ["in_switch", "ring"] * 3)
        self.assertEqual(rows[4]["error"], "--algorithm: in_switch needs a switch that reduces, "
                                           "and the cluster has none")
        self.assertNotIn("time_s", rows[4])
        self.assertEqual(rows[4]["size_bytes"], rows[5]["size_bytes"])
        self.assertNotIn("error", rows[5])

    def test_a_case_that_cannot_be_made_is_a_column_too(self):
        done = self.moesim("bench-collective", *ONE_SWITCH, "-b", "1M", "--compare",
                           "cluster.num_nodes=0,64")
        self.assertEqual(done.code, 1)
        self.assertEqual(done.out.splitlines()[0], "# 0: -")
        self.assertIn("0: --set cluster.num_nodes=0  /cluster/num_nodes\n", done.err)
        done = self.moesim("bench-collective", *ONE_SWITCH, "-b", "1M", "--json", "--compare",
                           "cluster.num_nodes=0,64")
        self.assertIn("/cluster/num_nodes: ", json.loads(done.out.splitlines()[0])["error"])


if __name__ == "__main__":
    moesim_process.main()
