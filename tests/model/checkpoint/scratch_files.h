// SPDX-License-Identifier: Apache-2.0
// Files of one test, in a folder of its own, and what their readers complain about.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "base/error.h"

namespace moesim::testing {

class ScratchFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              (std::string("moesim_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Words that an error must have: in its place, in what it says, in its hint.
struct Complaint {
  std::string where;
  std::string what;
  std::string hint;
};

inline void expect_complaint(const std::function<void()>& work, const Complaint& expected) {
  try {
    work();
    ADD_FAILURE() << "no error, where it should say: " << expected.what;
  } catch (const base::Error& error) {
    EXPECT_NE(error.where().find(expected.where), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(expected.what), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find(expected.hint), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

// The bytes of a safetensors file with this header, as it stands, and this data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

}  // namespace moesim::testing
