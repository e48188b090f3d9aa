// SPDX-License-Identifier: Apache-2.0
// The JSON header of a safetensors file, checked against the size of the file. Inner to this
// folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "model/checkpoint/safetensors.h"

namespace moesim::model {

constexpr std::uint64_t kLengthBytes = 8;              // of the number before the header
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadataKey = "__metadata__";

// `header` is the file's bytes [8, 8 + header.size()); throws base::Error as
// read_safetensors_index says.
SafetensorsIndex parse_safetensors_header(const std::filesystem::path& path,
                                          std::string_view header, std::uint64_t file_bytes);

}  // namespace moesim::model
