// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/safetensors_header.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;

SafetensorsIndex parse(const std::string& header, std::uint64_t data_bytes) {
  return parse_safetensors_header("x.safetensors", header,
                                  kLengthBytes + header.size() + data_bytes);
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST(SafetensorsHeader, TensorsComeInTheOrderOfTheirBytes) {
  const std::string header =
      "{\"b\":" + entry("F32", "[2]", "[2,10]") +
      ",\"__metadata__\":{\"k\":\"v\"},\"a\":" + entry("BF16", "[1]", "[0,2]") + "}   ";
  const SafetensorsIndex index = parse(header, 10);
  ASSERT_EQ(index.tensors.size(), 2U);
  EXPECT_EQ(index.tensors[0].name, "a");
  EXPECT_EQ(index.tensors[0].first_byte, 8 + header.size());
  EXPECT_EQ(index.tensors[1].first_byte, 8 + header.size() + 2);
  EXPECT_EQ(index.tensors[1].shape, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(index.metadata.at("k"), "v");
}

// Any one bit changed: either an error, or still a consistent file (another name, say).
TEST(SafetensorsHeader, ADamagedBitNeverCrashes) {
  const std::string whole = "{\"a\":" + entry("F32", "[2, 2]", "[0,16]") + "}";
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      const SafetensorsIndex index = parse(damaged, 16);
      ASSERT_EQ(index.tensors.size(), 1U);
      EXPECT_EQ(index.tensors[0].bytes, 16U);
    } catch (const base::Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 400);
}

// Headers over 8 bytes of data.
struct DamagedHeader {
  const char* name;
  std::string header;
  std::string where;
  std::string what;
};

std::string of_t(const std::string& text) { return "{\"t\":" + text + "}"; }

class DamagedHeaders : public ::testing::TestWithParam<DamagedHeader> {};

TEST_P(DamagedHeaders, AreOneClearError) {
  expect_complaint([&] { parse(GetParam().header, 8); },
                   {"x.safetensors" + GetParam().where, GetParam().what, "fetch it again"});
}

const std::string kT = "  tensor \"t\"";

INSTANTIATE_TEST_SUITE_P(
    All, DamagedHeaders,
    ::testing::Values(
        DamagedHeader{"Empty", "", "", "does not begin with '{'"},
        DamagedHeader{"NoObject", "[1]", "", "does not begin with '{'"},
        DamagedHeader{"Blanks", "    ", "", "does not begin with '{'"},
        DamagedHeader{"Cut", "{\"t\":", "", "the header is not JSON"},
        DamagedHeader{"TwoDocuments", "{}{}", "", "the header is not JSON"},
        DamagedHeader{"NoUtf8", "{\"\xff\":1}", "", "the header is not JSON"},
        DamagedHeader{"TooDeep", "{\"a\":" + std::string(200, '['), "", "nested deeper"},
        DamagedHeader{"MillionsOfCommas", "{\"a\":[" + std::string(1'000'001, ','), "",
                      "more than 1000000 commas"},
        DamagedHeader{"TensorTwice",
                      "{\"t\":" + entry("F64", "[1]", "[0,8]") +
                          ",\"t\":" + entry("F64", "[1]", "[0,8]") + "}",
                      "", "given twice"},
        DamagedHeader{"MetadataIsAList", "{\"__metadata__\":[]}", "", "is not an object"},
        DamagedHeader{"MetadataIsANumber", "{\"__metadata__\":{\"a\":1}}", "", "is not a text"},
        DamagedHeader{"EntryIsANumber", of_t("5"), kT, "its entry is not an object"},
        DamagedHeader{"UnknownKey", of_t(R"({"dtype":"F64","type":1})"), kT,
                      "unknown key \"type\""},
        DamagedHeader{"NoDtype", of_t(R"({"shape":[1],"data_offsets":[0,8]})"), kT, "no \"dtype\""},
        DamagedHeader{"NoShape", of_t(R"({"dtype":"F64","data_offsets":[0,8]})"), kT,
                      "no \"shape\""},
        DamagedHeader{"NoOffsets", of_t(R"({"dtype":"F64","shape":[1]})"), kT,
                      "no \"data_offsets\""},
        DamagedHeader{"UnknownFormat", of_t(entry("F63", "[1]", "[0,8]")), kT,
                      "unknown number format \"F63\""},
        DamagedHeader{"ShapeIsANumber", of_t(entry("F64", "1", "[0,8]")), kT, "not a list"},
        DamagedHeader{"NegativeShape", of_t(entry("F64", "[-1]", "[0,8]")), kT, "no whole number"},
        DamagedHeader{"FractionInShape", of_t(entry("F64", "[1.5]", "[0,8]")), kT,
                      "no whole number"},
        DamagedHeader{"TextInShape", of_t(entry("F64", "[\"1\"]", "[0,8]")), kT, "no whole number"},
        DamagedHeader{"HugeShape", of_t(entry("F64", "[4294967296,4294967296,8]", "[0,8]")), kT,
                      "is too large"},
        DamagedHeader{"BeyondAllIntegers", of_t(entry("F64", "[99999999999999999999]", "[0,8]")),
                      kT, "no whole number"},
        DamagedHeader{"ShapeNeedsMore", of_t(entry("F64", "[2]", "[0,8]")), kT,
                      "F64 of shape [2] needs 16 bytes, and data_offsets give 8"},
        DamagedHeader{"OneOffset", of_t(entry("F64", "[1]", "[8]")), kT, "is not a pair"},
        DamagedHeader{"OffsetsSwapped", of_t(entry("F64", "[1]", "[8,0]")), kT, "is not a pair"},
        DamagedHeader{"BeyondTheEnd", of_t(entry("F64", "[2]", "[0,16]")), kT,
                      "ends at byte 16 of the data, and the file has 8"},
        DamagedHeader{"LyingOffsets",
                      of_t(entry("U8", "[9223372036854775807]", "[0,9223372036854775807]")), kT,
                      "and the file has 8"},
        DamagedHeader{"HoleAtTheStart", of_t(entry("F32", "[1]", "[4,8]")), kT, "there is a hole"},
        DamagedHeader{"Overlap",
                      "{\"s\":" + entry("F32", "[1]", "[0,4]") +
                          ",\"t\":" + entry("F32", "[1]", "[2,6]") + "}",
                      kT, "overlap"},
        DamagedHeader{"MoreDataThanTensors", of_t(entry("F32", "[1]", "[0,4]")), "",
                      "the tensors end at byte"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace moesim::model
