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
                (["--ranks", "65"], "the cluster has 64 ranks")):
            done = self.bench(*ONE_SWITCH, *arguments, code=2)
            self.assertIn(words, done.err)


if __name__ == "__main__":
    moesim_process.main()
