// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/tensor_reader.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;

class TensorReaderFile : public moesim::testing::ScratchFiles {
 protected:
  TensorReader reader_of(const std::vector<Tensor>& tensors) {
    write_safetensors(folder_ / "a", tensors);
    return TensorReader(folder_ / "a");
  }
  std::string place_of(const std::string& tensor) const {
    return (folder_ / "a").string() + "  tensor \"" + tensor + "\"";
  }
};

Tensor floats(const std::string& name, const std::vector<float>& values) {
  return tensor_of(name, {static_cast<std::int64_t>(values.size())},
                   std::span<const float>(values));
}

TEST_F(TensorReaderFile, TakesWhatIsThere) {
  const std::vector<double> doubles = {0.1};
  const std::vector<std::int64_t> integers = {7};
  TensorReader reader =
      reader_of({floats("f", {1, 2}), tensor_of("d", {1}, std::span<const double>(doubles)),
                 tensor_of("i", {1}, std::span<const std::int64_t>(integers))});
  EXPECT_TRUE(reader.has("f"));
  EXPECT_FALSE(reader.has("g"));
  EXPECT_EQ(reader.shape_of("f"), (TensorShape{2}));
  EXPECT_EQ(reader.total_values(), 4);
  EXPECT_EQ(reader.take_floats("f", {2}), (std::vector<float>{1, 2}));
  EXPECT_EQ(reader.take_doubles("d", {1}), doubles);
  EXPECT_EQ(reader.take_integers("i", {1}), integers);
  EXPECT_NO_THROW(reader.refuse_others());
}

TEST_F(TensorReaderFile, AMissingTensorIsAnErrorWithTheNearestName) {
  TensorReader reader = reader_of({floats("blocks.0.moe.gate", {1})});
  expect_complaint([&] { reader.take_floats("blocks.0.moe.gaze", {1}); },
                   {place_of("blocks.0.moe.gaze"), "missing", "mean \"blocks.0.moe.gate\"?"});
}

TEST_F(TensorReaderFile, AnUnknownTensorIsAnError) {
  TensorReader reader = reader_of({floats("a", {1}), floats("b", {1})});
  reader.take_floats("a", {1});
  expect_complaint([&] { reader.refuse_others(); },
                   {place_of("b"), "no such parameter", "configuration"});
}

TEST_F(TensorReaderFile, AnotherShapeIsAnError) {
  TensorReader reader = reader_of({floats("a", {1, 2})});
  expect_complaint(
      [&] {
        reader.take_floats("a", {2, 1});
      },
      {place_of("a"), "its shape is [2], and [2, 1] is expected", "configuration"});
}

TEST_F(TensorReaderFile, AnotherNumberFormatIsAnError) {
  TensorReader reader = reader_of({floats("a", {1})});
  expect_complaint([&] { reader.take_integers("a", {1}); },
                   {place_of("a"), "its numbers are F32, and I64 can be read", "convert"});
  const std::vector<std::int64_t> values = {1};
  TensorReader other = reader_of({tensor_of("a", {1}, std::span<const std::int64_t>(values))});
  expect_complaint([&] { other.take_floats("a", {1}); },
                   {place_of("a"), "its numbers are I64, and F32 BF16 F16", "convert"});
}

TEST_F(TensorReaderFile, WhatIsNotFiniteIsAnError) {
  TensorReader reader = reader_of({floats("a", {1, std::numeric_limits<float>::quiet_NaN()}),
                                   floats("b", {-std::numeric_limits<float>::infinity()})});
  expect_complaint([&] { reader.take_floats("a", {2}); },
                   {place_of("a"), "value 1 is not a number", "earlier"});
  expect_complaint([&] { reader.take_floats("b", {1}); },
                   {place_of("b"), "value 0 is infinite", "earlier"});
}

}  // namespace
}  // namespace moesim::model
