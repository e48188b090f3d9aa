// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/comparison.h"

#include <gtest/gtest.h>

#include "tests/experiments/validation/two_nodes.h"

namespace moesim::experiments {
namespace {

TEST(Comparison, MedianAndNinetiethPercentileAreThoseOfTheSortedErrors) {
  EXPECT_EQ(summarise({}).cases, 0);
  EXPECT_DOUBLE_EQ(summarise({0.3, 0.1, 0.2}).median, 0.2);
  EXPECT_DOUBLE_EQ(summarise({0.3, 0.1, 0.2}).p90, 0.3);
  EXPECT_DOUBLE_EQ(summarise({0.4, 0.1, 0.2, 0.3}).median, 0.25);
  // Nine of ten are at most 9.
  EXPECT_DOUBLE_EQ(summarise({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}).p90, 9);
  EXPECT_DOUBLE_EQ(summarise({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}).p90, 10);
}

// Half of 2 MB over 1 GB/s and 4 us: 1.004 ms.
TEST(Comparison, ErrorsAreRelativeToWhatWasMeasured) {
  Series series = two_nodes({exchange(2e6, 1.004e-3), exchange(2e6, 0.502e-3, true)});
  series.cases[1].trust = Trust::b;
  series.promised_median = 0.05;
  const SeriesComparison comparison = compare(series, sim::Fidelity::analytic, 1);
  EXPECT_NEAR(comparison.cases[0].predicted, 1.004e-3, 1e-12);
  EXPECT_NEAR(comparison.cases[0].error(), 0, 1e-9);
  EXPECT_NEAR(comparison.cases[1].error(), 1, 1e-9);
  EXPECT_EQ(comparison.summary(Trust::a).cases, 1);
  EXPECT_NEAR(comparison.summary(Trust::b).median, 1, 1e-9);
  EXPECT_EQ(comparison.held_out_summary().cases, 0) << "it is of trust B";
  EXPECT_TRUE(comparison.keeps_promise()) << "trust B does not count";
}

TEST(Comparison, APromiseIsBrokenByTheMedianOverTrustA) {
  Series series = two_nodes({exchange(2e6, 1.1e-3)});
  EXPECT_TRUE(compare(series, sim::Fidelity::analytic, 1).keeps_promise()) << "there is none";
  series.promised_median = 0.08;
  EXPECT_FALSE(compare(series, sim::Fidelity::analytic, 1).keeps_promise());
  series.promised_median = 0.09;
  EXPECT_TRUE(compare(series, sim::Fidelity::analytic, 1).keeps_promise());
}

// A token has both of two experts, one a node: two copies counted, one sent. 1,000 tokens of 2,000
// bytes over 1 GB/s take 2 ms and 4 us; the bandwidth counts 4 MB: 1.996 GB/s.
TEST(Comparison, ABandwidthCountsTheRowsThatItsSourceCounts) {
  MeasuredCase dispatch;
  dispatch.num_nodes = 2;
  dispatch.tokens_per_rank = 1000;
  dispatch.hidden_size = 1000;
  dispatch.num_experts = 2;
  dispatch.num_experts_per_tok = 2;
  dispatch.bandwidth = base::BytesPerSecond(2e9);
  const SeriesComparison comparison = compare(two_nodes({dispatch}), sim::Fidelity::analytic, 1);
  EXPECT_NEAR(comparison.cases[0].predicted, 4e6 / 2.004e-3, 1);
}

TEST(Comparison, ALoneCollectiveTakesAsLongAtEveryFidelity) {
  const Series series = two_nodes({exchange(2e6, 1e-3), exchange(64e6, 1e-2)});
  const SeriesComparison floor = compare(series, sim::Fidelity::analytic, 1);
  for (const sim::Fidelity fidelity : {sim::Fidelity::collective, sim::Fidelity::flow}) {
    const SeriesComparison other = compare(series, fidelity, 1);
    for (std::size_t i = 0; i < floor.cases.size(); ++i) {
      EXPECT_NEAR(other.cases[i].predicted / floor.cases[i].predicted, 1, 1e-6);
    }
  }
}

TEST(Comparison, TheTableHasARowPerSeriesAndTwoForAll) {
  Series series = two_nodes({exchange(2e6, 1.004e-3), exchange(2e6, 0.502e-3, true)});
  series.promised_median = 0.6;
  series.fitted = {"kernel_latency"};
  Series sweep = two_nodes({exchange(2e6, 1.004e-3)});
  sweep.name = "sweep";
  sweep.table = "sweep.csv";
  const std::string table = summary_table(
      {compare(series, sim::Fidelity::analytic, 1), compare(sweep, sim::Fidelity::analytic, 1)});
  EXPECT_NE(table.find("| two_nodes | 1 | 2 | 50.0 % | 100.0 % | 1 | 100.0 % | 0 |  | 60 % |\n"
                       "| sweep | 0 | 1 | 0.0 % | 0.0 % | 0 |  | 0 |  |  |\n"
                       "| all cases | 1 | 3 | 0.0 % | 100.0 % | 1 | 100.0 % | 0 |  |  |\n"
                       "| without tables | 1 | 2 | 50.0 % | 100.0 % | 1 | 100.0 % | 0 |  |  |\n"),
            std::string::npos)
      << table;
}

}  // namespace
}  // namespace moesim::experiments
