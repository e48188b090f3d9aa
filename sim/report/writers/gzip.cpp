// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/check.h"

namespace moesim::sim {
namespace {

constexpr int kLevel = 6;
constexpr int kGzipWindow = 15 + 16;  // zlib's code for a 32 KiB window and a gzip header
constexpr int kMemoryLevel = 8;       // zlib's default
constexpr int kUnknownSystem = 255;
constexpr std::size_t kPiece = std::size_t{1} << 20;  // zlib counts its input in 32 bits

}  // namespace

std::string gzip(std::string_view content) {
  z_stream stream{};
  gz_header header{};
  header.os = kUnknownSystem;
  CHECK(deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
            Z_OK,
        "zlib starts with valid parameters");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, deflateEnd);
  CHECK(deflateSetHeader(&stream, &header) == Z_OK, "the stream is a gzip stream");

  std::string compressed;
  std::string piece(kPiece, '\0');
  std::size_t taken = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const std::size_t size = std::min(kPiece, content.size() - taken);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data() + taken));
    stream.avail_in = static_cast<uInt>(size);
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(kPiece);
    state = deflate(&stream, taken + size == content.size() ? Z_FINISH : Z_NO_FLUSH);
    CHECK(state == Z_OK || state == Z_STREAM_END, "deflate makes progress");
    taken += size - stream.avail_in;
    compressed.append(piece, 0, kPiece - stream.avail_out);
  }
  return compressed;
}

}  // namespace moesim::sim
