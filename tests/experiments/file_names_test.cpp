// SPDX-License-Identifier: Apache-2.0
#include "experiments/file_names.h"

#include <gtest/gtest.h>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

bool names(const std::string& key, const std::string& text) {
  return names_file(key, base::json_of(text));
}

// Written at line 1 of /exp/a.json.
base::JsonValue written(const std::string& text) { return base::parse_json(text, "/exp/a.json"); }

std::string resolved(const std::string& key, const base::JsonValue& value) {
  return base::to_text(resolve_files(key, value), base::JsonStyle::compact);
}

TEST(NamesFile, IsTrueOfTheKeysThatNameOneWhereverTheyStand) {
  for (const char* key : {"cluster.file", "model.hf_config", "routing.trace", "routing.proxy.text",
                          "jobs.1.routing.trace", "jobs.0.model.hf_config", "text"}) {
    EXPECT_TRUE(names(key, "a")) << key;
    EXPECT_FALSE(names(key, "")) << key;
    EXPECT_FALSE(names_file(key, base::json_of(1))) << key;
  }
  for (const char* key : {"file", "routing.source", "outputs.routing_trace", "router.text",
                          "a.file", "subcluster.file", "routing", ""}) {
    EXPECT_FALSE(names(key, "a")) << key;
  }
}

TEST(NamesFile, ACostTableIsAFileWhereItIsNoPreset) {
  for (const char* key : {"cluster.node.accelerator.cost_table", "cluster.accelerator.cost_table",
                          "cluster.node_groups.1.node.accelerator.cost_table"}) {
    EXPECT_TRUE(names(key, "mine.json")) << key;
    EXPECT_FALSE(names(key, "h200_vllm")) << key;
  }
}

// "fitted to own/rows.json" says where numbers come from.
TEST(NamesFile, SourcesAreSentences) {
  EXPECT_FALSE(names("cluster.node.accelerator.sources.cost_table", "fitted to own/rows.json"));
  EXPECT_FALSE(names("cluster.sources.node.accelerator.cost_table", "own.json"));
  EXPECT_FALSE(names("model.sources.model.hf_config", "own.json"));
}

TEST(ResolveFiles, ANameIsRelativeToTheFileThatItIsWrittenIn) {
  EXPECT_EQ(resolved("routing.trace", written(R"("../a.trace")")), R"("/a.trace")");
  EXPECT_EQ(resolved("routing.trace", written(R"("/b/./a.trace")")), R"("/b/a.trace")");
  EXPECT_EQ(resolved("routing.source", written(R"("a.trace")")), R"("a.trace")");
  EXPECT_EQ(resolved("", written(R"({"cluster": {"file": "g.json", "name": "g.json"},
                               "jobs": [{"routing": {"proxy": {"text": "t"}}}]})")),
            R"({"cluster":{"file":"/exp/g.json","name":"g.json"},)"
            R"("jobs":[{"routing":{"proxy":{"text":"/exp/t"}}}]})");
  EXPECT_EQ(resolved("cluster.node", written(R"({"accelerator": {"cost_table": "t.json",
                                                 "sources": {"cost_table": "t.json"}}})")),
            R"({"accelerator":{"cost_table":"/exp/t.json","sources":{"cost_table":"t.json"}}})");
}

TEST(ResolveFiles, AFlagsNameIsRelativeToTheWorkingDirectory) {
  base::JsonValue document = base::json_object();
  base::set_json(document, R"(routing={"trace": "a/../b.trace"})");
  EXPECT_EQ(resolved("", document),
            R"({"routing":{"trace":")" + (fs::current_path() / "b.trace").string() + "\"}}");
}

TEST(FilesNamedIn, AreFoundWithTheirKeys) {
  const base::JsonValue document = written(
      R"({"cluster": {"file": "g"}, "jobs": [{"name": "a"}, {"routing": {"trace": "t"}}]})");
  const std::vector<NamedFile> files = files_named_in("", document);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].key, "cluster.file");
  EXPECT_EQ(files[0].value->text, "g");
  EXPECT_EQ(files[1].key, "jobs.1.routing.trace");
  EXPECT_EQ(pointer_of_key(files[1].key), "/jobs/1/routing/trace");
  EXPECT_EQ(files_named_in("routing.trace", base::json_of("t")).front().key, "routing.trace");
  EXPECT_TRUE(files_named_in("routing.source", base::json_of("t")).empty());
}

}  // namespace
}  // namespace moesim::experiments
