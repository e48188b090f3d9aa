// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/axes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

std::vector<std::vector<Setting>> points_of(const std::string& sweep) {
  const base::JsonValue section = base::parse_json(sweep, "file.json");
  return combine(read_axes(&section), read_sample(&section));
}

std::string text_of(const std::vector<Setting>& point) {
  std::string text;
  for (const Setting& setting : point) {
    for (const auto& [key, value] : setting) {
      text +=
          (text.empty() ? "" : " ") + key + "=" + base::to_text(value, base::JsonStyle::compact);
    }
  }
  return text;
}

std::vector<std::string> texts_of(const std::string& sweep) {
  std::vector<std::string> texts;
  for (const auto& point : points_of(sweep)) texts.push_back(text_of(point));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Axes, SeedsRepeatAConfiguration) {
  EXPECT_TRUE(is_seed("router.seed"));
  EXPECT_TRUE(is_seed("cluster.ecmp_seed"));
  EXPECT_FALSE(is_seed("router.capacity_factor"));
}

TEST(Axes, ZippedKeysGoInLockstepWithinTheProduct) {
  EXPECT_EQ(texts_of(R"({"a": [1, 2], "zip": [{"b": [3, 4], "c": {"range": [5, 6]}}]})"),
            (Texts{"a=1 b=3 c=5", "a=1 b=4 c=6", "a=2 b=3 c=5", "a=2 b=4 c=6"}));
  EXPECT_EQ(texts_of(R"({"zip": {"b": [3, 4], "c": [5, 6]}})"), (Texts{"b=3 c=5", "b=4 c=6"}));
}

TEST(Axes, CasesAreTakenAsTheyAreListed) {
  EXPECT_EQ(texts_of(R"({"cases": [{"a": 1}, {"a": 2, "b": "x"}], "c": [7, 8]})"),
            (Texts{"a=1 c=7", "a=1 c=8", "a=2 b=\"x\" c=7", "a=2 b=\"x\" c=8"}));
}

TEST(Axes, EachKeyIsSweptOnce) {
  const auto message = [](const char* sweep) {
    return base::thrown_error([&] { points_of(sweep); }).message();
  };
  EXPECT_EQ(message(R"({"a": [1], "zip": {"b": [1], "a": [1]}})"), "two axes set a");
  EXPECT_EQ(message(R"({"zip": {"b": [1, 2], "a": [1]}})"), "a has 1 values and b has 2");
  EXPECT_EQ(message(R"({"cases": [1]})"), "expected a list of objects of keys and values");
  EXPECT_EQ(message(R"({"cases": []})"), "expected a list of objects of keys and values");
  EXPECT_EQ(message(R"({"a": {"uniform": [0, 1]}})"), "a distribution has no end of values");
}

TEST(Axes, AValueStandsOnce) {
  const auto message = [](const char* sweep) {
    return base::thrown_error([&] { points_of(sweep); }).message();
  };
  EXPECT_EQ(message(R"({"a": [1, 2, 1]})"), "1 stands there twice");
  EXPECT_EQ(message(R"({"a": [1.25, 2, 2.0]})"), "2 stands there twice");
  EXPECT_EQ(message(R"({"a": ["x", "x"]})"), "\"x\" stands there twice");
  EXPECT_EQ(message(R"({"a": {"linear": [4, 4, 3]}})"), "4 stands there twice");
  EXPECT_EQ(message(R"({"cases": [{"a": 1, "b": 2}, {"a": 2}, {"b": 2, "a": 1}]})"),
            "a=1, b=2 stands there twice");
  EXPECT_EQ(message(R"({"zip": {"a": [1, 1], "b": [3, 3]}})"), "a=1, b=3 stands there twice");
  EXPECT_EQ(texts_of(R"({"zip": {"a": [1, 1], "b": [3, 4]}})").size(), 2u);
  EXPECT_EQ(message(R"({"a": [{"b": 1.50, "c": [2, 3]}, {"c": [2.0, 3], "b": 1.5}]})"),
            R"({"b":1.5,"c":[2,3]} stands there twice)");
  EXPECT_EQ(texts_of(R"({"a": [{"b": [2, 3]}, {"b": [3, 2]}]})").size(), 2u);
  // Neighbours that are one as doubles.
  EXPECT_EQ(texts_of(R"({"a": [9007199254740992, 9007199254740993]})").size(), 2u);
}

std::string swept_by(const std::string& assignment) {
  base::JsonValue document = base::parse_json(R"({"sweep": {"a": [1], "b": [2]}})", "file.json");
  add_axis(document, assignment);
  return base::to_text(*document.find("sweep"), base::JsonStyle::compact);
}

