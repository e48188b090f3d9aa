# SPDX-License-Identifier: Apache-2.0
"""`moesim calibrate compute` as a user runs it, the tables in the docs, and cost.source table."""

import json
import shutil

import moesim_process
from moesim_process import MoesimTest

DATA = "experiments/calibration/data/moe_layer_h200_bf16.csv"


def experiment(**changes):
    """Eight ranks of one H200 node."""
    return {"name": "cost", "model": {"preset": "qwen3-30b-a3b", "num_hidden_layers": 2},
            "training": {"seq_length": 512, "micro_batch_size": 1},
            "routing": {"source": "synthetic", "synthetic": {"distribution": "zipf"}},
            "cluster": {"preset": "h200_single_switch", "num_nodes": 1}, **changes}


class CalibrateComputeTest(MoesimTest):
    def setUp(self):
        super().setUp()
        self.csv = moesim_process.SOURCE / DATA

    def step_time(self, *assignments):
        arguments = [part for assignment in assignments for part in ("--set", assignment)]
        (row,) = self.rows(self.write("experiment.json", experiment()), *arguments)
        return row["step_time_s"]

    def test_the_docs_show_what_the_command_prints(self):
        docs = (moesim_process.SOURCE / "docs" / "validation.md").read_text(encoding="utf-8")
        for name in ("h200_trtllm", "h200_vllm", "h200_sglang"):
            done = self.moesim("calibrate", "compute", "--from", self.csv, "--like", name)
            self.assertEqual(done.code, 0, done.err)
            self.assertLess(done.seconds, 60)
            self.assertIn(done.out, docs, name)

    def test_a_table_is_judged_by_rows(self):
        done = self.moesim("calibrate", "compute", "--table", "h200_vllm", "--against", self.csv)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("all       1053 rows: median", done.out)
        self.assertIn("256 experts, top 8, 2048 x 512       81 rows", done.out)
        self.assertIn("2268 rows of other engines", done.out)

    def test_this_machine_is_measured_and_its_table_used(self):
        table, rows = self.folder / "here.json", self.folder / "here.csv"
        done = self.moesim("calibrate", "compute", "--small", "-o", table, "--rows", rows)
        self.assertEqual(done.code, 0, done.err)
        for family in ("gemm", "grouped_gemm", "permute", "combine", "attention"):
            self.assertIn(f"{family}: fitted to ", done.out)
        judged = self.moesim("calibrate", "compute", "--table", table, "--against", rows)
        self.assertEqual(judged.code, 0, judged.err)
        again = self.moesim("calibrate", "compute", "--from", rows, "--like", table)
        self.assertEqual(again.code, 0, again.err)
        slow = self.step_time("cost.source=table", "cost.clocks=sustained",
                              f"cluster.node.accelerator.cost_table={table}")
        self.assertGreater(slow, 10 * self.step_time())
        measured = json.loads(table.read_text(encoding="utf-8"))
        here = {"name": measured["device"],
                "peak_bf16": measured["peak"], "achievable_bf16": measured["peak"],
                "memory_bandwidth": measured["peak_bandwidth"]}
        for name, warnings in ((here["name"], 0), ("Another 9000", 1)):
            keys = {**here, "name": name, "cost_table": str(table)}
            arguments = [part for key, value in keys.items()
                         for part in ("--set", f"cluster.node.accelerator.{key}={value}")]
            (row,) = self.rows(self.write("own.json", experiment(cost={"source": "table"})),
                               *arguments)
            found = [warning for warning in row["warnings"] if "cost table" in warning]
            self.assertEqual(len(found), warnings, row["warnings"])

    def test_a_fit_says_what_it_lacks_and_where_its_table_is(self):
        lines = self.csv.read_text(encoding="utf-8").splitlines()
        keys = next(line for line in lines if line.startswith("engine,"))
        three = [line for line in lines if line.startswith("VLLM,")][:3]
        file = self.write("three.csv", "\n".join([keys, *three]) + "\n")
        arguments = ["calibrate", "compute", "--from", file, "--like", "h200_vllm"]
        done = self.moesim(*arguments, "-o", "three.json")
        self.assertEqual(done.code, 0, done.err)
        table = json.loads((self.folder / "three.json").read_text(encoding="utf-8"))
        self.assertTrue(table["sources"]["rows"].startswith("three.csv, sha256 "))
        done = self.moesim(*arguments)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("warning: moe_layer: 3 rows cannot decide", done.err)
        self.assertIn("no table was written; -o FILE.json writes it", done.err)
        table = self.folder / "three.json"
        done = self.moesim(*arguments, "-o", table)
        self.assertIn(f"cost table in {table}", done.out)
        self.assertNotIn("no table was written", done.err)
        self.assertTrue(table.is_file())

    def test_options_of_different_uses_are_one_error(self):
        judge = ["--table", "h200_vllm", "--against", self.csv]
        fit = ["--from", self.csv, "--like", "h200_vllm"]
        cases = [
            ([*judge, "-o", "x.json"], "-o", "writes no table"),
            ([*judge, *fit], "--from", "--table is for judging a table"),
            ([*fit, "--rows", "x.csv"], "--rows", "--from is for fitting rows of a file"),
            ([*fit, "--backend", "cpu"], "--backend", "is for measuring"),
            ([*judge, "--threads", "1"], "--threads", "is for measuring"),
            ([*judge, "--small"], "--small", "is for measuring"),
            (["--small", "--rows", "x.json", "-o", "./x.json"], "--rows", "into one file"),
            (["--small", "--rows", "x.json", "-o", self.folder / "x.json"], "--rows", "one file"),
            (["--small", "-o", "nowhere/x.json"], "nowhere/x.json", "there is no folder"),
            (["--small", "--rows", "."], ".", "is a folder"),
            (["--small", "-o", "here"], "-o", "ends in .json"),
        ]
        for arguments, place, words in cases:
            done = self.moesim("calibrate", "compute", *arguments)
            self.assertEqual(done.code, 2, arguments)
            self.assertEqual(done.out, "")
            self.assertIn(place, done.err.splitlines()[0])
            self.assertIn(words, done.err)
        self.assertFalse((self.folder / "x.json").exists())

    def test_a_backend_is_measured_or_is_an_error(self):
        done = self.moesim("calibrate", "compute", "--backend", "cuda:tf23")
        self.assertEqual(done.code, 2)
        self.assertIn('did you mean "cuda:tf32"?', done.err)
        device = self.moesim("calibrate", "compute", "--backend", "cuda", "--small")
        if device.code != 0:  # no device on this machine
            self.assertEqual(device.code, 2)
            self.assertIn("use --backend cpu", device.err)
            done = self.moesim("calibrate", "compute", "--backend", "auto", "--small",
                               "--threads", "1", "-o", "auto.json")
            self.assertEqual(done.code, 0, done.err)
            table = json.loads((self.folder / "auto.json").read_text(encoding="utf-8"))
            self.assertEqual(table["machine"], table["device"] + ", 1 thread, backend cpu")
            self.assertIn("moesim: measuring cpu (", done.err)
        else:
            self.assertIn("moesim: measuring cuda (", device.err)

    def test_source_table_moves_the_step_and_roofline_is_the_default(self):
        roofline = self.step_time("cost.source=roofline")
        self.assertEqual(self.step_time(), roofline)
        self.assertNotEqual(self.step_time("cost.source=table"), roofline)

    def test_bad_input_is_named_with_its_place(self):
        cases = [
            (["--table", "h200_vllm"], "--against", "come together"),
            (["--from", self.csv], "--like", "come together"),
            (["--table", "h200_vlm", "--against", self.csv], "--table", 'did you mean "h200_vllm"?'),
        ]
        for arguments, place, words in cases:
            done = self.moesim("calibrate", "compute", *arguments)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(place, done.err)
            self.assertIn(words, done.err)
        file = self.write("bad.csv", self.csv.read_text(encoding="utf-8").splitlines()[1] +
                          "\nE,1,layer,8,2,64,32,uniform,4,9\n")
        done = self.moesim("calibrate", "compute", "--from", file, "--like", "h200_vllm")
        self.assertEqual(done.code, 2)

    def test_experiments_name_tables_that_exist(self):
        file = self.write("experiment.json", experiment(cost={"source": "table"}))
        key = "cluster.node.accelerator.cost_table"
        done = self.moesim("run", file, "--set", f"{key}=h200_vlm")
        self.assertEqual(done.code, 2)
        self.assertIn('did you mean "h200_vllm"?', done.err)
        none = self.moesim("run", file, "--set", f'{key}=""')
        self.assertEqual(none.code, 2)
        self.assertIn("the accelerator names no cost table", none.err)
        long_runs = self.moesim("run", file, "--set", "cost.clocks=sustained")
        self.assertEqual(long_runs.code, 2)
        self.assertIn("knows moe_layer in bursts only", long_runs.err)

    def test_tables_are_named_from_their_experiments_folder(self):
        (self.folder / "own").mkdir()
        presets = moesim_process.SOURCE / "sim/cost/presets"
        shutil.copy(presets / "h200_vllm.json", self.folder / "own/mine.json")
        cluster = {**experiment()["cluster"], "node": {"accelerator": {"cost_table": "mine.json"}}}
        table = {"source": "table"}
        file = self.write("own/e.json", experiment(cluster=cluster, cost=table))
        (row,) = self.rows(file)
        self.assertIn("table mine.json sha256 ", row["cost_source"])
        shutil.copy(presets / "h200_sglang.json", self.folder / "own/mine.json")
        explained = self.moesim("explain", self.latest("cost"))
        self.assertIn("its compute times were of table mine.json sha256 ", explained.out)
        (self.folder / "own/mine.json").rename(self.folder / "mine.json")
        done = self.moesim("run", file)
        self.assertEqual(done.code, 2)
        self.assertIn("/cluster/node/accelerator/cost_table", done.err)
        (row,) = self.rows(self.write("e.json", experiment(cluster=cluster)))
        (unread,) = [warning for warning in row["warnings"] if "cost_table" in warning]
        self.assertIn("no effect: cost.source is roofline", unread)


if __name__ == "__main__":
    moesim_process.main()
