// SPDX-License-Identifier: Apache-2.0
// Unpacks what the writers packed, by zlib's own reader.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace moesim::sim::testing {

// "" when `file` is not exactly one whole gzip member.
inline std::string gunzip(std::string_view file) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.data()));
  stream.avail_in = static_cast<uInt>(file.size());
  std::string content;
  std::string piece(1 << 16, '\0');
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&stream, Z_NO_FLUSH);
    content.append(piece, 0, piece.size() - stream.avail_out);
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? content : std::string();
}

}  // namespace moesim::sim::testing
