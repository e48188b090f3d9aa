# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind: complete, consistent, reproducible from itself, the same every time."""

import hashlib
import json

import moesim_process
from moesim_process import MoesimTest, small_experiment

# About the run, not about the experiment: these may differ between runs.
ABOUT_THE_RUN = {"manifest.json", "log.txt", "results.sqlite"}


def numerics_experiment(**changes):
    """Routing from a proxy that is trained for two steps on the program's own sources."""
    proxy = {"hidden_size": 8, "moe_intermediate_size": 4, "window": 16, "train_steps": 2}
    experiment = small_experiment(training={"seq_length": 32}, **changes)
    experiment["routing"] = {"source": "numerics", "proxy": proxy}
    return experiment


def files_of(folder):
    """Path -> bytes of all files below the folder but the lock."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}


class Layout(MoesimTest):
    def setUp(self):
        super().setUp()
        text = "// A comment stays.\n" + json.dumps(small_experiment(outputs={
            "traces": ["perfetto", "chrome"], "routing_trace": True}))
        self.file = self.write("small.json", text)
        self.done = self.moesim("run", self.file, "--json")
        self.assertEqual(self.done.code, 0, self.done.err)
        self.run_folder = self.latest("small")

    def test_json_prints_one_line_a_point_and_nothing_else(self):
        self.assertEqual(self.done.out.count("\n"), 1)
        self.assertEqual(json.loads(self.done.out)["status"], "ok")
        self.assertIn("results in runs/small/", self.done.err)

    def test_a_run_of_one_point_has_its_files_in_one_folder(self):
        self.assertEqual(set(files_of(self.run_folder)), {
            "manifest.json", "config.input.json", "config.resolved.json", "log.txt", "result.json",
            "results.csv", "results.ndjson", "results.sqlite", "routing.trace", "trace.json.gz", "trace.pftrace.gz"})

    def test_latest_points_to_the_run(self):
        link = self.folder / "runs" / "small" / "latest"
        self.assertTrue(link.is_symlink())
        self.assertRegex(str(link.readlink()), r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
        self.assertEqual(self.moesim("run", self.file).code, 0)
        self.assertNotEqual(self.latest("small"), self.run_folder)
        self.assertTrue(self.run_folder.is_dir())

    def test_the_input_is_kept_to_the_byte(self):
        kept = (self.run_folder / "config.input.json").read_bytes()
        self.assertEqual(kept, self.file.read_bytes())

    def test_the_manifest_lists_every_file_with_its_hash(self):
        manifest = json.loads((self.run_folder / "manifest.json").read_text())
        self.assertEqual(manifest["status"], "complete")
        self.assertIn("small.json --json", manifest["command"])
        files = files_of(self.run_folder)
        del files["manifest.json"]
        expected = [{"path": path, "bytes": len(content),
                     "sha256": hashlib.sha256(content).hexdigest()}
                    for path, content in files.items()]
        self.assertEqual(manifest["files"], expected)

    def test_all_copies_of_the_result_agree(self):
        result = json.loads((self.run_folder / "result.json").read_text())
        self.assertEqual(result, json.loads(self.done.out))
        self.assertEqual((self.run_folder / "results.ndjson").read_text(), self.done.out)

    def test_the_resolved_configuration_gives_the_same_result(self):
        again = self.moesim("run", self.run_folder / "config.resolved.json", "--output", "again")
        self.assertEqual(again.code, 0, again.err)
        other = (self.folder / "again" / "small" / "latest").resolve()
        for name in ("config.resolved.json", "trace.json.gz", "trace.pftrace.gz", "routing.trace"):
            self.assertEqual((other / name).read_bytes(), (self.run_folder / name).read_bytes())
        results = [json.loads((folder / "result.json").read_text())
                   for folder in (other, self.run_folder)]
        for result in results:  # which tells how the experiment is written
            del result["scenario"]["point"]
        self.assertEqual(results[0], results[1])

    def test_nothing_is_left_unfinished(self):
        self.assertEqual(list(self.folder.rglob("*.partial")), [])

    def test_a_dry_run_writes_nothing(self):
        before = sorted(self.folder.rglob("*"))
        done = self.moesim("run", self.file, "--dry-run")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("small: 1 point\n", done.out)
        self.assertIn("16 accelerators, 1 group of 16", done.out)
        self.assertEqual(sorted(self.folder.rglob("*")), before)


class Reproducible(MoesimTest):
    """INV-5: the same experiment gives the same bytes, whatever the number of workers."""

    def bytes_of_run(self, file, output, jobs):
        done = self.moesim("run", file, "--output", output, "-j", jobs)
        self.assertEqual(done.code, 0, done.err)
        name = json.loads(file.read_text())["name"]
        files = files_of((self.folder / output / name / "latest").resolve())
        kept = {path: content for path, content in files.items()
                if path.rsplit("/", 1)[-1] not in ABOUT_THE_RUN}
        self.assertTrue(any(path.endswith("result.json") for path in kept))
        return kept

    def assert_same_bytes(self, experiment):
        file = self.write("same.json", experiment)
        first = self.bytes_of_run(file, "first", 1)
        self.assertEqual(self.bytes_of_run(file, "second", 1), first)
        self.assertEqual(self.bytes_of_run(file, "third", 2), first)

    def test_synthetic(self):
        for fidelity in ("collective", "flow"):
            with self.subTest(fidelity):
                self.assert_same_bytes(small_experiment(
                    network={"fidelity": fidelity}, router={"capacity_factor": 1.0},
                    outputs={"traces": ["perfetto", "chrome"], "routing_trace": True}))

    def test_numerics(self):
        self.assert_same_bytes(numerics_experiment(
            router={"capacity_factor": 1.0},
            outputs={"traces": ["perfetto", "chrome"], "routing_trace": True}))

    def test_sweeps(self):
        sweep = {"router.seed": [1, 2, 3], "network.fidelity": ["analytic", "flow"]}
        self.assert_same_bytes(numerics_experiment(sweep=sweep, outputs={"traces": ["chrome"]}))

    def test_the_backend_changes_nothing(self):
        file = self.write("small.json", numerics_experiment())
        rows = self.rows(file)
        manifest = json.loads((self.latest("small") / "manifest.json").read_text())
        self.assertEqual(manifest["backend"], "cpu")
        done = self.moesim("run", file, "--json", "--backend", "auto")
        self.assertEqual([json.loads(line) for line in done.out.splitlines()], rows)
        manifest = json.loads((self.latest("small") / "manifest.json").read_text())
        self.assertRegex(manifest["backend"], r"^(cpu|cuda) \(.+\)$")
        self.assertIn(f"moesim: training gates on {manifest['backend']}\n", done.err)

    def test_a_backend_that_is_not_there_leaves_no_run(self):
        file = self.write("small.json", numerics_experiment())
        done = self.moesim("run", file, "--backend", "cude")
        self.assertEqual((done.code, done.err.splitlines()[0]), (2, "--backend"))
        self.assertFalse((self.folder / "runs").exists())

    def test_the_seed_changes_the_result(self):
        file = self.write("small.json", small_experiment())
        times = {self.rows(file, "--set", f"router.seed={seed}")[0]["step_time_s"]
                 for seed in (1, 2, 3)}
        self.assertEqual(len(times), 3)


class Texts(MoesimTest):
    """Files that an experiment names are looked for beside it, from wherever it is run."""

    def setUp(self):
        super().setUp()
        (self.folder / "elsewhere").mkdir()
        self.write("elsewhere/words.txt", "the quick brown fox jumps over the lazy dog\n" * 40)
        experiment = numerics_experiment()
        experiment["routing"]["proxy"]["text"] = "words.txt"
        self.file = self.write("elsewhere/small.json", experiment)

    def test_the_place_of_the_experiment_changes_nothing(self):
        here = self.rows(self.file)
        done = self.moesim("run", "small.json", "--json", cwd=self.folder / "elsewhere")
        self.assertEqual([json.loads(done.out)], here)
        (self.folder / "elsewhere").rename(self.folder / "moved")
        self.assertEqual(self.rows("moved/small.json"), here)

    def test_the_resolved_configuration_finds_its_text(self):
        [row] = self.rows("elsewhere/small.json")
        resolved = self.latest("small") / "config.resolved.json"
        [again] = self.rows(resolved, "--output", "again")
        del row["scenario"]["point"], again["scenario"]["point"]
        self.assertEqual(again, row)


class RoutingTraces(MoesimTest):
    def test_a_recorded_routing_replays_to_the_same_figures(self):
        for experiment in (small_experiment(), numerics_experiment()):
            experiment["router"]["capacity_factor"] = 1.0
            source = experiment["routing"]["source"]
            file = self.write("small.json", experiment)
            with self.subTest(source):
                [recorded] = self.rows(file, "--set", "outputs.routing_trace=true")
                trace = self.latest("small") / "routing.trace"
                [replayed] = self.rows(file, "--set", "routing.source=trace",
                                       "--set", f"routing.trace={trace}")
                self.assertEqual(replayed["routing_source"],
                                 f"trace (recorded from {recorded['routing_source']})")
                for row in (recorded, replayed):
                    del row["routing_source"], row["scenario"]["point"], row["warnings"]
                    del row["validation_loss"]
                self.assertEqual(replayed, recorded)


class Extending(MoesimTest):
    def test_a_file_is_merged_over_the_one_that_it_extends(self):
        self.write("base.json", small_experiment())
        self.write("small.json", {"extends": "base.json", "router": {"capacity_factor": 1.0}})
        [row] = self.rows("small.json")
        [same] = self.rows("base.json", "--set", "router.capacity_factor=1.0")
        self.assertEqual(row, same)
        self.assertGreater(row["drop_rate"], 0)


if __name__ == "__main__":
    moesim_process.main()
