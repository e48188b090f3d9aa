# SPDX-License-Identifier: Apache-2.0
"""One sweep in several processes under mpirun: the same bytes as from one. Skipped without Open MPI and
in builds with AddressSanitizer."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import moesim_process
from moesim_process import MoesimTest, small_experiment

SKIPPED = 77
# As root in a container, more processes than cores, and without ptrace.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
               "OMPI_MCA_btl": "self,vader", "OMPI_MCA_plm": "isolated"}
SWEEP = {"router.seed": list(range(6)), "model.num_experts_per_tok": [1, 2, 64]}


def mpirun(processes, arguments, folder):
    command = ["mpirun", "-n", str(processes), moesim_process.BINARY, *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **ENVIRONMENT},
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True)


class Mpi(MoesimTest):
    def under_mpi(self, processes, *arguments, code=0):
        process = mpirun(processes, arguments, self.folder)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, err.decode())
        return out.decode(), err.decode()

    def results(self, root):
        return (self.folder / root / "small" / "latest" / "results.ndjson").read_bytes()

    def test_every_way_of_running_a_sweep_gives_the_same_bytes(self):
        file = self.write("small.json", small_experiment(sweep=SWEEP))
        for workers in ("1", "2"):
            done = self.moesim("run", file, "-j", workers, "-o", "j" + workers)
            self.assertEqual(done.code, 0, done.err)
        out, _ = self.under_mpi(4, "run", file, "-o", "mpi")
        self.assertEqual(out.count("results in"), 1)
        shards = []
        for part in range(1, 5):
            done = self.moesim("run", file, "--shard", f"{part}/4", "-o", f"shard{part}")
            self.assertEqual(done.code, 0, done.err)
            shards += [path for path in (self.folder / f"shard{part}" / "small").iterdir()
                       if not path.is_symlink()]
        self.assertEqual(self.moesim("merge", *shards, "-o", "merged").code, 0)
        alone = self.results("j1")
        statuses = [json.loads(line)["status"] for line in alone.splitlines()]
        self.assertEqual((statuses.count("ok"), statuses.count("skipped")), (12, 6))
        for root in ("j2", "mpi", "merged"):
            self.assertEqual(self.results(root), alone, root)
        points = {root: sorted(path.name for path in
                               (self.folder / root / "small/latest/points").iterdir())
                  for root in ("j1", "mpi")}
        self.assertEqual(points["mpi"], points["j1"])

    def test_an_error_in_the_file_is_said_once(self):
        file = self.write("small.json", small_experiment(router={"sead": 1}))
        _, err = self.under_mpi(3, "run", file, code=2)
        self.assertEqual(err.count("unknown key \"sead\""), 1, err)
        self.assertFalse((self.folder / "runs").exists())

    def test_one_point_runs_in_one_process(self):
        file = self.write("small.json", small_experiment())
        out, _ = self.under_mpi(3, "run", file, "--json")
        self.assertEqual([json.loads(line)["status"] for line in out.splitlines()], ["ok"])

    def test_a_failed_point_is_a_row_wherever_it_ran(self):
        cut = [{"kind": "switch_down", "target": "switch", "at": "10 us"}]
        file = self.write("small.json", small_experiment(
            cluster={"preset": "h100_single_switch"},
            sweep={"router.seed": [1, 2, 3], "faults.events": [[], cut]}))
        self.under_mpi(3, "run", file, code=1)
        statuses = [json.loads(line)["status"] for line in self.results("runs").splitlines()]
        self.assertEqual(statuses, ["ok", "failed"] * 3)

    # Where a process is lost MPI ends the others; what they had found is kept, the rest runs again.
    def test_a_run_whose_process_was_lost_goes_on(self):
        file = self.write("small.json", small_experiment(sweep={"router.seed": list(range(300))}))
        process = mpirun(3, ["run", file], self.folder)
        journal = None
        while journal is None or not journal.exists() or journal.stat().st_size == 0:
            self.assertIsNone(process.poll(), "ended before it had begun")
            time.sleep(0.01)
            journal = next((self.folder / "runs" / "small").glob("2*/results.ndjson"), None)
        ranks = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(ranks[-1]), signal.SIGKILL)
        process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, 0)
        recorded = journal.read_bytes().count(b"\n")
        self.assertGreater(recorded, 0)
        done = self.moesim("run", file)
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.err, r"resuming .*: [1-9]\d* of 300 points are there")
        again = self.moesim("run", file, "--fresh", "-o", "whole")
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual(self.results("runs"), self.results("whole"))


if __name__ == "__main__":
    library = pathlib.Path(sys.argv[1]).resolve().parent / "libmoesim_mpi.so"
    if not library.exists() or shutil.which("mpirun") is None:
        print("Open MPI is not there: ./dev mpi installs it")
        sys.exit(SKIPPED)
    # The library is loaded with RTLD_DEEPBIND, since libsimgrid exports functions of MPI's names.
    if b"__asan_init" in pathlib.Path(sys.argv[1]).read_bytes():
        print("AddressSanitizer loads no library with RTLD_DEEPBIND, which Open MPI's needs here")
        sys.exit(SKIPPED)
    moesim_process.main()
