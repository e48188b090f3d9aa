// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/gemm.h"

#include <algorithm>
#include <vector>

#include "model/cpu/gemm_tile.h"

namespace moesim::model {
namespace {

// The part of c that is one piece of work: at most so large, for a high one packs b for many rows
// and a wide one reads a for many columns; at least so small, for a piece must outlast its
// dispatch.
struct TileShape {
  Index rows = 512;
  Index columns = 256;

  bool is_smallest() const { return rows <= 64 && columns <= 64; }
  void halve() { rows >= 4 * columns || columns <= 64 ? rows /= 2 : columns /= 2; }
};
// So many pieces a thread share out evenly enough.
constexpr int kPiecesPerThread = 4;
// Below so many multiplications, some microseconds of one thread, waking others costs more time
// than they save.
constexpr double kWorthSharing = 2e5;

template <class S>
void multiply_tile(const GemmTile<S>& tile, GemmKernels kernels) {
  switch (kernels) {
#if defined(__x86_64__)
    case GemmKernels::avx512:
      return multiply_tile_avx512(tile);
    case GemmKernels::avx2:
      return multiply_tile_avx2(tile);
#endif
    default:
      return multiply_tile_portable(tile);
  }
}

Index tiles_along(Index size, Index tile) { return (size + tile - 1) / tile; }

template <class S>
Index tile_count(const Product<S>& product, const TileShape& shape) {
  return tiles_along(product.m, shape.rows) * tiles_along(product.n, shape.columns);
}

// The tile's number counts along the rows of tiles.
template <class S>
GemmTile<S> tile_of(const Product<S>& product, const TileShape& shape, Index tile) {
  const Index across = tiles_along(product.n, shape.columns);
  const Index row = tile / across * shape.rows;
  const Index column = tile % across * shape.columns;
  return {std::min(shape.rows, product.m - row),
          std::min(shape.columns, product.n - column),
          product.k,
          product.a.data + row * product.a.row_stride,
          product.a.row_stride,
          product.a.col_stride,
          product.b.data + column * product.b.col_stride,
          product.b.row_stride,
          product.b.col_stride,
          product.c + row * product.c_stride + column,
          product.c_stride,
          product.bias == nullptr ? nullptr : product.bias + column,
          product.accumulate};
}

template <class S>
TileShape shape_for(std::span<const Product<S>> products, int threads) {
  TileShape shape;
  while (!shape.is_smallest()) {
    Index tiles = 0;
    for (const Product<S>& product : products) tiles += tile_count(product, shape);
    if (tiles >= kPiecesPerThread * threads) break;
    shape.halve();
  }
  return shape;
}

}  // namespace

bool is_supported(GemmKernels kernels) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  const bool avx2 = false;
  const bool avx512 = false;
#endif
  return kernels == GemmKernels::avx512 ? avx512 : kernels == GemmKernels::avx2 ? avx2 : true;
}

GemmKernels best_gemm_kernels() {
  if (is_supported(GemmKernels::avx512)) return GemmKernels::avx512;
  if (is_supported(GemmKernels::avx2)) return GemmKernels::avx2;
  return GemmKernels::portable;
}

template <class S>
void multiply_serial(const Product<S>& product, GemmKernels kernels) {
  const TileShape shape;
  const Index tiles = tile_count(product, shape);
  for (Index i = 0; i < tiles; ++i) multiply_tile(tile_of(product, shape, i), kernels);
}

template <class S>
void multiply_on(base::ThreadPool& threads, std::span<const Product<S>> products,
                 GemmKernels kernels) {
  double multiplications = 0;
  for (const Product<S>& p : products) {
    multiplications += static_cast<double>(p.m) * static_cast<double>(p.n) *
                       static_cast<double>(std::max<Index>(1, p.k));
  }
  if (threads.size() == 1 || multiplications < kWorthSharing) {
    for (const Product<S>& product : products) multiply_serial(product, kernels);
    return;
  }
  const TileShape shape = shape_for(products, threads.size());
  std::vector<Index> first_tile{0};  // of each product; the last is their number
  for (const Product<S>& product : products) {
    first_tile.push_back(first_tile.back() + tile_count(product, shape));
  }
  threads.run(static_cast<int>(first_tile.back()), [&](int piece) {
    const auto after = std::upper_bound(first_tile.begin(), first_tile.end(), Index{piece});
    const auto product = after - first_tile.begin() - 1;
    multiply_tile(tile_of(products[product], shape, piece - first_tile[product]), kernels);
  });
}

template void multiply_serial(const Product<float>&, GemmKernels);
template void multiply_serial(const Product<double>&, GemmKernels);
template void multiply_on(base::ThreadPool&, std::span<const Product<float>>, GemmKernels);
template void multiply_on(base::ThreadPool&, std::span<const Product<double>>, GemmKernels);

}  // namespace moesim::model
