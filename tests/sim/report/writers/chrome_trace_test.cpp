// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/chrome_trace.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/sim/report/writers/example_step.h"

namespace moesim::sim {
namespace {

using nlohmann::json;

json parsed_example() {
  const testing::ExampleStep example;
  return json::parse(render_chrome_trace(draw_trace(example.input())));
}

std::vector<json> events_of(const json& trace, const std::string& kind) {
  std::vector<json> events;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == kind) events.push_back(event);
  }
  return events;
}

// 5 computations and 2 collectives of 2 ranks each.
TEST(ChromeTrace, EverySpanIsACompleteEventOfARealThread) {
  const std::vector<json> spans = events_of(parsed_example(), "X");
  EXPECT_EQ(spans.size(), 9u);
  for (const json& span : spans) {
    EXPECT_GE(span["pid"].get<int>(), 1);
    EXPECT_GE(span["tid"].get<int>(), 1);
  }
}

// Rank 1 is process 2, its dispatch runs on thread 2 from 2 to 5 us.
TEST(ChromeTrace, SpanSaysWhatWhereAndHowMuch) {
  const std::vector<json> spans = events_of(parsed_example(), "X");
  const json& dispatch = spans[7];
  EXPECT_EQ(dispatch["name"], to_text({Phase::dispatch, 0, 0, false}));
  EXPECT_EQ(dispatch["cat"], "dispatch");
  EXPECT_EQ(dispatch["pid"], 2);
  EXPECT_EQ(dispatch["tid"], 2);
  EXPECT_EQ(dispatch["ts"], 2.0);
  EXPECT_EQ(dispatch["dur"], 3.0);
  EXPECT_EQ(dispatch["args"], json::parse(R"({"layer": 0, "micro_batch": 0, "backward": false,
                                              "sent_bytes": 1000, "received_bytes": 3000})"));
}

TEST(ChromeTrace, TimesAreMicrosecondsWithThreeDecimals) {
  const testing::ExampleStep example;
  const std::string text = render_chrome_trace(draw_trace(example.input()));
  EXPECT_NE(text.find(R"("ts":5.000,"dur":1.250,)"), std::string::npos);
}

TEST(ChromeTrace, CompleteEventsOfAThreadFollowEachOther) {
  std::map<std::pair<int, int>, double> last_end;
  for (const json& span : events_of(parsed_example(), "X")) {
    double& end = last_end[{span["pid"], span["tid"]}];
    EXPECT_GE(span["ts"].get<double>(), end);
    end = span["ts"].get<double>() + span["dur"].get<double>();
  }
  EXPECT_EQ(last_end.size(), 4u);
}

// Rank 0's dispatch lasts from 2 to 4 us, rank 1's expert starts at 5 us.
TEST(ChromeTrace, ArrowsPairAndBindToTheirSpans) {
  const json trace = parsed_example();
  const std::vector<json> starts = events_of(trace, "s");
  const std::vector<json> finishes = events_of(trace, "f");
  ASSERT_EQ(starts.size(), 2u);
  ASSERT_EQ(finishes.size(), 2u);
  std::set<json> identities;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const char* key : {"id", "name", "cat"}) EXPECT_EQ(starts[i][key], finishes[i][key]);
    EXPECT_EQ(finishes[i]["bp"], "e");
    identities.insert(starts[i]["id"]);
  }
  EXPECT_EQ(identities.size(), 2u);
  EXPECT_EQ(starts[0]["pid"], 1);
  EXPECT_EQ(starts[0]["ts"], 3.999);
  EXPECT_EQ(finishes[0]["pid"], 2);
  EXPECT_EQ(finishes[0]["ts"], 5.0);
}

// Ranks are processes 1 and 2, so the links are process 3.
TEST(ChromeTrace, CountersEndAtZeroOnAProcessOfTheirOwn) {
  std::map<std::string, json> last;
  for (const json& sample : events_of(parsed_example(), "C")) {
    EXPECT_EQ(sample["pid"], 3);
    last[sample["name"]] = sample;
  }
  ASSERT_EQ(last.size(), 2u);
  for (const auto& [name, sample] : last) {
    EXPECT_EQ(sample["ts"], 12.0) << name;
    EXPECT_EQ(sample["args"]["GB/s"], 0) << name;
  }
}

TEST(ChromeTrace, ProvenanceIsInTheMetadataAndInOneEvent) {
  const json trace = parsed_example();
  EXPECT_EQ(trace["metadata"]["title"], "example \"two\nranks\"");
  EXPECT_EQ(trace["metadata"]["routing_source"], "synthetic");
  EXPECT_EQ(trace["metadata"]["end_ns"], 12000);
  const std::vector<json> instants = events_of(trace, "i");
  ASSERT_EQ(instants.size(), 1u);
  EXPECT_EQ(instants[0]["ts"], 0);
  EXPECT_EQ(instants[0]["args"], trace["metadata"]);
}

TEST(ChromeTrace, ProcessesAndThreadsAreNamed) {
  std::map<std::pair<int, int>, std::string> names;
  for (const json& event : events_of(parsed_example(), "M")) {
    if (!event["args"].contains("name")) continue;
    names[{event["pid"], event.value("tid", 0)}] = event["args"]["name"];
  }
  const std::map<std::pair<int, int>, std::string> expected = {
      {{1, 0}, "rank 0 (node0)"}, {{1, 1}, "compute"}, {{1, 2}, "comm"}, {{2, 0}, "rank 1 (node1)"},
      {{2, 1}, "compute"},        {{2, 2}, "comm"},    {{3, 0}, "links"}};
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace moesim::sim
