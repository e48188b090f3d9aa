// SPDX-License-Identifier: Apache-2.0
// Files in the safetensors format (github.com/huggingface/safetensors, README, "Format"): 8 bytes
// with the header's length (little-endian), the header in JSON, then the tensors' bytes, without
// holes. Free of Eigen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint/tensor.h"

namespace moesim::model {

// Where a tensor lies in a file.
struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t first_byte = 0;  // from the beginning of the file
  std::uint64_t bytes = 0;
};

// What a file holds, without the numbers.
struct SafetensorsIndex {
  std::filesystem::path path;
  std::map<std::string, std::string> metadata;  // "__metadata__"
  std::vector<TensorEntry> tensors;             // in the file's order of bytes

  const TensorEntry* find(std::string_view name) const;  // nullptr where there is none
};

struct SafetensorsFile {
  std::filesystem::path path;
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;  // in the file's order of bytes

  const Tensor* find(std::string_view name) const;  // nullptr where there is none
};

// Reads and checks the header; nothing is allocated that the file's own size does not account for.
// Throws base::Error, its place the path and, where there is one, the tensor, when the file is
// missing, truncated, damaged or of another format: a header above 100 MB or longer than the file,
// no JSON, an unknown number format, a shape that does not fit its bytes, tensors that overlap,
// leave holes or end elsewhere than the file.
SafetensorsIndex read_safetensors_index(const std::filesystem::path& path);

// The tensor of an entry of read_safetensors_index. Throws base::Error when the file has changed.
Tensor read_tensor(const SafetensorsIndex& index, const TensorEntry& entry);

// The whole file. Throws base::Error as read_safetensors_index does.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Writes the tensors, those with wider numbers first so that each is aligned, otherwise in their
// order; the same arguments give the same bytes. The file appears whole: it is written under a
// temporary name beside `path`, flushed to the disk and renamed, so that whatever happens there is
// the old file or the new one. Names are distinct and not "__metadata__". Throws base::Error where
// the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace moesim::model
