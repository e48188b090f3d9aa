// SPDX-License-Identifier: Apache-2.0
#include "experiments/figure_bound.h"

#include <gtest/gtest.h>

#include "experiments/objectives.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

double bound(const std::string& figure, const std::string& written) {
  return bound_in_unit(figure, {base::parse_json(written, "x.json")}, "here");
}

// 80 GiB = 80 x 1024^3 bytes; 400 Gb/s are 50 GB/s.
TEST(FigureBound, QuantitiesAreInTheFiguresOwnUnit) {
  EXPECT_EQ(bound("memory_bytes_per_rank.peak", "\"80 GiB\""), 85899345920.0);
  EXPECT_EQ(bound("all_to_all.max_send_bytes", "\"1 MB\""), 1e6);
  EXPECT_DOUBLE_EQ(bound("step_time_s", "\"2 ms\""), 0.002);
  EXPECT_DOUBLE_EQ(bound("phase_time_s.expert", "\"2 us\""), 2e-6);
  EXPECT_DOUBLE_EQ(bound("all_to_all.busbw_gbps", "\"400 Gb/s\""), 50);
  EXPECT_DOUBLE_EQ(bound("tflops_per_gpu", "\"300 TFLOP/s\""), 300);
}

TEST(FigureBound, NumbersAreTakenAsTheyAre) {
  EXPECT_EQ(bound("memory_bytes_per_rank.peak", "80e9"), 80e9);
  EXPECT_EQ(bound("drop_rate", "0.02"), 0.02);
}

TEST(FigureBound, AQuantityOfAnotherKindIsAnErrorAtItsPlace) {
  for (const auto& [figure, written] : {std::pair{"step_time_s", "\"80 GiB\""},
                                        {"memory_bytes_per_rank.peak", "\"2 ms\""},
                                        {"drop_rate", "\"2 ms\""},
                                        {"tokens_per_s", "\"2 s\""},
                                        {"step_time_s", "\"2\""}}) {
    const base::Error error =
        base::thrown_error([name = figure, text = written] { bound(name, text); });
    EXPECT_EQ(error.where(), "here") << figure << " " << written;
    EXPECT_FALSE(error.hint().empty()) << figure << " " << written;
  }
}

// No figure of a result has a name that leaves its unit open: what ends in a unit is taken by it.
TEST(FigureBound, EveryFigureThatNamesAUnitTakesOne) {
  for (const NamedFigure& figure : result_figures()) {
    const std::string name = figure.is_family ? figure.name + ".expert" : figure.name;
    const auto takes = [&](const char* quantity) {
      try {
        return bound(name, quantity) > 0;
      } catch (const base::Error&) {
        return false;
      }
    };
    const int taken =
        takes("\"1 s\"") + takes("\"1 B\"") + takes("\"1 GB/s\"") + takes("\"1 TFLOP/s\"");
    const bool is_rate = name.find("per_s") != std::string::npos;
    const bool names_unit =
        !is_rate &&
        (figure.name.ends_with("_s") || name.find("bytes") != std::string::npos ||
         name.find("gbps") != std::string::npos || name.find("tflops") != std::string::npos);
    EXPECT_EQ(taken, names_unit ? 1 : 0) << name;
  }
}

}  // namespace
}  // namespace moesim::experiments
