# SPDX-License-Identifier: Apache-2.0
"""The Chrome trace of a real run: spans nest, arrows pair, times fit the result."""

import collections
import gzip
import json

import moesim_process
from moesim_process import MoesimTest, small_experiment

RANKS = 16


class ChromeTrace(MoesimTest):
    def setUp(self):
        super().setUp()
        experiment = small_experiment(outputs={"traces": ["chrome"]},
                                      training={"global_batch_size": 32})
        [self.row] = self.rows(self.write("small.json", experiment))
        # Decimal times stay exact as integers of nanoseconds.
        text = gzip.decompress((self.latest("small") / "trace.json.gz").read_bytes())
        self.trace = json.loads(text, parse_float=lambda number: number)
        self.events = collections.defaultdict(list)
        for event in self.trace["traceEvents"]:
            self.events[event["ph"]].append(event)

    @staticmethod
    def nanoseconds(text):
        whole, thousandths = str(text).split(".")
        assert len(thousandths) == 3, text
        return int(whole) * 1000 + int(thousandths)

    def spans_by_track(self):
        tracks = collections.defaultdict(list)
        for span in self.events["X"]:
            start = self.nanoseconds(span["ts"])
            tracks[span["pid"], span["tid"]].append((start, start + self.nanoseconds(span["dur"]),
                                                     span["name"]))
        return tracks

    def test_every_rank_has_a_compute_and_a_communication_track(self):
        names = {(event["pid"], event.get("tid")): event["args"]["name"]
                 for event in self.events["M"] if event["name"].endswith("_name")}
        for rank in range(RANKS):
            self.assertEqual(names[rank + 1, None], f"rank {rank} (node{rank // 8})")
            self.assertEqual(names[rank + 1, 1], "compute")
            self.assertEqual(names[rank + 1, 2], "comm")
        self.assertEqual(names[RANKS + 1, None], "links")
        self.assertEqual(set(self.spans_by_track()),
                         {(rank + 1, thread) for rank in range(RANKS) for thread in (1, 2)})

    def test_spans_of_a_track_nest_or_follow_each_other(self):
        for track, spans in self.spans_by_track().items():
            open_ends = []
            for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
                while open_ends and open_ends[-1] <= start:
                    open_ends.pop()
                self.assertTrue(not open_ends or end <= open_ends[-1], (track, name))
                open_ends.append(end)

    def test_the_last_span_ends_with_the_step(self):
        end = max(end for spans in self.spans_by_track().values() for _, end, _ in spans)
        self.assertLessEqual(abs(end - self.row["step_time_s"] * 1e9), 1)
        self.assertEqual(self.trace["metadata"]["end_ns"], end)

    def test_arrows_lead_from_a_dispatch_to_a_later_expert(self):
        starts = {event["id"]: event for event in self.events["s"]}
        ends = {event["id"]: event for event in self.events["f"]}
        self.assertTrue(starts)
        self.assertEqual(set(starts), set(ends))
        self.assertEqual(len(starts), len(self.events["s"]))
        self.assertEqual(len(ends), len(self.events["f"]))
        tracks = self.spans_by_track()
        for arrow, start in starts.items():
            end = ends[arrow]
            self.assertIn("dispatch", self.span_at(tracks, start))
            self.assertIn("expert", self.span_at(tracks, end))
            self.assertLess(self.nanoseconds(start["ts"]), self.nanoseconds(end["ts"]))
            self.assertNotEqual(start["pid"], end["pid"])

    def span_at(self, tracks, event):
        """The name of the span that the arrow's end lies in."""
        moment = self.nanoseconds(event["ts"])
        names = [name for start, end, name in tracks[event["pid"], event["tid"]]
                 if start <= moment < end]
        self.assertEqual(len(names), 1, event)
        return names[0]

    def test_link_rates_are_in_order_and_end_at_zero(self):
        counters = collections.defaultdict(list)
        for event in self.events["C"]:
            rate = float(event["args"]["GB/s"])
            self.assertGreaterEqual(rate, 0)
            counters[event["name"]].append((self.nanoseconds(event["ts"]), rate))
        self.assertTrue(counters)
        for name, samples in counters.items():
            times = [time for time, _ in samples]
            self.assertEqual(times, sorted(set(times)), name)
            self.assertEqual(samples[-1][1], 0, name)
            self.assertGreater(max(rate for _, rate in samples), 0, name)

    def test_the_source_of_the_routing_is_in_the_trace(self):
        self.assertEqual(self.trace["metadata"]["routing_source"], self.row["routing_source"])


if __name__ == "__main__":
    moesim_process.main()
