# SPDX-License-Identifier: Apache-2.0
"""`moesim validate` and `moesim calibrate network` as a user runs them, and the table in the docs."""

import json

import moesim_process
from moesim_process import MoesimTest


def machine(**changes):
    """A series of two nodes with NICs of 1 GB/s and 4 us: half of each buffer crosses them, so
    that a buffer of 2 MB takes 1.004 ms."""
    series = {
        "title": "two nodes", "source": "worked out by hand",
        "cluster": {"topology": "single_switch", "node": {
            "accelerator": {"preset": "h100_sxm5_80gb"}, "accelerators_per_node": 1,
            "scale_up_bandwidth": "1 GB/s", "scale_up_latency": "0 s", "nic_bandwidth": "1 GB/s",
            "nic_latency": "4 us", "pcie_bandwidth": "2 GB/s"}},
        "protocol": {"preset": "ideal"},
        "defaults": {"operation": "all_to_all", "num_nodes": 2},
        "cases": [{"id": "two", "message_size": "2 MB", "time": "1.004 ms"},
                  {"id": "four", "message_size": "4 MB", "time": "2.004 ms"}],
    }
    return {**series, **changes}


class ValidateTest(MoesimTest):
    def test_the_docs_show_the_tables_that_the_command_prints(self):
        """All that ships keeps its promises, within the time that CI gives it."""
        done = self.moesim("validate", "--summary")
        self.assertEqual(done.code, 0, done.err)
        self.assertLess(done.seconds, 60)
        docs = (moesim_process.SOURCE / "docs" / "validation.md").read_text(encoding="utf-8")
        self.assertIn(done.out, docs)

    def test_a_users_file_is_compared(self):
        done = self.moesim("validate", self.write("mine.json", machine()))
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("two       1.004 ms      1.004 ms   +0.0 % A", done.out)
        self.assertIn("| mine | 0 | 2 | 0.0 % | 0.0 % |", done.out)

    def test_json_has_every_case(self):
        done = self.moesim("validate", self.write("mine.json", machine()), "--json")
        (series,) = json.loads(done.out)
        self.assertEqual([case["id"] for case in series["cases"]], ["two", "four"])
        self.assertAlmostEqual(series["cases"][1]["predicted_time_s"], 2.004e-3)
        self.assertEqual(series["trust_A"]["cases"], 2)

    def test_fidelities_agree_on_a_lone_collective(self):
        file = self.write("mine.json", machine())
        for fidelity in ("collective", "flow"):
            done = self.moesim("validate", file, "--json", "--fidelity", fidelity)
            self.assertEqual(done.code, 0, done.err)
            self.assertLess(json.loads(done.out)[0]["trust_A"]["p90_error"], 1e-6)

    def test_what_takes_long_says_how_far_it_is(self):
        cases = [{"id": str(i), "message_size": "64 MB", "time": "1 ms"} for i in range(2)]
        series = machine(cases=cases, cluster={"preset": "h100_rail_fat_tree"})
        series["defaults"]["num_nodes"] = 12
        done = self.moesim("validate", self.write("long.json", series), "--fidelity", "flow")
        self.assertEqual(done.code, 0, done.err)
        self.assertGreater(done.seconds, 1)
        self.assertRegex(done.err, r"^moesim: simulating the cases of long [01]/2")

    def test_a_broken_promise_is_exit_code_1(self):
        slow = machine(promised_median=0.08)
        for case in slow["cases"]:
            case["time"] = "9 ms"
        done = self.moesim("validate", self.write("slow.json", slow))
        self.assertEqual(done.code, 1)
        self.assertIn("slow: the median error over trust-A cases is above what is promised",
                      done.err)

    def test_bad_input_is_named_with_its_place(self):
        unknown = self.moesim("validate", "deepep_h80")
        self.assertEqual(unknown.code, 2)
        self.assertIn('did you mean "deepep_h800"?', unknown.err)
        bad = machine()
        bad["cases"][1]["tme"] = "1 us"
        done = self.moesim("validate", self.write("bad.json", json.dumps(bad, indent=1)))
        self.assertEqual(done.code, 2)
        self.assertIn("/cases/1", done.err)
        self.assertIn('unknown key "tme"', done.err)
        self.assertEqual(self.moesim("validate", "none.json").code, 2)
        self.assertEqual(self.moesim("validate", "--fidelity", "exact").code, 2)


class CalibrateTest(MoesimTest):
    def test_a_fitted_preset_predicts_what_it_was_fitted_to(self):
        times = {"1 MB": "649 us", "10 MB": "6.274 ms", "100 MB": "62.524 ms"}  # 24 us + S/1.6 GB/s
        cases = [{"id": size, "message_size": size, "time": time} for size, time in times.items()]
        file = self.write("mine.json", machine(
            cases=cases, fitted=["kernel_latency", "network_efficiency"]))
        done = self.moesim("calibrate", "network", file, "-o", "preset.json")
        self.assertEqual(done.code, 0, done.err)
        preset = json.loads((self.folder / "preset.json").read_text())
        self.assertAlmostEqual(preset["network_efficiency"], 0.8, delta=0.01)
        self.assertIn("kernel_latency", preset["sources"])
        del preset["sources"]
        fitted = self.write("fitted.json", machine(cases=cases, protocol=preset,
                                                   promised_median=0.01))
        self.assertEqual(self.moesim("validate", fitted).code, 0)

    def test_keys_that_cannot_be_fitted_are_refused(self):
        file = self.write("mine.json", machine())
        done = self.moesim("calibrate", "network", file, "--fit", "network_efficency")
        self.assertEqual(done.code, 2)
        self.assertIn('did you mean "network_efficiency"?', done.err)
        self.assertEqual(self.moesim("calibrate", "network", file).code, 2)


if __name__ == "__main__":
    moesim_process.main()
