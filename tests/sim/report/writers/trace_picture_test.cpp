// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/trace_picture.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/sim/report/writers/example_step.h"

namespace moesim::sim {
namespace {

using testing::ExampleStep;

std::vector<std::string> written_spans(const TracePicture& picture) {
  std::vector<std::string> lines;
  for (const Span& span : picture.spans) {
    lines.push_back(std::to_string(span.rank) + " " + name_of(span.stream) + " " +
                    std::string(name_of(span.label.phase)) + " " + std::to_string(span.start_ns) +
                    " " + std::to_string(span.end_ns));
  }
  return lines;
}

// The drawing in example_step.h; the expert of rank 0 ends at 6250.4 ns.
TEST(TracePicture, SpansAreInTrackAndTimeOrderInWholeNanoseconds) {
  const std::vector<std::string> expected = {
      "0 compute router 0 1000",    "0 compute expert 5000 6250", "0 compute optimizer 11000 12000",
      "0 comm dispatch 2000 4000",  "0 comm combine 9000 11000",  "1 compute router 0 2000",
      "1 compute expert 5000 9000", "1 comm dispatch 2000 5000",  "1 comm combine 9000 10000"};
  const ExampleStep example;
  EXPECT_EQ(written_spans(draw_trace(example.input())), expected);
}

// 3000 B go from rank 0 to rank 1 and 1000 B back; rank 0's 100 B to itself do not count.
TEST(TracePicture, BytesToOneselfAreNotMoved) {
  const ExampleStep example;
  const TracePicture picture = draw_trace(example.input());
  EXPECT_EQ(picture.spans[3].sent_bytes, 3000);
  EXPECT_EQ(picture.spans[3].received_bytes, 1000);
  EXPECT_EQ(picture.spans[7].sent_bytes, 1000);
  EXPECT_EQ(picture.spans[7].received_bytes, 3000);
}

// Spans 3 and 7 are the dispatches of ranks 0 and 1, spans 1 and 6 their experts; each rank sends
// to the other.
TEST(TracePicture, ArrowsLeadFromADispatchToTheFavouriteExperts) {
  const ExampleStep example;
  const TracePicture picture = draw_trace(example.input());
  ASSERT_EQ(picture.arrows.size(), 2u);
  EXPECT_EQ(picture.arrows[0].from, 3);
  EXPECT_EQ(picture.arrows[0].to, 6);
  EXPECT_EQ(picture.arrows[1].from, 7);
  EXPECT_EQ(picture.arrows[1].to, 1);
}

TEST(TracePicture, BackwardDispatchesHaveNoArrows) {
  ExampleStep example;
  for (Op& op : example.graph.ops) op.label.backward = true;
  EXPECT_TRUE(draw_trace(example.input()).arrows.empty());
}

// Rank 1's expert takes 0.4 ns, which rounds to none: only rank 1's own arrow is left.
TEST(TracePicture, EmptySpansHaveNoArrows) {
  ExampleStep example;
  example.timeline.ops[4].end = base::Seconds(5000.4e-9);
  const TracePicture picture = draw_trace(example.input());
  ASSERT_EQ(picture.arrows.size(), 1u);
  EXPECT_EQ(picture.spans[picture.arrows[0].from].rank, 1);
}

// Ranks 0 and 2 each get 500 B from rank 1 (rank 2 in two messages): the lower one is shown.
TEST(TracePicture, OfEqualDestinationsTheLowerRankIsShown) {
  using base::Bytes;
  ExampleStep example;
  example.cluster.vertices.push_back({topologies::VertexKind::accelerator, "gpu2", 1});
  example.cluster.accelerators.push_back(2);
  example.graph.num_ranks = 3;
  example.graph.ranks = {0, 1, 2};
  example.graph.collectives[0].ranks = {0, 1, 2};
  example.graph.collectives[0].transfers = {
      {1, 2, Bytes(250)}, {1, 2, Bytes(250)}, {1, 0, Bytes(500)}, {0, 1, Bytes(0)}};
  example.timeline.rank_end[0].push_back(base::Seconds(5e-6));
  const TracePicture picture = draw_trace(example.input());
  ASSERT_EQ(picture.arrows.size(), 1u);
  EXPECT_EQ(picture.spans[picture.arrows[0].from].rank, 1);
  EXPECT_EQ(picture.spans[picture.arrows[0].to].rank, 0);
}

// Link 1 carries 500 B/us from 2 to 4 us and 1500 B/us from 9 to 11 us of 12.
TEST(TracePicture, CountersSpanTheStepAndEndAtZero) {
  const ExampleStep example;
  const TracePicture picture = draw_trace(example.input());
  ASSERT_EQ(picture.counters.size(), 2u);
  EXPECT_EQ(picture.counters[0].name, "gpu0->gpu1");
  const LinkCounter& back = picture.counters[1];
  EXPECT_EQ(back.name, "gpu1->gpu0");
  const std::vector<std::pair<std::int64_t, double>> expected = {
      {0, 0}, {2000, 0.5}, {4000, 0}, {9000, 1.5}, {11000, 0}, {12000, 0}};
  ASSERT_EQ(back.samples.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(back.samples[i].time_ns, expected[i].first);
    EXPECT_DOUBLE_EQ(back.samples[i].gigabytes_per_second, expected[i].second);
  }
}

// 20 links with 1..20 bytes: those with 20..5 bytes are the 16 most loaded, but for the last, which
// is a hundred times as fast as the others.
TEST(TracePicture, OnlyTheMostLoadedLinksAreCounted) {
  ExampleStep example;
  example.cluster.links.clear();
  example.timeline.links.clear();
  for (int link = 0; link < 20; ++link) {
    topologies::Link cable;
    cable.name = "cable" + std::to_string(link);
    cable.bandwidth = base::BytesPerSecond(link == 19 ? 100 : 1);
    example.cluster.links.push_back(cable);
    example.timeline.links.push_back({link, base::Bytes(link + 1), {}, {}, {}});
  }
  const TracePicture picture = draw_trace(example.input());
  ASSERT_EQ(picture.counters.size(), 16u);
  EXPECT_EQ(picture.counters.front().name, "cable18");
  EXPECT_EQ(picture.counters.back().name, "cable3");
}

TEST(TracePicture, LinksOfOneNameAreToldApart) {
  ExampleStep example;
  example.cluster.links[1].name = "gpu0->gpu1";
  const TracePicture picture = draw_trace(example.input());
  EXPECT_EQ(picture.counters[0].name, "gpu0->gpu1 #0");
  EXPECT_EQ(picture.counters[1].name, "gpu0->gpu1 #1");
}

TEST(TracePicture, AnalyticStepsHaveNoCounters) {
  ExampleStep example;
  example.timeline.links.clear();
  EXPECT_TRUE(draw_trace(example.input()).counters.empty());
}

// The optimizer of rank 0 starts at 6 us, while its expert runs until 6.25 us.
TEST(TracePicture, OverlapOnOneStreamIsOurBug) {
  ExampleStep example;
  example.timeline.ops[6].start = base::Seconds(6e-6);
  EXPECT_THROW(draw_trace(example.input()), base::InvariantViolation);
}

// Ends and starts at 2000.4999 ns and 2000.5001 ns, 0.2 picoseconds apart, round to 2000 and
// 2001.
TEST(TracePicture, RoundingNeverMakesSpansOverlap) {
  ExampleStep example;
  example.timeline.ops[0].end = base::Seconds(2000.4999e-9);
  example.timeline.ops[3].start = base::Seconds(2000.5001e-9);
  const TracePicture picture = draw_trace(example.input());
  EXPECT_EQ(picture.spans[0].end_ns, 2000);
  EXPECT_EQ(picture.spans[1].start_ns, 2001);
}

}  // namespace
}  // namespace moesim::sim
