// SPDX-License-Identifier: Apache-2.0
// A run's folder for tests of what is read from one.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace moesim::experiments {

class StoredSample : public testing::Test {
 protected:
  ~StoredSample() override { std::filesystem::remove_all(folder_); }

  // A folder beside the test's own, of so many rows' text; `more` are further manifest members.
  std::filesystem::path write_run(const std::string& name, const std::string& rows,
                                  const std::string& more = {}) const {
    const std::filesystem::path folder = folder_ / name;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "manifest.json", std::ios::binary)
        << R"({"name": "sample", "question": "which?", "status": "complete", "num_points": 3,)"
           R"( "axes": ["router.capacity_factor", "router.seed"], "moesim": "0.1.0",)"
           R"( "commit": "abc", "host": "here", "command": "moesim run x.json")"
        << more << "}";
    std::ofstream(folder / "results.ndjson", std::ios::binary) << rows;
    return folder;
  }

  // A row with the given capacity factor and seed; `more` are further members of it.
  static std::string row(int index, const std::string& capacity, int seed,
                         const std::string& more) {
    return R"({"status": "ok", "reason": "", "scenario": {"point": "id)" + std::to_string(index) +
           R"(", "index": )" + std::to_string(index) + R"(, "swept": {"router.capacity_factor": )" +
           capacity + R"(, "router.seed": )" + std::to_string(seed) + "}}" + more + "}\n";
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      testing::UnitTest::GetInstance()->current_test_info()->name();
};

}  // namespace moesim::experiments
