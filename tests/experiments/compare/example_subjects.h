// SPDX-License-Identifier: Apache-2.0
// Points to compare: small experiments in files of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "experiments/compare/subject.h"

namespace moesim::experiments {

// 16 ranks in one group, 16 experts, 128 tokens a rank, one layer, synthetic routing.
inline std::string small_experiment() {
  return R"({"name": "small", "model": {"hidden_size": 256, "num_hidden_layers": 1,)"
         R"( "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 128,)"
         R"( "num_experts": 16, "num_experts_per_tok": 2, "moe_intermediate_size": 512,)"
         R"( "vocab_size": 100}, "training": {"seq_length": 128},)"
         R"( "routing": {"source": "synthetic", "synthetic": {"distribution": "zipf"}},)"
         R"( "cluster": {"preset": "h100_rail_fat_tree", "num_nodes": 2}})";
}

// That experiment with keys set, as with --set.
inline Subject small_subject(const std::vector<std::string>& assignments = {}) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) /
      (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".json");
  std::ofstream(file) << small_experiment();
  Subject subject = read_subject(file.string(), assignments, "A");
  std::filesystem::remove(file);
  return subject;
}

}  // namespace moesim::experiments
