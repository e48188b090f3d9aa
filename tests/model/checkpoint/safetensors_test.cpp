// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::Complaint;
using moesim::testing::expect_complaint;

class Safetensors : public moesim::testing::ScratchFiles {};

Tensor counting(const std::string& name, Dtype dtype, std::vector<std::int64_t> shape) {
  std::size_t bytes = bytes_of(dtype);
  for (const std::int64_t size : shape) bytes *= static_cast<std::size_t>(size);
  Tensor tensor{name, dtype, std::move(shape), std::vector<std::uint8_t>(bytes)};
  for (std::size_t i = 0; i < bytes; ++i) tensor.bytes[i] = static_cast<std::uint8_t>(i + 1);
  return tensor;
}

// The bytes by the format's definition: the length 64 (the header's 59 bytes and spaces up to a
// multiple of 8), the header, the numbers.
TEST_F(Safetensors, WritesTheFormatsBytes) {
  const std::vector<Tensor> tensors = {counting("a", Dtype::u8, {2, 1})};
  write_safetensors(folder_ / "a", tensors);
  const std::string header = R"({"a":{"dtype":"U8","shape":[2,1],"data_offsets":[0,2]}})";
  const std::string padded = header + std::string(56 - header.size(), ' ');
  EXPECT_EQ(bytes_of_file(folder_ / "a"),
            std::string("\x38\0\0\0\0\0\0\0", 8) + padded + "\x01\x02");
}

TEST_F(Safetensors, EveryNumberFormatComesBack) {
  std::vector<Tensor> tensors;
  for (const DtypeRow& row : kDtypes) tensors.push_back(counting(row.name, row.id, {3, 5}));
  write_safetensors(folder_ / "a", tensors, {{"format", "pt"}, {"näme", "\"x\""}});
  const SafetensorsFile file = read_safetensors(folder_ / "a");
  EXPECT_EQ(file.metadata,
            (std::map<std::string, std::string>{{"format", "pt"}, {"näme", "\"x\""}}));
  ASSERT_EQ(file.tensors.size(), kDtypes.size());
  for (const Tensor& tensor : tensors) {
    const Tensor* found = file.find(tensor.name);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->dtype, tensor.dtype);
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_EQ(found->bytes, tensor.bytes);
  }
  EXPECT_EQ(file.find("none"), nullptr);
}

// 3 bytes before a F64 would leave it at byte 3 of the data.
TEST_F(Safetensors, EveryTensorBeginsAtAMultipleOfItsNumbers) {
  const std::vector<Tensor> tensors = {counting("bytes", Dtype::u8, {3}),
                                       counting("halves", Dtype::bf16, {1}),
                                       counting("doubles", Dtype::f64, {2})};
  write_safetensors(folder_ / "a", tensors);
  const SafetensorsIndex index = read_safetensors_index(folder_ / "a");
  for (const TensorEntry& entry : index.tensors) {
    EXPECT_EQ(entry.first_byte % bytes_of(entry.dtype), 0U) << entry.name;
  }
  EXPECT_EQ(read_tensor(index, *index.find("halves")).bytes, tensors[1].bytes);
}

TEST_F(Safetensors, NoTensorsEmptyTensorsAndLoneNumbersAreFine) {
  write_safetensors(folder_ / "none", {});
  EXPECT_TRUE(read_safetensors(folder_ / "none").tensors.empty());
  const std::vector<Tensor> tensors = {counting("empty", Dtype::f32, {0, 7}),
                                       counting("lone", Dtype::f32, {})};
  write_safetensors(folder_ / "a", tensors);
  const SafetensorsFile file = read_safetensors(folder_ / "a");
  EXPECT_EQ(file.find("empty")->bytes.size(), 0U);
  EXPECT_EQ(file.find("lone")->bytes.size(), 4U);
}

