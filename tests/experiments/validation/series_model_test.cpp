// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/series_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/experiments/validation/two_nodes.h"

namespace moesim::experiments {
namespace {

// 1 MB over 80 % of 1 GB/s, 4 us on the way and 20 us of the kernel: 1.274 ms.
TEST(SeriesModel, AProtocolsLatencyAndEfficiencyAreInTheTime) {
  const SeriesModel model(two_nodes({exchange(2e6, 1e-3)}), 1);
  sim::Protocol protocol;
  protocol.kernel_latency = base::Seconds(20e-6);
  protocol.network_efficiency = 0.8;
  EXPECT_NEAR(model.time_ratios(protocol, sim::Fidelity::analytic, {0})[0], 1.274, 1e-9);
}

// A case's own multiprocessors count: 100 MB/s each, 5 of them move 1 MB in 2 ms.
TEST(SeriesModel, ACasesMultiprocessorsReplaceTheProtocols) {
  MeasuredCase five = exchange(2e6, 1e-3);
  five.comm_sms = 5;
  const SeriesModel model(two_nodes({exchange(2e6, 1e-3), five}), 1);
  sim::Protocol protocol;
  protocol.comm_sms = 100;
  protocol.sm_bandwidth = base::BytesPerSecond(100e6);
  const auto ratios = model.time_ratios(protocol, sim::Fidelity::analytic, {0, 1});
  EXPECT_NEAR(ratios[0], 1.004, 1e-9);
  EXPECT_NEAR(ratios[1], 2.004, 1e-9);
}

TEST(SeriesModel, ProgressCountsTheCasesThatAreDone) {
  const SeriesModel model(two_nodes({exchange(2e6, 1e-3), exchange(4e6, 1e-3)}), 1);
  std::vector<int> told;
  const auto tell = [&told](int done) { told.push_back(done); };
  (void)model.time_ratios({}, sim::Fidelity::analytic, {0, 1}, tell);
  EXPECT_EQ(told, (std::vector<int>{0, 1}));
}

TEST(SeriesModel, TheProtocolIsThatOfTheSeriesSection) {
  Series series = two_nodes({exchange(2e6, 1e-3)});
  series.protocol = base::parse_json(R"({"preset": "ideal", "kernel_latency": "3 us"})", "test");
  EXPECT_DOUBLE_EQ(protocol_of(series).kernel_latency.value, 3e-6);
  EXPECT_DOUBLE_EQ(protocol_of(series).network_efficiency, 1);
}

TEST(SeriesModel, MoreRanksThanTheMachineHasAreRefused) {
  MeasuredCase measured = exchange(2e6, 1e-3);
  measured.ranks = 3;
  EXPECT_THROW(SeriesModel(two_nodes({measured}), 1), base::Error);
  measured.ranks = 2;
  measured.rank_stride = 2;
  EXPECT_THROW(SeriesModel(two_nodes({measured}), 1), base::Error);
}

}  // namespace
}  // namespace moesim::experiments
