// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/network_fit.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sim/scenario.h"
#include "tests/experiments/validation/two_nodes.h"

namespace moesim::experiments {
namespace {

// Times of a machine with 20 us of kernel and 80 % of 1 GB/s: 24 us + S/2 / 0.8 GB/s.
double true_time(double buffer_bytes) { return 24e-6 + buffer_bytes / 2 / 0.8e9; }

Series measured_machine() {
  std::vector<MeasuredCase> cases;
  for (double size = 1e3; size < 1e9; size *= 10) cases.push_back(exchange(size, true_time(size)));
  cases.push_back(exchange(5e5, true_time(5e5), true));
  return two_nodes(cases);
}

TEST(NetworkFit, FindsTheNumbersThatMadeTheTimes) {
  const NetworkFit fit =
      fit_network(measured_machine(), {"kernel_latency", "network_efficiency"}, 1);
  EXPECT_NEAR(fit.protocol.kernel_latency.value, 20e-6, 0.2e-6);
  EXPECT_NEAR(fit.protocol.network_efficiency, 0.8, 0.008);
  EXPECT_EQ(fit.fitted.cases, 6);
  EXPECT_LT(fit.fitted.median, 0.005);
  EXPECT_EQ(fit.held_out.cases, 1);
  EXPECT_LT(fit.held_out.median, 0.01);
  for (const FittedParameter& one : fit.parameters) EXPECT_TRUE(one.identifiable) << one.name;
}

// A stray that is twice as slow would move least squares by its ln 2 over the three cases that see
// the bandwidth, a quarter; what is beyond 5 % counts by size, and pulls by no more than that.
TEST(NetworkFit, AStrayDoesNotPull) {
  Series series = measured_machine();
  series.cases.push_back(exchange(1e6, 2 * true_time(1e6)));
  const NetworkFit fit = fit_network(series, {"kernel_latency", "network_efficiency"}, 1);
  EXPECT_NEAR(fit.protocol.kernel_latency.value, 20e-6, 1e-6);
  EXPECT_NEAR(fit.protocol.network_efficiency, 0.8, 0.03);
}

TEST(NetworkFit, SaysWhatTheTableDoesNotFix) {
  const NetworkFit fit =
      fit_network(measured_machine(), {"network_efficiency", "scale_up_efficiency"}, 1);
  EXPECT_FALSE(fit.parameters[1].identifiable) << "no byte crosses a scale-up link";
  EXPECT_NE(fit_text(fit).find("the table hardly fixes scale_up_efficiency"), std::string::npos);
}

TEST(NetworkFit, AFullShareIsAtItsBound) {
  Series series = two_nodes({});
  for (const double size : {1e6, 1e7, 1e8}) {
    series.cases.push_back(exchange(size, size / 2 / 1.2e9));  // faster than the NIC
  }
  const NetworkFit fit = fit_network(series, {"network_efficiency"}, 1);
  EXPECT_EQ(fit.protocol.network_efficiency, 1);
  EXPECT_TRUE(fit.parameters[0].at_bound);
}

TEST(NetworkFit, ThePresetReadsBackWithASourceForEachNumber) {
  const NetworkFit fit =
      fit_network(measured_machine(), {"kernel_latency", "network_efficiency"}, 1);
  const base::JsonValue preset = base::parse_json(preset_text(fit, measured_machine()), "preset");
  sim::CommConfig read;
  base::ReadReport report;
  base::read_json(preset, read, report);
  EXPECT_EQ(read.protocol.kernel_latency, fit.protocol.kernel_latency);
  EXPECT_EQ(read.protocol.network_efficiency, fit.protocol.network_efficiency);
  ASSERT_EQ(read.protocol.sources.size(), 2U);
  EXPECT_NE(read.protocol.sources.at("kernel_latency").find("two_nodes"), std::string::npos);
}

TEST(NetworkFit, OtherKeysOfTheProtocolStay) {
  Series series = measured_machine();
  series.protocol = base::parse_json(
      R"({"preset": "ideal", "all_to_all": "low_latency", "kernel_latency": "1 us",
          "sources": {"kernel_latency": "a guess"}})",
      "test");
  const NetworkFit fit = fit_network(series, {"network_efficiency"}, 1);
  const base::JsonValue preset = base::parse_json(preset_text(fit, series), "preset");
  EXPECT_EQ(preset.find("preset"), nullptr);
  EXPECT_EQ(preset.find("all_to_all")->text, "low_latency");
  EXPECT_EQ(preset.find("kernel_latency")->text, "1 us");
  EXPECT_EQ(preset.find("sources")->find("kernel_latency")->text, "a guess");
}

TEST(NetworkFit, RefusesWhatCannotBeFitted) {
  const auto fails = [](const std::vector<std::string>& names) {
    EXPECT_THROW(fit_network(measured_machine(), names, 1), base::Error);
  };
  fails({});
  fails({"kernel_latencies"});
  fails({"kernel_latency", "kernel_latency"});
  fails({"row_latency"});  // no multiprocessors
  fails({"kernel_latency", "message_latency", "chunk_overhead", "network_efficiency",
         "scale_up_efficiency"});
  EXPECT_THROW(
      fit_network(two_nodes({exchange(1e6, 1e-3)}), {"kernel_latency", "network_efficiency"}, 1),
      base::Error);
}

}  // namespace
}  // namespace moesim::experiments