TEST_F(Safetensors, SameTensorsGiveSameBytesAndNothingElseIsLeft) {
  const std::vector<Tensor> tensors = {counting("a", Dtype::f32, {4})};
  write_safetensors(folder_ / "a", tensors);
  const std::string first = bytes_of_file(folder_ / "a");
  write_safetensors(folder_ / "a", tensors);
  EXPECT_EQ(bytes_of_file(folder_ / "a"), first);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Safetensors, NamesAreDistinct) {
  const std::vector<Tensor> twice = {counting("a", Dtype::u8, {1}), counting("a", Dtype::u8, {1})};
  EXPECT_THROW(write_safetensors(folder_ / "a", twice), base::InvariantViolation);
  const std::vector<Tensor> reserved = {counting("__metadata__", Dtype::u8, {1})};
  EXPECT_THROW(write_safetensors(folder_ / "a", reserved), base::InvariantViolation);
}

TEST_F(Safetensors, AFileThatCannotBeWrittenIsAnError) {
  expect_complaint([&] { write_safetensors(folder_ / "no" / "a", {}); },
                   {(folder_ / "no" / "a").string(), "cannot be written", "folder exists"});
}

TEST_F(Safetensors, AFileThatShrinksAfterItsIndexWasReadIsAnError) {
  const std::vector<Tensor> tensors = {counting("a", Dtype::f32, {4})};
  write_safetensors(folder_ / "a", tensors);
  const SafetensorsIndex index = read_safetensors_index(folder_ / "a");
  fs::resize_file(folder_ / "a", fs::file_size(folder_ / "a") - 1);
  expect_complaint([&] { read_tensor(index, index.tensors[0]); },
                   {(folder_ / "a").string(), "became shorter", "no other program"});
}

// What is no safetensors file at all, by its first bytes.
TEST_F(Safetensors, ForeignFilesAreNamed) {
  const std::string length(8, '\xff');
  const struct {
    std::string bytes;
    Complaint complaint;
  } rows[] = {
      {"", {"", "has 0 bytes", "name a safetensors file"}},
      {"1234567", {"", "has 7 bytes", "name a safetensors file"}},
      {length + "{}", {"", "18446744073709551615 bytes; safetensors allows", "another format"}},
      {"PK\x03\x04" + std::string(60, 'x'), {"", "a zip archive", "convert it"}},
      {"\x80\x02}q" + std::string(60, 'x'), {"", "a Python pickle", "convert it"}},
      {"GGUF" + std::string(60, '\x03'), {"", "a GGUF file", "convert it"}},
      {"\x89HDF\r\n\x1a\n" + std::string(60, 'x'), {"", "an HDF5 file", "convert it"}},
      {"\x93NUMPY\x01" + std::string(60, 'x'), {"", "a NumPy array", "convert it"}},
      {"{\"model_type\": \"mixtral\"}", {"", "safetensors allows", "another format"}},
      {std::string("\x03\0\0\0\0\0\0\0{}", 10), {"", "and the file has 10 in all", "is cut"}},
      {std::string("\xff\xe0\xf5\x05\0\0\0\0{}", 10), {"", "and the file has 10", "is cut"}},
  };
  for (const auto& row : rows) {
    const fs::path path = write("file", row.bytes);
    expect_complaint([&] { read_safetensors(path); },
                     {path.string(), row.complaint.what, row.complaint.hint});
  }
}

TEST_F(Safetensors, WhatIsNoFileIsAnError) {
  expect_complaint([&] { read_safetensors(folder_ / "none"); },
                   {(folder_ / "none").string(), "no such file", "name a safetensors file"});
  expect_complaint([&] { read_safetensors(folder_); },
                   {folder_.string(), "a folder", "name a safetensors file"});
  expect_complaint([&] { read_safetensors("/dev/zero"); },
                   {"/dev/zero", "not a regular file", "name a safetensors file"});
}

// Cut anywhere, the file is refused: never read short, never a crash.
TEST_F(Safetensors, EveryTruncationIsAnError) {
  const std::vector<Tensor> tensors = {counting("a", Dtype::f32, {2, 2}),
                                       counting("b", Dtype::u8, {3})};
  write_safetensors(folder_ / "whole", tensors);
  const std::string whole = bytes_of_file(folder_ / "whole");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const fs::path path = write("cut", whole.substr(0, length));
    EXPECT_THROW(read_safetensors(path), base::Error) << length;
  }
}

}  // namespace
}  // namespace moesim::model
