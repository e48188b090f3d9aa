// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "experiments/sweep/axes.h"
#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

base::Error expand_error(const std::string& more) {
  return base::thrown_error([&] { expand(small_document(more)); });
}

TEST(Expand, ADocumentWithoutASweepIsOnePoint) {
  const Sweep sweep = expand(small_document());
  ASSERT_TRUE(sweep.is_lone());
  EXPECT_EQ(sweep.name, "small");
  const Point& point = sweep.points[0];
  EXPECT_EQ(point.label, "");
  EXPECT_TRUE(point.swept.empty());
  EXPECT_EQ(point.id.size(), 12u);
  const ReadPoint read = read_point(sweep, point);
  EXPECT_EQ(read.experiment.scenario.name, "small");
  EXPECT_EQ(read.experiment.scenario.point, point.id);
}

// 2 x 3 points; the second key changes with every point.
TEST(Expand, TheLastKeyChangesFastest) {
  const Sweep sweep = expand(small_document(
      R"(, "sweep": {"router.seed": [7, 8], "model.num_experts_per_tok": [1, 2, 4]})"));
  ASSERT_EQ(sweep.points.size(), 6u);
  EXPECT_EQ(sweep.axes, (std::vector<std::string>{"router.seed", "model.num_experts_per_tok"}));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    const int top_k = 1 << i % 3;
    const std::uint64_t seed = 7 + i / 3;
    const Point& point = sweep.points[i];
    const ReadPoint read = read_point(sweep, point);
    EXPECT_EQ(point.index, i);
    EXPECT_EQ(read.experiment.scenario.router.seed, seed);
    EXPECT_EQ(read.experiment.scenario.model.num_experts_per_tok, top_k);
    EXPECT_EQ(point.label, "router.seed=" + std::to_string(seed) +
                               ",model.num_experts_per_tok=" + std::to_string(top_k));
    EXPECT_EQ(read.resolved_config.find("num_experts_per_tok\": ["), std::string::npos);
    ids.insert(point.id);
  }
  EXPECT_EQ(ids.size(), 6u);
}

TEST(Expand, ResolvedConfigurationsNameFilesByAbsolutePaths) {
  base::JsonValue document = small_document();
  base::set_json(
      document, "routing={\"source\": \"numerics\", \"proxy\": {\"text\": \"/b/../b/words.txt\"}}");
  const Sweep sweep = expand(document);
  const std::string resolved = read_point(sweep, sweep.points[0]).resolved_config;
  EXPECT_NE(resolved.find("\"/b/words.txt\""), std::string::npos);
}

TEST(Expand, APointThatCannotBeSaysSoWhenItIsRead) {
  const Sweep sweep =
      expand(small_document(", \"sweep\": {\"model.num_experts_per_tok\": [17, 2]}"));
  ASSERT_EQ(sweep.points.size(), 2u);
  EXPECT_EQ(sweep.name, "small");
  const base::Error error = base::thrown_error([&] { read_point(sweep, sweep.points[0]); });
  EXPECT_EQ(error.where(),
            "small.json:2:43 sweep model.num_experts_per_tok=17  /model/num_experts_per_tok");
  EXPECT_EQ(error.message(), "a token picks 17 of 16 experts");
  EXPECT_NO_THROW(read_point(sweep, sweep.points[1]));
}

TEST(Expand, APointLeftOutSaysWhyWhenItIsRead) {
  const Sweep sweep = expand(small_document(
      R"(, "sweep": {"router.seed": [1, 2], "exclude": [{"where": {"router.seed": 1},)"
      R"( "reason": "known"}]})"));
  ASSERT_EQ(sweep.points.size(), 2u);
  EXPECT_EQ(sweep.points[0].excluded, "known");
  EXPECT_EQ(base::thrown_error([&] { read_point(sweep, sweep.points[0]); }).message(), "known");
  EXPECT_NO_THROW(read_point(sweep, sweep.points[1]));
}

TEST(Expand, WhereNoPointCanBeTheFirstErrorIsThrown) {
  const base::Error error = expand_error(", \"sweep\": {\"router.seed\": [\"one\", \"two\"]}");
  EXPECT_EQ(error.where(), "small.json:2:29 sweep router.seed=\"one\"  /router/seed");
  EXPECT_EQ(error.message(), "expected an integer, found the string \"one\"");
}

TEST(Expand, ChecksAcrossFieldsNameLineAndColumn) {
  const base::Error error = expand_error(", \"parallel\": {\"ep\": 12}");
  EXPECT_EQ(error.where(), "small.json:2:22  /parallel/ep");
  EXPECT_EQ(error.hint(), "use 8 or 16");
}

