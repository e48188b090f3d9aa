// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/trace_routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "sim/routing/synthetic_routing.h"

namespace moesim::sim {
namespace {

class TraceRoutingTest : public ::testing::Test {
 protected:
  TraceRoutingTest() {
    demand_.num_moe_layers = 2;
    demand_.num_experts = 8;
    demand_.top_k = 2;
    demand_.num_ranks = 4;
    demand_.num_micro_batches = 2;
    demand_.tokens_per_rank = 12;
    demand_.placement = place_experts(ExpertPlacement::contiguous, 8, 4);
    path_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("trace_routing_") +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  ~TraceRoutingTest() override { std::filesystem::remove(path_); }

  void record() {
    SyntheticSettings settings;
    settings.distribution = Distribution::w4_ragged_source;
    source_ = make_synthetic_routing(settings, {router_, demand_, 1, {}});
    overwrite(render_routing_trace(*source_, demand_));
  }

  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  void overwrite(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  // The message of reading the file back.
  std::string complaint() const {
    try {
      read_routing_trace(path_, demand_);
    } catch (const base::Error& error) {
      return error.message();
    }
    return "no complaint";
  }

  RoutingDemand demand_;
  RouterConfig router_;
  std::unique_ptr<RoutingSource> source_;
  std::filesystem::path path_;
};

TEST_F(TraceRoutingTest, ReplaysWhatWasRecorded) {
  record();
  const auto replayed = read_routing_trace(path_, demand_);
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch) {
    for (int rank = 0; rank < 4; ++rank) {
      const auto layers = source_->route(micro_batch, rank);
      EXPECT_EQ(replayed->route(micro_batch, rank), layers);
      replayed->stream_choices(micro_batch, rank, [&](int layer, const auto& experts) {
        EXPECT_TRUE(std::equal(experts.begin(), experts.end(), layers[layer].experts.begin(),
                               layers[layer].experts.end()));
      });
    }
  }
  EXPECT_EQ(replayed->description(), "trace (recorded from synthetic (w4_ragged_source))");
}

TEST_F(TraceRoutingTest, RefusesOtherSizes) {
  record();
  demand_.num_experts = 9;
  EXPECT_EQ(complaint(), "was recorded with 8 experts, this experiment has 9");
  demand_.num_experts = 8;
  demand_.tokens_per_rank = 17;
  EXPECT_EQ(complaint(), "was recorded with 12 tokens a rank, this experiment has 17");
}

TEST_F(TraceRoutingTest, RefusesDamagedFiles) {
  record();
  const std::string good = bytes();
  overwrite(good.substr(0, good.size() - 1));
  EXPECT_EQ(complaint(), "is truncated");
  overwrite(good + "x");
  EXPECT_EQ(complaint(), "is longer than its header says");
  overwrite("something else\n" + good);
  EXPECT_EQ(complaint(), "is not a routing trace");
  overwrite("");
  EXPECT_EQ(complaint(), "is not a routing trace");

  // The first pair's expert, right after the header's line, becomes 255 of 8.
  std::string bad = good;
  const std::size_t body = good.find('\n', good.find('\n') + 1) + 1;
  bad[body] = '\xff';
  overwrite(bad);
  EXPECT_EQ(complaint(), "names expert 255 of 8");
  // The second pair of the first token becomes the first's expert.
  bad = good;
  bad[body + 2] = good[body];
  bad[body + 3] = good[body + 1];
  overwrite(bad);
  EXPECT_EQ(complaint(), "gives a token the same expert twice");
  // The last float of the file becomes a NaN.
  bad = good;
  bad.replace(bad.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));
  overwrite(bad);
  EXPECT_EQ(complaint(), "holds a weight that is no weight");
}

TEST_F(TraceRoutingTest, RefusesMissingFilesAndFolders) {
  EXPECT_EQ(complaint(), "there is no such file");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(complaint(), "this is a folder, not a file");
}

}  // namespace
}  // namespace moesim::sim
