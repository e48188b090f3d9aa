// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_arguments.h"

#include <gtest/gtest.h>

#include "sim/network/network.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

std::string size_refusal(const std::string& text) {
  return base::thrown_error([&] { (void)parse_size(text, "-b"); }).message();
}

std::string rank_refusal(const std::string& word) {
  const base::Error error = base::thrown_error([&] { (void)parse_ranks(word, 16); });
  EXPECT_EQ(error.where(), "--ranks") << word;
  return error.message();
}

TEST(BenchArguments, SizesAreReadAsNcclTestsReadThem) {
  EXPECT_EQ(parse_size("8", "-b").value, 8);
  EXPECT_EQ(parse_size("64K", "-b").value, 65536);
  EXPECT_EQ(parse_size("1.5m", "-b").value, 1.5 * (1 << 20));
  EXPECT_EQ(parse_size("2G", "-b").value, 2.0 * (1 << 30));
  EXPECT_EQ(parse_size("1e6", "-b").value, 1e6);
  EXPECT_EQ(parse_size("100 MB", "-b").value, 1e8);
  EXPECT_EQ(parse_size("1 PiB", "-b"), kLargestSize);
  for (const char* wrong : {"", "0", "8T", "eight", "-3", "8KK", "nan"}) {
    EXPECT_EQ(base::thrown_error([&] { (void)parse_size(wrong, "-b"); }).where(), "-b") << wrong;
  }
}

TEST(BenchArguments, ASizeOfNoMachineIsRefusedWithTheLimit) {
  for (const char* large : {"1e30", "1e999", "1e30 B", "1048577G", "2 PiB", "inf"}) {
    EXPECT_EQ(size_refusal(large),
              "a size is at least 1 byte and at most 1 PiB; found \"" + std::string(large) + "\"");
  }
}

TEST(BenchArguments, RanksAreACountOrAListOfRanges) {
  EXPECT_EQ(parse_ranks("3", 16), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(parse_ranks("9,0-2,4-4", 16), (std::vector<int>{0, 1, 2, 4, 9}));
  EXPECT_EQ(parse_ranks({}, 3), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(rank_count("64"), 64);
  EXPECT_EQ(rank_count("6,4"), std::nullopt);
  EXPECT_EQ(rank_count({}), std::nullopt);
}

TEST(BenchArguments, RanksThatNameNoneOrOneTwiceAreRefused) {
  EXPECT_EQ(rank_refusal("0-16"), "the cluster has 16 ranks, of which 16 is none");
  EXPECT_EQ(rank_refusal("0-x"), "\"x\" is no rank");
  EXPECT_EQ(rank_refusal("-3"), "\"\" is no rank");
  EXPECT_EQ(rank_refusal(""), "\"\" is no rank");
  EXPECT_EQ(rank_refusal("0"), "no rank takes part");
  EXPECT_EQ(rank_refusal("1,1"), "rank 1 is named twice");
  EXPECT_EQ(rank_refusal("0-4,3-5"), "rank 3 is named twice");
  EXPECT_EQ(rank_refusal("5-3"), "the range 5-3 ends before it begins");
}

TEST(BenchArguments, NamesAreThoseOfTheTable) {
  EXPECT_EQ(parse_name<sim::Fidelity>("flow", "--fidelity"), sim::Fidelity::flow);
  const base::Error error =
      base::thrown_error([] { (void)parse_name<sim::Fidelity>("exact", "--fidelity"); });
  EXPECT_EQ(error.where(), "--fidelity");
  EXPECT_EQ(error.hint(), "one of analytic, collective, flow");
}

}  // namespace
}  // namespace moesim::experiments
