// SPDX-License-Identifier: Apache-2.0
// Text as bytes: what the byte-level model reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace moesim::model {

// Reads a text file whole; or, of a folder, every regular *.md, *.txt, *.h, *.cpp, *.py and *.json
// file below it, one after another in path order. Hidden entries, folders named build, runs or
// node_modules, and symbolic links are left out, so that the same sources give the same bytes.
// Throws base::Error when the path is missing or unreadable, or gives fewer than `least_bytes`.
std::vector<std::uint8_t> read_text(const std::filesystem::path& path, std::size_t least_bytes);

}  // namespace moesim::model