// A file counts by its content (identity.h): two names of one are one point, run twice.
TEST(Expand, TwoNamesOfOneFileAreNotTwoPoints) {
  const std::string table = (std::filesystem::path(testing::TempDir()) / "one_table.json").string();
  std::ofstream(table) << "{}";
  const base::Error error =
      expand_error(R"(, "sweep": {"cluster.node.accelerator.cost_table": [")" + table + R"(", ")" +
                   testing::TempDir() + R"(/./one_table.json"]})");
  EXPECT_EQ(error.where(), "small.json:2:13  /sweep/cluster.node.accelerator.cost_table");
  EXPECT_NE(error.message().find("are one point"), std::string::npos) << error.message();
  EXPECT_EQ(error.hint(), "the files that they name have the same content: take one of them out");
}

TEST(Expand, ObjectsThatSayTheSameAreOneValue) {
  const base::Error error =
      expand_error(R"(, "sweep": {"router": [{"capacity_factor": 1.0, "seed": 1},)"
                   R"( {"seed": 1, "capacity_factor": 1}]})");
  EXPECT_EQ(error.where(), "small.json:2:13  /sweep/router");
  EXPECT_EQ(error.message(), R"({"capacity_factor":1,"seed":1} stands there twice)");
}

// The experiment and its files lie in one folder, other files of the same names in another, which
// is the working directory.
class FilesOfASweep : public testing::Test {
 protected:
  FilesOfASweep() {
    for (const char* folder : {"own", "other"}) {
      fs::create_directories(folder_ / folder);
      for (const char* name : {"a", "b"}) {
        std::ofstream(folder_ / folder / (std::string(name) + ".json"))
            << "{\"name\": \"" << folder << name << "\"}";
      }
    }
    fs::current_path(folder_ / "other");
  }
  ~FilesOfASweep() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static base::JsonValue document_with(const std::string& sweep) {
    const std::string text = base::to_text(small_document());
    return base::parse_json(text.substr(0, text.size() - 1) + ", \"sweep\": " + sweep + "}",
                            "../own/e.json");
  }

  // The figure-deciding files of each point, as its resolved configuration names them.
  static std::vector<std::string> tables(const Sweep& sweep) {
    std::vector<std::string> found;
    for (const Point& point : sweep.points) {
      found.push_back(
          read_point(sweep, point).experiment.scenario.cluster.node.accelerator.cost_table);
    }
    return found;
  }

  std::vector<std::string> in(const char* folder) const {
    return {(folder_ / folder / "a.json").string(), (folder_ / folder / "b.json").string()};
  }

