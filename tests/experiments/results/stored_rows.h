// SPDX-License-Identifier: Apache-2.0
// A run directory for tests, of which each writes the rows.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "experiments/results/stored_run.h"

namespace moesim::experiments {

class StoredRows : public testing::Test {
 protected:
  StoredRows() {
    std::filesystem::create_directories(folder_);
    write("manifest.json",
          R"({"name": "small", "question": "a, or \"b\"?", "status": "complete", "num_points": 3,)"
          R"( "axes": ["router.seed", "router.capacity_factor"], "moesim": "0.1.0",)"
          R"( "commit": "abc", "command": "moesim run small.json"})");
  }
  ~StoredRows() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string text_of(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }
  // `more` are further members, as `,"step_time_s":1`.
  static std::string row(int index, int seed, const std::string& factor, const std::string& more) {
    return R"({"status":"ok","reason":"","scenario":{"point":"id)" + std::to_string(index) +
           R"(","index":)" + std::to_string(index) + R"(,"swept":{"router.capacity_factor":)" +
           factor + R"(,"router.seed":)" + std::to_string(seed) + "}}" + more + "}\n";
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string(testing::UnitTest::GetInstance()->current_test_info()->test_suite_name()) + "." +
       testing::UnitTest::GetInstance()->current_test_info()->name());
};

}  // namespace moesim::experiments
