// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/gzip.h"

#include <gtest/gtest.h>

#include "tests/sim/report/writers/gunzip.h"

namespace moesim::sim {
namespace {

TEST(Gzip, UnpacksToTheSameContent) {
  EXPECT_EQ(testing::gunzip(gzip("dispatch combine dispatch")), "dispatch combine dispatch");
}

TEST(Gzip, NothingUnpacksToNothing) {
  EXPECT_FALSE(gzip("").empty());
  EXPECT_EQ(testing::gunzip(gzip("")), "");
}

// The packer works in pieces of 1 MiB: 3 MiB + 1 byte that hardly compress take four of them.
TEST(Gzip, ContentOfSeveralPiecesSurvives) {
  std::string content((3u << 20) + 1, '\0');
  unsigned state = 1;
  for (char& byte : content) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  EXPECT_EQ(testing::gunzip(gzip(content)), content);
}

// RFC 1952, 2.3: magic 1f 8b, deflate 08, flags 0, four bytes of time, extra flags, system 255.
TEST(Gzip, HeaderHasNoTimeAndNoSystem) {
  const std::string file = gzip("expert");
  EXPECT_EQ(file.substr(0, 8), std::string("\x1f\x8b\x08\0\0\0\0\0", 8));
  EXPECT_EQ(file[9], '\xff');
}

}  // namespace
}  // namespace moesim::sim
