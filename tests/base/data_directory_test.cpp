// SPDX-License-Identifier: Apache-2.0
#include "base/data_directory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/base/thrown_error.h"

namespace moesim::base {
namespace {

namespace fs = std::filesystem;

// A data folder of its own, with two presets, named by MOESIM_DATA_DIR during the test.
class DataDirectory : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(::testing::TempDir()) / ("moesim_data_" + std::string(test->name()));
    fs::create_directories(root_ / "nodes");
    write("nodes/dgx.json", R"({"gpus": 8, "nic": {"count": 8, "rate": "50 GB/s"}})");
    write("nodes/pc.json", R"({"gpus": 1})");
    write("nodes/notes.txt", "not a preset");
    setenv("MOESIM_DATA_DIR", root_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("MOESIM_DATA_DIR");
    fs::remove_all(root_);
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(DataDirectory, TheVariableComesFirst) { EXPECT_EQ(data_directory(), root_); }

TEST_F(DataDirectory, AVariableThatNamesNoFolderIsAnError) {
  setenv("MOESIM_DATA_DIR", (root_ / "absent").c_str(), 1);
  EXPECT_EQ(thrown_error([] { data_directory(); }).where(), "MOESIM_DATA_DIR");
}

// The tests run from a build tree, which has no ../share/moesim beside it.
TEST_F(DataDirectory, WithoutTheVariableTheSourceTreeIsFound) {
  unsetenv("MOESIM_DATA_DIR");
  EXPECT_TRUE(fs::exists(data_directory() / "base" / "data_directory.h"));
}

TEST_F(DataDirectory, PresetNamesAreSortedStemsOfJsonFiles) {
  EXPECT_EQ(preset_names("nodes"), (std::vector<std::string>{"dgx", "pc"}));
  EXPECT_TRUE(preset_names("absent").empty());
}

TEST_F(DataDirectory, MembersBesideThePresetAreMergedOverIt) {
  const JsonValue object = parse_json(R"({"preset": "dgx", "nic": {"count": 4}})", "a.json");
  const JsonValue merged = resolve_preset(object, "nodes");
  EXPECT_EQ(to_text(merged, JsonStyle::compact),
            R"({"gpus":8,"nic":{"count":4,"rate":"50 GB/s"},"preset":"dgx"})");
  EXPECT_EQ(*merged.find("gpus")->place.origin, (root_ / "nodes/dgx.json").string());
  EXPECT_EQ(merged.find("nic")->find("count")->place.text(), "a.json:1:36");
}

TEST_F(DataDirectory, WithoutAPresetTheObjectStays) {
  for (const char* text : {R"({"gpus":2})", R"({"preset":"","gpus":2})"}) {
    const JsonValue object = parse_json(text, "a.json");
    EXPECT_EQ(to_text(resolve_preset(object, "nodes"), JsonStyle::compact), text);
  }
}

TEST_F(DataDirectory, AnUnknownPresetNamesTheNearest) {
  const JsonValue object = parse_json("{\n \"preset\": \"dgxx\"}", "a.json");
  const Error error = thrown_error([&] { resolve_preset(object, "nodes"); });
  EXPECT_EQ(error.where(), "a.json:2:12");
  EXPECT_EQ(error.message(), "unknown preset \"dgxx\"");
  EXPECT_EQ(error.hint(), "did you mean \"dgx\"? presets in nodes: dgx pc");
}

TEST_F(DataDirectory, APresetCannotLeadOutOfItsFolder) {
  for (const char* name : {"../nodes/dgx", "/etc/passwd", "..", ".hidden", "a b", "a\\u0000b"}) {
    const JsonValue object = parse_json(R"({"preset": ")" + std::string(name) + "\"}", "a.json");
    const Error error = thrown_error([&] { resolve_preset(object, "nodes"); });
    EXPECT_NE(error.message().find("cannot be a preset's name"), std::string::npos) << name;
  }
  const JsonValue number = parse_json(R"({"preset": 3})", "a.json");
  EXPECT_EQ(thrown_error([&] { resolve_preset(number, "nodes"); }).message(),
            "a preset is a name in quotes");
}

TEST_F(DataDirectory, APresetThatIsNoObjectIsAnError) {
  write("nodes/list.json", "[1]");
  const JsonValue object = parse_json(R"({"preset": "list"})", "a.json");
  EXPECT_EQ(thrown_error([&] { resolve_preset(object, "nodes"); }).message(),
            "a preset is an object {...}");
}

}  // namespace
}  // namespace moesim::base
