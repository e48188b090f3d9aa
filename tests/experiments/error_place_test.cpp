// SPDX-License-Identifier: Apache-2.0
#include "experiments/error_place.h"

#include <gtest/gtest.h>

#include "experiments/experiment.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

base::Error placed(const base::Error& error, const base::JsonValue& document) {
  return with_place(error, document, base::struct_codec_of<Experiment>());
}

std::string place_of(const std::string& pointer) {
  // Line 2 begins with the member that follows.
  const base::JsonValue document =
      small_document(R"(, "parallel": {"ep_size": 4}, "router": {"seed": 1})");
  const base::Error error = placed(base::Error(pointer, "what", "hint"), document);
  EXPECT_EQ(error.message(), "what");
  EXPECT_EQ(error.hint(), "hint");
  return error.where();
}

TEST(WithPlace, AKeyStandsWhereItsValueDoes) {
  EXPECT_EQ(place_of("/router/seed"), "small.json:2:50  /router/seed");
  EXPECT_EQ(place_of("/router"), "small.json:2:41  /router");
}

TEST(WithPlace, AKeyUnderAnotherNameIsNamedAsWritten) {
  EXPECT_EQ(place_of("/parallel/expert_model_parallel_size"), "small.json:2:27  /parallel/ep_size");
}

TEST(WithPlace, AnAbsentKeyStandsAtTheNearestObject) {
  EXPECT_EQ(place_of("/router/capacity_factor"), "small.json:2:41  /router/capacity_factor");
  EXPECT_EQ(place_of("/network/fidelity"), "small.json:1:1  /network/fidelity");
}

TEST(WithPlace, AnItemOfAListStandsAtItsOwnPlace) {
  const base::JsonValue document =
      small_document(", \"jobs\": [{\"name\": \"a\", \"nodes\": [0, 7]},\n {\"name\": \"b\"}]");
  const auto where = [&](const char* pointer) {
    return placed(base::Error(pointer, "what"), document).where();
  };
  EXPECT_EQ(where("/jobs/0/nodes/1"), "small.json:2:39  /jobs/0/nodes/1");
  EXPECT_EQ(where("/jobs/1/name"), "small.json:3:11  /jobs/1/name");
  EXPECT_EQ(where("/jobs/1"), "small.json:3:2  /jobs/1");
  EXPECT_EQ(where("/jobs/2"), "small.json:2:11  /jobs/2") << "there is none: the list";
}

TEST(WithPlace, AFlagsValueStandsAtTheFlag) {
  base::JsonValue document = small_document();
  base::set_json(document, "network.fidelity=flow");
  EXPECT_EQ(placed(base::Error("/network/fidelity", "what"), document).where(),
            "--set network.fidelity=flow  /network/fidelity");
}

TEST(WithPlace, FilesAndFlagsAreNoPointers) {
  for (const char* where :
       {"/home/a/router.json", "/modelling", "a.json:1:2  /router/seed", "--set a=1", "", "/"}) {
    EXPECT_EQ(place_of(where), where);
  }
}

TEST(PointerOf, IsWhatEveryFolderSeesAlike) {
  const auto pointer = [](const char* where) {
    return pointer_of(base::Error(where, "what"), base::struct_codec_of<Experiment>());
  };
  EXPECT_EQ(pointer("exp/a.json:1:2  /router/seed"), "/router/seed");
  EXPECT_EQ(pointer("a.json:1:2 sweep a.b=\"x  /y\"  /router/seed"), "/router/seed");
  EXPECT_EQ(pointer("/router/seed"), "/router/seed");
  EXPECT_EQ(pointer("graph.json:3:4  /nodes/1"), "graph.json:3:4  /nodes/1") << "another file's";
  EXPECT_EQ(pointer("--set a=1"), "--set a=1");
}

}  // namespace
}  // namespace moesim::experiments