  const fs::path before_ = fs::current_path();
  const fs::path folder_ =  // of its own: tests run side by side
      fs::canonical(testing::TempDir()) /
      (std::string("files_of_a_sweep_") +
       testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(FilesOfASweep, LieBesideTheExperimentHoweverTheyAreSwept) {
  const std::string key = R"("cluster.node.accelerator.cost_table")";
  for (const std::string& sweep :
       {"{" + key + R"(: ["a.json", "b.json"]})",
        R"({"zip": {"router.seed": [1, 2], )" + key + R"(: ["a.json", "b.json"]}})",
        R"({"cases": [{)" + key + R"(: "a.json"}, {)" + key + R"(: "./b.json"}]})",
        std::string(R"({"cluster.node.accelerator": [{"cost_table": "a.json"},)"
                    R"( {"cost_table": "b.json"}]})")}) {
    EXPECT_EQ(tables(expand(document_with(sweep))), in("own")) << sweep;
  }
}

TEST_F(FilesOfASweep, OfFlagsLieInTheWorkingDirectory) {
  base::JsonValue document = document_with("{}");
  add_axis(document, "cluster.node.accelerator.cost_table=a.json,b.json");
  EXPECT_EQ(tables(expand(document)), in("other"));
  base::JsonValue nested = document_with("{}");
  add_axis(nested, R"(cluster.node=[{"accelerator": {"cost_table": "a.json"}},)"
                   R"({"accelerator": {"cost_table": "b.json"}}])");
  EXPECT_EQ(tables(expand(nested)), in("other"));
  base::JsonValue set = document_with(R"({"router.seed": [1]})");
  base::set_json(set, "cluster.node.accelerator.cost_table=a.json");
  EXPECT_EQ(tables(expand(set)).front(), in("other").front());
}

TEST_F(FilesOfASweep, TracesTextsAndGraphsLieBesideItToo) {
  const Sweep sweep = expand(document_with(
      R"({"routing": [{"source": "trace", "trace": "a.json"}], )"
      R"("cases": [{"cluster.file": "b.json", "cluster.topology": "single_switch"}]})"));
  const sim::Scenario scenario = read_point(sweep, sweep.points[0]).experiment.scenario;
  EXPECT_EQ(scenario.routing.trace, in("own")[0]);
  EXPECT_EQ(scenario.cluster.file, in("own")[1]);
  const Sweep texts = expand(
      document_with(R"({"routing": [{"source": "numerics", "proxy": {"text": "b.json"}}]})"));
  EXPECT_EQ(read_point(texts, texts.points[0]).experiment.scenario.routing.proxy.text,
            in("own")[1]);
}

TEST_F(FilesOfASweep, AModelsConfigurationLiesBesideItToo) {
  const base::Error error =
      base::thrown_error([&] { expand(document_with(R"({"model": [{"hf_config": "a.json"}]})")); });
  EXPECT_TRUE(error.where().starts_with(in("own")[0] + ":1:")) << error.where();
}

TEST_F(FilesOfASweep, OneThatCannotBeReadIsTheFaultOfItsKey) {
  const Sweep sweep = expand(document_with(
      R"({"cluster.file": ["b.json"], "routing": [{"source": "trace", "trace": "a.json"}]})"));
  const auto where = [&](const std::string& file) {
    return placed_error(sweep, sweep.points[0], base::Error(file, "cannot be read", "")).where();
  };
  EXPECT_TRUE(where(in("own")[1]).ends_with("sweep cluster.file=\"b.json\"  /cluster/file"));
  EXPECT_TRUE(where(in("own")[0]).ends_with("  /routing/trace"));
  EXPECT_EQ(where(in("other")[0]), in("other")[0]);
}

// Of two axes, the one that names the files.
TEST_F(FilesOfASweep, TwoNamesOfOneAreFoundAtTheirAxis) {
  const base::Error error = base::thrown_error([&] {
    expand(document_with(R"({"router.seed": [1, 2], "zip": {"model.head_dim": [32, 32],)"
                         R"( "cluster.node.accelerator.cost_table": ["a.json", "./a.json"]}})"));
  });
  EXPECT_TRUE(error.where().starts_with("../own/e.json:")) << error.where();
  EXPECT_TRUE(error.where().ends_with("  /sweep/zip")) << error.where();
}

// What an id counts is what the point reads: the experiment's own file, not the other one.
TEST_F(FilesOfASweep, CountInTheIdAsTheyAreRead) {
  const auto id = [] {
    return expand(document_with(R"({"cluster.node.accelerator.cost_table": ["a.json"]})"))
        .points.front()
        .id;
  };
  const std::string before = id();
  std::ofstream("a.json") << "{}";
  EXPECT_EQ(id(), before);
  std::ofstream("../own/a.json") << "{}";
  EXPECT_NE(id(), before);
}

TEST(Expand, MalformedSweepsAreErrors) {
  EXPECT_EQ(expand_error(", \"sweep\": []").where(), "small.json:2:12  /sweep");
  EXPECT_EQ(expand_error(", \"sweep\": {\"router.seed\": []}").where(),
            "small.json:2:13  /sweep/router.seed");
  EXPECT_EQ(expand_error(", \"sweep\": {\"router.seed\": 1}").message(),
            "expected a list of at least one value");
}

// 47 x 47 x 47 = 103,823 is the first cube above 100,000; 46 x 46 x 46 = 97,336 would pass.
TEST(Expand, MoreThanAHundredThousandPointsAreRefused) {
  std::string list = "[0";
  for (int value = 1; value < 47; ++value) list += "," + std::to_string(value);
  list += "]";
  const base::Error error = expand_error(", \"sweep\": {\"router.seed\": " + list +
                                         ", \"a\": " + list + ", \"b\": " + list + "}");
  EXPECT_EQ(error.message(), "the sweep has more than 100,000 points");
  EXPECT_TRUE(error.where().ends_with("  /sweep/b")) << error.where();
}

TEST(Expand, PointsHaveFoldersUpToAThousandOrAsTheFileSays) {
  const auto has_folders = [](int num_points, const std::string& outputs) {
    std::string seeds = "0";
    for (int seed = 1; seed < num_points; ++seed) seeds += "," + std::to_string(seed);
    return expand(small_document(outputs + ", \"sweep\": {\"router.seed\": [" + seeds + "]}"))
        .has_point_folders;
  };
  EXPECT_TRUE(has_folders(1000, ""));
  EXPECT_FALSE(has_folders(1001, ""));
  EXPECT_TRUE(has_folders(1001, ", \"outputs\": {\"points\": \"all\"}"));
  EXPECT_FALSE(has_folders(2, ", \"outputs\": {\"points\": \"none\"}"));
}

}  // namespace
}  // namespace moesim::experiments
