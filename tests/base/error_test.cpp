// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

namespace moesim::base {
namespace {

TEST(Error, TextHasPlaceThenWhatThenHint) {
  const Error error("a.json:3:5  /model/top_k", "unknown key \"top_k\"", "did you mean \"topk\"?");
  EXPECT_STREQ(error.what(),
               "a.json:3:5  /model/top_k\n  unknown key \"top_k\"\n  hint: did you mean \"topk\"?");
  EXPECT_EQ(error.where(), "a.json:3:5  /model/top_k");
  EXPECT_EQ(error.message(), "unknown key \"top_k\"");
  EXPECT_EQ(error.hint(), "did you mean \"topk\"?");
}

TEST(Error, EmptyPartsLeaveNoLines) { EXPECT_STREQ(Error("", "no GPU").what(), "no GPU"); }

// "hiden_size" is one insertion away from "hidden_size" and far from "num_layers".
TEST(DidYouMean, NamesTheNearestCandidate) {
  EXPECT_EQ(did_you_mean("hiden_size", {"num_layers", "hidden_size"}),
            "did you mean \"hidden_size\"?");
}

TEST(DidYouMean, FirstOfEquallyNearCandidatesWins) {
  EXPECT_EQ(did_you_mean("axb", {"aab", "abb"}), "did you mean \"aab\"?");
}

// Distance 4 of 4 letters is no likeness; 2 is still allowed for short words ("ab" -> "cd").
TEST(DidYouMean, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("ring", {"bruck"}), "");
  EXPECT_EQ(did_you_mean("ring", {}), "");
  EXPECT_EQ(did_you_mean("ab", {"cd"}), "did you mean \"cd\"?");
}

// A third of nine letters is three: three substitutions pass, four do not.
TEST(DidYouMean, AllowsAThirdOfTheWord) {
  EXPECT_EQ(did_you_mean("abcdefxyz", {"abcdefghi"}), "did you mean \"abcdefghi\"?");
  EXPECT_EQ(did_you_mean("abcdewxyz", {"abcdefghi"}), "");
}

TEST(DidYouMean, HugeWordsAreNotCompared) {
  EXPECT_EQ(did_you_mean(std::string(1 << 20, 'a'), {std::string(1 << 20, 'a')}), "");
}

}  // namespace
}  // namespace moesim::base
