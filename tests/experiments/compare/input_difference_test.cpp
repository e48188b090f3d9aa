// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/input_difference.h"

#include <gtest/gtest.h>

namespace moesim::experiments {
namespace {

std::vector<InputDifference> differences(const char* a, const char* b) {
  return input_differences(base::parse_json(a, "a"), base::parse_json(b, "b"));
}

std::vector<std::string> keys(const std::vector<InputDifference>& found) {
  std::vector<std::string> all;
  for (const InputDifference& difference : found) all.push_back(difference.key);
  return all;
}

using Keys = std::vector<std::string>;

TEST(InputDifference, KeysAreDottedAndListsNumbered) {
  const auto found = differences(R"({"cluster": {"dims": [2, 3], "node": {"x": 1}}, "y": 2})",
                                 R"({"cluster": {"dims": [2, 4], "node": {"x": 1}}, "y": 3})");
  EXPECT_EQ(keys(found), (Keys{"cluster.dims.1", "y"}));
  EXPECT_EQ(found[0].a.text, "3");
  EXPECT_EQ(found[0].b.text, "4");
}

TEST(InputDifference, NamesPresetsAndSourcesDecideNothing) {
  EXPECT_TRUE(differences(R"({"name": "a", "question": "?", "outputs": {"traces": []},)"
                          R"( "cluster": {"preset": "p", "node": {"name": "n", "w": 1}}})",
                          R"({"name": "b", "cluster": {"sources": {"w": "s"}, "preset": "q",)"
                          R"( "node": {"w": 1, "name": "m"}}})")
                  .empty());
}

TEST(InputDifference, WhatOneSideLacksIsNullThere) {
  const auto found = differences(R"({"r": {"c": null}})", R"({"r": {"c": 1, "d": {"e": 2}}})");
  EXPECT_EQ(keys(found), (Keys{"r.c", "r.d.e"}));
  EXPECT_EQ(found[1].a.kind, base::JsonValue::Kind::null);
}

TEST(InputDifference, SectionsComeOnceInTheirOrder) {
  EXPECT_EQ(sections_of(differences(R"({"cluster": {"a": 1, "b": 2}, "comm": {"c": 3}})",
                                    R"({"cluster": {"a": 2, "b": 3}, "comm": {"c": 4}})")),
            (Keys{"cluster", "comm"}));
}

TEST(InputDifference, SeedsAndRoutingAreChanceAndARouterWhereItIsTrained) {
  const auto found = differences(
      R"({"router": {"seed": 1, "z": 1}, "routing": {"source": "x"}, "cluster": {"ecmp_seed": 1},)"
      R"( "jobs": [{"routing": {"source": "x"}}], "comm": {"k": 1}})",
      R"({"router": {"seed": 2, "z": 2}, "routing": {"source": "y"}, "cluster": {"ecmp_seed": 2},)"
      R"( "jobs": [{"routing": {"source": "y"}}], "comm": {"k": 2}})");
  EXPECT_EQ(keys_of_chance(found, false),
            (Keys{"router.seed", "routing.source", "cluster.ecmp_seed", "jobs.0.routing.source"}));
  EXPECT_EQ(keys_of_chance(found, true).size(), 5U);
}

}  // namespace
}  // namespace moesim::experiments
