// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/packed_column.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moesim::experiments {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string text_of(const base::JsonValue& value) {
  return base::to_text(value, base::JsonStyle::compact);
}

// The vectors of RFC 4648, section 10.
TEST(PackedColumn, Base64IsThatOfTheRfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string("\xff\xfe\xfd")), "//79");
}

// 1.0f is 0x3f800000 and 2.0f 0x40000000, the low byte first: 00 00 80 3f 00 00 00 40.
TEST(PackedColumn, NumbersThatFloatsHoldAreFloats) {
  EXPECT_EQ(text_of(packed_numbers({1, 2}, false)),
            "{\"f4\":\"" + base64(std::string("\0\0\x80\x3f\0\0\0\x40", 8)) + "\"}");
}

// 0.1 as a double is 0x3fb999999999999a, as a float 0x3dcccccd; 1.0 is 0x3ff0000000000000.
TEST(PackedColumn, OthersAreDoublesUnlessTheyMayBeRounded) {
  EXPECT_EQ(text_of(packed_numbers({0.1, 1}, false)),
            "{\"f8\":\"" +
                base64(std::string("\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\0\0\0\0\xf0\x3f", 16)) +
                "\"}");
  EXPECT_EQ(text_of(packed_numbers({0.1, 1}, true)),
            "{\"f4\":\"" + base64(std::string("\xcd\xcc\xcc\x3d\0\0\x80\x3f", 8)) + "\"}");
}

TEST(PackedColumn, EqualNumbersAreOne) {
  EXPECT_EQ(text_of(packed_numbers({0.1, 0.1, 0.1}, false)), "0.1");
  EXPECT_EQ(text_of(packed_numbers({kNone, kNone}, false)), "null");
  EXPECT_EQ(text_of(packed_numbers({}, false)), "null");
  EXPECT_EQ(text_of(packed_counts({7, 7})), "7");
}

TEST(PackedColumn, ANumberAmongMissingOnesIsNotTaggedAsTheirs) {
  EXPECT_NE(packed_numbers({kNone, 1}, false).find("f4"), nullptr);
  EXPECT_NE(packed_numbers({1, kNone}, false).find("f4"), nullptr);
}

TEST(PackedColumn, ValuesAreListedOnceInTheOrderOfTheirComing) {
  const std::vector<base::JsonValue> values = {base::json_of("b"), base::json_of("a"),
                                               base::json_of("b"), base::JsonValue()};
  // Places 0, 1, 0, 2 as unsigned 32-bit integers.
  const std::string places = base64(std::string("\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0", 16));
  EXPECT_EQ(text_of(packed_values(values)),
            "{\"values\":[\"b\",\"a\",null],\"rows\":{\"u4\":\"" + places + "\"}}");
}

}  // namespace
}  // namespace moesim::experiments
