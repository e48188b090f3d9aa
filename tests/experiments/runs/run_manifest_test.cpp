// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/run_manifest.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

Sweep two_points(const char* fidelities) {
  return expand(
      small_document(std::string(", \"sweep\": {\"network.fidelity\": ") + fidelities + "}"));
}

TEST(RunManifest, ReadsBackWhatWasWritten) {
  const fs::path folder = fs::path(testing::TempDir()) / "manifest_read_back";
  fs::create_directories(folder);
  RunManifest manifest = new_manifest(two_points(R"(["flow", "analytic"])"), "moesim run a.json");
  manifest.backend = {"cuda:bf16", {"cuda:bf16 (H200)", "cuda:bf16 (B200)"}};
  manifest.resumed = {"2026-01-31T23:59:59Z"};
  std::ofstream(folder / kManifestFile) << base::to_text(to_json(manifest));
  const RunManifest read = read_manifest(folder);
  fs::remove_all(folder);
  EXPECT_EQ(base::to_text(to_json(read)), base::to_text(to_json(manifest)));
  EXPECT_EQ(read.axes, std::vector<std::string>{"network.fidelity"});
  EXPECT_EQ(read.num_points, 2u);
  EXPECT_TRUE(is_same_build(read, manifest));
}

TEST(RunManifest, TheHashTellsSweepsApart) {
  const RunManifest one = new_manifest(two_points(R"(["flow", "analytic"])"), "moesim");
  const RunManifest same = new_manifest(two_points(R"(["flow", "analytic"])"), "moesim again");
  const RunManifest other = new_manifest(two_points(R"(["flow", "collective"])"), "moesim");
  EXPECT_EQ(one.config_hash, same.config_hash);
  EXPECT_NE(one.config_hash, other.config_hash);
}

TEST(RunManifest, ARunIsUnfinishedUntilAllPointsHaveEnded) {
  RunManifest manifest;
  for (const char* status : {"running", "interrupted", "stopped by an error"}) {
    manifest.status = status;
    EXPECT_TRUE(is_unfinished(manifest)) << status;
  }
  for (const char* status : {"complete", "points failed"}) {
    manifest.status = status;
    EXPECT_FALSE(is_unfinished(manifest)) << status;
  }
}

}  // namespace
}  // namespace moesim::experiments
