// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/identity.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

std::string id_of(const base::JsonValue& document) { return Identity(document).of({}); }

base::JsonValue with(const std::string& assignment) {
  base::JsonValue document = small_document();
  base::set_json(document, assignment);
  return document;
}

TEST(Identity, IsTwelveHexadecimalDigits) {
  EXPECT_EQ(id_of(small_document()).size(), 12u);
  EXPECT_EQ(id_of(small_document()).find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Identity, ChangesWithWhatDecidesResultsOnly) {
  const std::string id = id_of(small_document());
  EXPECT_EQ(id_of(with("question=another")), id);
  EXPECT_EQ(id_of(with("name=another")), id);
  EXPECT_NE(id_of(with("router.seed=99")), id);
  EXPECT_NE(id_of(with("cluster.num_nodes=4")), id);
  EXPECT_NE(id_of(with("cluster.preset=h100_rail_fat_tree")), id);
}

// A report is made of the points that there are. Traces and routing traces are files of a point:
// one that was run without them does not stand for one with them.
TEST(Identity, AReportMakesNoOtherPoints) {
  const std::string id = id_of(small_document());
  EXPECT_EQ(id_of(with("outputs={}")), id);
  EXPECT_EQ(id_of(with("outputs={\"report\": true}")), id);
  EXPECT_EQ(id_of(with("outputs={\"report\": true, \"traces\": []}")),
            id_of(with("outputs={\"traces\": []}")));
  EXPECT_NE(id_of(with("outputs={\"traces\": []}")), id);
}

TEST(Identity, ACostTableCountsByWhatIsInIt) {
  const fs::path table = fs::path(testing::TempDir()) / "identity_table.json";
  const std::string assignment = "cluster.node.accelerator.cost_table=" + table.string();
  std::ofstream(table) << "{}";
  const std::string id = id_of(with(assignment));
  std::ofstream(table) << "{\"name\": \"other\"}";
  EXPECT_NE(id_of(with(assignment)), id);
  fs::remove(table);
}

// A relative name is one in the folder of the file that says it: not in the working directory.
TEST(Identity, AFileIsLookedForBesideTheFileThatNamesIt) {
  const fs::path folder = fs::path(testing::TempDir()) / "identity_beside";
  fs::create_directories(folder);
  const auto write = [&](const char* text) { std::ofstream(folder / "table.json") << text; };
  const auto id = [&](const std::string& document) {
    return id_of(base::parse_json(document, (folder / "e.json").string()));
  };
  const std::string table = R"({"cluster": {"accelerator": {"cost_table": "table.json"}}})";
  const std::string source =
      R"({"cluster": {"accelerator": {"sources": {"cost_table": "table.json"}}}})";
  write("{}");
  const std::string id_of_table = id(table);
  const std::string id_of_source = id(source);
  write("{\"name\": \"other\"}");
  EXPECT_NE(id(table), id_of_table);
  EXPECT_EQ(id(source), id_of_source) << "a sentence, whatever it says";
  fs::remove_all(folder);
}

TEST(Identity, HangsOnNeitherCommentsNorOrder) {
  const auto parse = [](const std::string& text) { return base::parse_json(text, "a.json"); };
  EXPECT_EQ(id_of(parse(R"({"model": {"b": 1, "a": [1, 2]}, "c": 3})")),
            id_of(parse(R"({"c":3, /* three */ "model":{"a":[1,2],"b":1}})")));
  EXPECT_NE(id_of(parse(R"({"a": [1, 2]})")), id_of(parse(R"({"a": [2, 1]})")));
}

TEST(Identity, SweptValuesTellPointsApart) {
  const Identity identity(small_document());
  const auto value = [](int number) { return base::json_of(number); };
  EXPECT_NE(identity.of({{"router.seed", value(1)}}), identity.of({{"router.seed", value(2)}}));
  EXPECT_NE(identity.of({{"router.seed", value(1)}}), identity.of({{"comm.seed", value(1)}}));
}

// One file at two places, then another text at the first one's.
TEST(Identity, FilesCountByWhatIsInThem) {
  const fs::path folder = fs::path(testing::TempDir()) / "identity_files";
  fs::create_directories(folder / "a");
  fs::create_directories(folder / "b");
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(folder / name) << text;
  };
  write("a/words.txt", "one two");
  write("b/words.txt", "one two");
  const auto at = [&](const char* name) {
    return id_of(with("routing={\"source\": \"numerics\", \"proxy\": {\"text\": \"" +
                      (folder / name).string() + "\"}}"));
  };
  const std::string id = at("a/words.txt");
  EXPECT_EQ(at("b/words.txt"), id);
  write("a/words.txt", "one three");
  EXPECT_NE(at("a/words.txt"), id);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace moesim::experiments