TEST(AddAxis, TakesListsRulesAndWords) {
  EXPECT_EQ(swept_by("c.d=1,2.5,null,true"), R"({"a":[1],"b":[2],"c.d":[1,2.5,null,true]})");
  EXPECT_EQ(swept_by("c=flow,4 GB/s"), R"({"a":[1],"b":[2],"c":["flow","4 GB/s"]})");
  EXPECT_EQ(swept_by("c=[1, [2, 3]]"), R"({"a":[1],"b":[2],"c":[1,[2,3]]})");
  EXPECT_EQ(swept_by("c={\"range\": [0, 4]}"), R"({"a":[1],"b":[2],"c":{"range":[0,4]}})");
}

TEST(AddAxis, ReplacesWhatTheFileSweeps) { EXPECT_EQ(swept_by("a=7,8"), R"({"b":[2],"a":[7,8]})"); }

TEST(AddAxis, TwoFlagsForOneKeyAreAnError) {
  base::JsonValue document = base::parse_json("{}", "file.json");
  add_axis(document, "a=1");
  add_axis(document, "b=1");
  const base::Error error = base::thrown_error([&] { add_axis(document, "a=2"); });
  EXPECT_EQ(error.where(), "--sweep a=2");
  EXPECT_EQ(error.message(), "\"a\" is swept by a flag before this one");
}

TEST(AddAxis, MalformedOnesAreErrorsAtTheFlag) {
  for (const char* assignment : {"a", "=1", "a="}) {
    EXPECT_EQ(base::thrown_error([&] { swept_by(assignment); }).where(),
              std::string("--sweep ") + assignment);
  }
}

TEST(Axes, ASampleIsTheSameEachTimeAndAnotherWithAnotherSeed) {
  const auto sample = [](const char* seed) {
    return texts_of(R"({"a": {"uniform": [0, 1]}, "b": {"log_uniform": [1, 8]},)"
                    R"( "sample": {"method": "random", "count": 50, "seed": )" +
                    std::string(seed) + "}}");
  };
  EXPECT_EQ(sample("1").size(), 50u);
  EXPECT_EQ(sample("1"), sample("1"));
  EXPECT_NE(sample("1"), sample("2"));
}

TEST(Axes, AnAxisMoreChangesNoOthersDraws) {
  const auto first_axis = [](const std::string& more) {
    Texts texts;
    for (const auto& point :
         points_of(R"({"a": {"uniform": [0, 1]}, )" + more + R"("sample": {"count": 20}})")) {
      texts.push_back(text_of({point[0]}));
    }
    return texts;
  };
  EXPECT_EQ(first_axis(""), first_axis(R"("b": {"uniform": [5, 6]}, )"));
}

// A Latin hypercube of 40 draws has one in each fortieth of every axis, and of a list of 4 values
// ten of each.
TEST(Axes, ALatinHypercubeHasOneDrawInEachStratum) {
  const auto points =
      points_of(R"({"a": {"uniform": [0, 1]}, "b": {"uniform": [10, 50]}, "c": [1, 2, 3, 4],)"
                R"( "sample": {"method": "latin_hypercube", "count": 40, "seed": 3}})");
  ASSERT_EQ(points.size(), 40u);
  std::set<int> of_a;
  std::set<int> of_b;
  std::vector<int> of_c(5, 0);
  for (const auto& point : points) {
    of_a.insert(static_cast<int>(point[0][0].second.number * 40));
    of_b.insert(static_cast<int>(point[1][0].second.number - 10));
    ++of_c[static_cast<int>(point[2][0].second.number)];
  }
  EXPECT_EQ(of_a.size(), 40u);
  EXPECT_EQ(of_b.size(), 40u);
  EXPECT_EQ(of_c, (std::vector<int>{0, 10, 10, 10, 10}));
}

// Two axes' strata are paired at random: their order has hardly any correlation.
TEST(Axes, StrataOfTwoAxesAreShuffledApart) {
  const auto points =
      points_of(R"({"a": {"uniform": [0, 1]}, "b": {"uniform": [0, 1]},)"
                R"( "sample": {"method": "latin_hypercube", "count": 1000, "seed": 1}})");
  double sum = 0;
  for (const auto& point : points) {
    sum += (point[0][0].second.number - 0.5) * (point[1][0].second.number - 0.5);
  }
  EXPECT_LT(std::abs(sum / 1000 * 12), 0.1);  // 12: 1 / variance of a uniform draw
}

// Of two values there are two points, however many are drawn.
TEST(Axes, APointDrawnTwiceIsOnePoint) {
  EXPECT_EQ(texts_of(R"({"a": [1, 2], "sample": {"method": "random", "count": 64}})").size(), 2u);
}

TEST(Axes, MalformedSamplesAreErrors) {
  for (const char* sample : {"{}", R"({"count": 0})", R"({"count": 100001})", R"({"count": 2.5})",
                             R"({"count": 2, "method": "sobol"})", R"({"count": 2, "seeds": 1})"}) {
    const base::Error error = base::thrown_error(
        [&] { points_of(R"({"a": [1], "sample": )" + std::string(sample) + "}"); });
    EXPECT_NE(error.where().find("/sweep/sample"), std::string::npos) << sample;
  }
}

}  // namespace
}  // namespace moesim::experiments
