// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/fault.h"

#include <gtest/gtest.h>

#include "base/json_value.h"
#include "tests/base/thrown_error.h"

namespace moesim::sim {
namespace {

FaultsConfig read(const std::string& text) {
  FaultsConfig faults;
  base::ReadReport report;
  base::read_json(base::parse_json(text, "faults.json"), faults, report);
  return faults;
}

FaultsConfig one_event(const std::string& members) {
  return read(R"({"events": [{)" + members + "}]}");
}

base::Error refusal(const std::string& members) {
  return base::thrown_error([&] { validate(one_event(members)); });
}

TEST(FaultsConfig, ReadsEventsAndDrawnFaults) {
  const FaultsConfig faults =
      read(R"({"events": [{"kind": "link_down", "target": "leaf0->spine1", "at": "2 ms",)"
           R"( "until": "5 ms"}, {"kind": "straggler", "target": "node0/gpu3", "factor": 0.5}],)"
           R"( "random": [{"kind": "added_latency", "target": "*", "latency": "5 us",)"
           R"( "mean_time_between": "1 s", "duration": "1 ms", "horizon": "10 s", "seed": 7}]})");
  EXPECT_FALSE(faults.empty());
  ASSERT_EQ(faults.events.size(), 2U);
  EXPECT_EQ(faults.events[0].effect.target, "leaf0->spine1");
  EXPECT_EQ(faults.events[0].at, base::Seconds(2e-3));
  EXPECT_EQ(faults.events[0].until, base::Seconds(5e-3));
  EXPECT_EQ(faults.events[1].effect.kind, FaultKind::straggler);
  EXPECT_EQ(faults.events[1].effect.factor, 0.5);
  EXPECT_EQ(faults.events[1].at, base::Seconds(0));
  EXPECT_FALSE(faults.events[1].until.has_value());
  ASSERT_EQ(faults.random.size(), 1U);
  EXPECT_EQ(faults.random[0].effect.latency, base::Seconds(5e-6));
  EXPECT_EQ(faults.random[0].horizon, base::Seconds(10));
  EXPECT_EQ(faults.random[0].seed, 7U);
  validate(faults);
  EXPECT_TRUE(read("{}").empty());
}

TEST(FaultsConfig, AFaultThatChangesNothingIsRefused) {
  EXPECT_EQ(refusal(R"("kind": "straggler", "target": "a")").where(), "/faults/events/0/factor");
  EXPECT_EQ(refusal(R"("kind": "degraded_bandwidth", "target": "a", "factor": 1)").where(),
            "/faults/events/0/factor");
  EXPECT_EQ(refusal(R"("kind": "added_latency", "target": "a")").where(),
            "/faults/events/0/latency");
  FaultsConfig drawn;
  drawn.random.resize(2);
  drawn.random[1].effect.kind = FaultKind::straggler;
  EXPECT_EQ(base::thrown_error([&] { validate(drawn); }).where(), "/faults/random/1/factor");
}

TEST(FaultsConfig, ALatencyThatNoLibraryWaitsForIsRefused) {
  const std::string added = R"("kind": "added_latency", "target": "a", "latency": )";
  EXPECT_EQ(one_event(added + R"("1 h")").events[0].effect.latency.value, 3600);
  const base::Error error = base::thrown_error([&] { one_event(added + R"("1e300 s")"); });
  EXPECT_EQ(error.where().substr(error.where().find(' ')), "  /events/0/latency");
  EXPECT_EQ(error.message(), "must be at least 0 s, at most 1 h; found \"1e300 s\"");
}

TEST(FaultsConfig, AFaultEndsAfterItBegins) {
  EXPECT_EQ(refusal(R"("kind": "nic_down", "target": "a", "at": "2 s", "until": "1 s")").where(),
            "/faults/events/0/until");
  EXPECT_EQ(refusal(R"("kind": "nic_down", "target": "a", "at": "2 s", "until": "2 s")").where(),
            "/faults/events/0/until");
}

TEST(FaultsConfig, AKeyOfAnotherKindHasNoEffectAndIsRefused) {
  const auto unused = [](const std::string& members) {
    return base::thrown_error([&] { one_event(members); }).message();
  };
  EXPECT_NE(unused(R"("kind": "link_down", "target": "a", "factor": 0.5)").find("has no effect"),
            std::string::npos);
  EXPECT_NE(unused(R"("kind": "straggler", "target": "a", "factor": 0.5, "latency": "1 us")")
                .find("has no effect"),
            std::string::npos);
}

}  // namespace
}  // namespace moesim::sim
