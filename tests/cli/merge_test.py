# SPDX-License-Identifier: Apache-2.0
"""Shards of a sweep and the one run that they are merged into."""

import json

import moesim_process
from moesim_process import MoesimTest, small_experiment

NUM_POINTS = 7


class Shards(MoesimTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("small.json", small_experiment(
            network={"fidelity": "analytic"},
            sweep={"router.seed": list(range(NUM_POINTS))}))

    def shard(self, part, *arguments):
        """Runs a part into a root of its own, as another machine would; returns the run."""
        root = self.folder / f"machine-{part.replace('/', '-')}"
        done = self.moesim("run", self.file, "--shard", part, "-o", root, *arguments)
        self.assertEqual(done.code, 0, done.err)
        [run] = (root / "small").iterdir()
        return run

    def merge(self, *runs, code=0):
        done = self.moesim("merge", *runs, "--output", "merged")
        self.assertEqual(done.code, code, done.err)
        return done

    def merged(self):
        [run] = [path for path in (self.folder / "merged/small").iterdir()
                 if not path.is_symlink()]
        return run

    def test_all_shards_make_the_run_that_was_not_divided(self):
        runs = [self.shard(part) for part in ("3/3", "1/3", "2/3")]
        self.assertRegex(runs[0].name, r"^\d{8}T\d{6}Z-[0-9a-f]{8}-3of3$")
        manifest = json.loads((runs[0] / "manifest.json").read_text())
        self.assertEqual((manifest["shard"], manifest["status"]), ("3/3", "complete"))
        self.assertEqual([path.name for path in sorted((runs[2] / "points").iterdir())],
                         ["0001-router.seed=1", "0004-router.seed=4"])
        done = self.merge(*runs)
        self.assertIn("7 of 7 points are there, 0 of them failed\n", done.out)
        self.assertEqual(self.moesim("run", self.file, "-j", "1").code, 0)
        alone = self.latest("small")
        merged = (self.folder / "merged/small/latest").resolve()
        for path in alone.rglob("*"):
            if path.is_file() and path.name not in ("manifest.json", ".lock", "log.txt",
                                                       "results.sqlite"):
                same = merged / path.relative_to(alone)
                self.assertEqual(same.read_bytes(), path.read_bytes(), path)
        manifest = json.loads((merged / "manifest.json").read_text())
        self.assertEqual((manifest["status"], manifest["num_points"]), ("complete", 7))
        self.assertEqual(manifest["merged"], [str(run) for run in runs])
        self.assertNotIn("shard", manifest)
        self.assertEqual(len(manifest["files"]), len(json.loads(
            (alone / "manifest.json").read_text())["files"]))

    def test_a_merge_with_points_missing_says_which_and_can_be_resumed(self):
        done = self.merge(self.shard("1/3"), self.shard("3/3"), code=1)
        self.assertIn("2 points are missing: 1, 4\n", done.err)
        manifest = json.loads((self.merged() / "manifest.json").read_text())
        self.assertEqual(manifest["status"], "interrupted")
        done = self.moesim("run", self.file, "-o", "merged")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("5 of 7 points are there", done.err)
        rows = (self.merged() / "results.ndjson").read_text().splitlines()
        self.assertEqual([json.loads(row)["scenario"]["index"] for row in rows], list(range(7)))

    def test_rows_that_two_runs_have_are_taken_once(self):
        done = self.merge(self.shard("1/2"), self.shard("2/2"), self.shard("1/3"))
        self.assertIn("7 of 7 points", done.out)
        self.assertEqual((self.merged() / "results.ndjson").read_bytes().count(b"\n"), 7)

    def test_the_same_run_twice_is_one(self):
        run = self.shard("1/2")
        self.merge(run, run, code=1)

    def test_rows_that_differ_are_an_error_that_names_both(self):
        first, second = self.shard("1/2"), self.shard("1/3")
        journal = second / "results.ndjson"
        journal.write_text(journal.read_text().replace('"drop_rate":', '"drop_rate":0', 1))
        done = self.merge(first, second, code=2)
        self.assertIn(f"{second}\n  has another row than {first} for point 0 (", done.err)
        self.assertFalse((self.folder / "merged").exists())

    def test_other_points_and_other_builds_are_errors(self):
        first, second = self.shard("1/2"), self.shard("2/2")
        other = self.shard("1/4", "--set", "training.seq_length=64")
        done = self.merge(first, other, code=2)
        self.assertIn(f"is not of the same points as {first}", done.err)
        manifest = json.loads((second / "manifest.json").read_text())
        manifest["commit"] = "0123456789ab"
        (second / "manifest.json").write_text(json.dumps(manifest))
        done = self.merge(first, second, code=2)
        self.assertIn("was made by moesim 0.1.0 (0123456789ab), and", done.err)

    def test_two_arithmetics_are_an_error(self):
        first, second = self.shard("1/2"), self.shard("2/2")
        manifest = json.loads((second / "manifest.json").read_text())
        manifest["arithmetic"] = "cuda:tf32"
        (second / "manifest.json").write_text(json.dumps(manifest))
        done = self.merge(first, second, code=2)
        self.assertIn(f"{second}\n  was computed in the arithmetic of cuda:tf32, and {first} in the "
                      "processor's arithmetic: their results do not mix\n  hint: run both with "
                      "--backend cpu or cuda", done.err)

    def test_one_point_is_not_divided_or_merged(self):
        done = self.moesim("run", self.file, "--shard", "90/90", "-o", "none")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("points none is in part 90/90", done.err)
        lone = self.write("lone.json", small_experiment(name="lone"))
        done = self.moesim("run", lone, "--shard", "1/2")
        self.assertEqual(done.code, 2)
        self.assertIn("--shard\n  only sweeps are divided", done.err)
        self.assertEqual(self.moesim("run", lone).code, 0)
        self.assertIn("is a run of one point", self.merge(self.latest("lone"), code=2).err)

    def test_a_shard_that_stopped_goes_on_as_that_shard(self):
        run = self.shard("1/3")
        journal = run / "results.ndjson"
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))
        manifest = json.loads((run / "manifest.json").read_text())
        manifest["status"] = "running"
        (run / "manifest.json").write_text(json.dumps(manifest))
        done = self.moesim("run", self.file, "--resume", run)
        self.assertEqual(done.code, 2)
        self.assertIn("is a run of shard 1/3, not of the whole sweep\n  hint: add --shard 1/3",
                      done.err)
        done = self.moesim("run", self.file, "--shard", "1/3", "-o", run.parent.parent)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("1 of 3 points are there", done.err)
        self.assertEqual(journal.read_bytes().count(b"\n"), 3)


if __name__ == "__main__":
    moesim_process.main()
