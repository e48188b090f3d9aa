// SPDX-License-Identifier: Apache-2.0
// One tile of a product on one thread, and the functions that compute it with one kind of
// instructions each. Their sources are compiled with flags of their own, so this header includes
// nothing that would leave inline functions behind, which a linker could take for everyone's.
#pragma once

#include <cstddef>

namespace moesim::model {

// c, [m, n] = a, [m, k] times b, [k, n], plus the bias, or plus c. Element (i, j) of a is
// a[i * a_row + j * a_column]; of c, c[i * c_row + j].
template <class S>
struct GemmTile {
  std::ptrdiff_t m, n, k;
  const S* a;
  std::ptrdiff_t a_row, a_column;
  const S* b;
  std::ptrdiff_t b_row, b_column;
  S* c;
  std::ptrdiff_t c_row;
  const S* bias;  // [n], or null
  bool accumulate;
};

void multiply_tile_portable(const GemmTile<float>& tile);
void multiply_tile_portable(const GemmTile<double>& tile);

#if defined(__x86_64__)
void multiply_tile_avx2(const GemmTile<float>& tile);
void multiply_tile_avx2(const GemmTile<double>& tile);
void multiply_tile_avx512(const GemmTile<float>& tile);
void multiply_tile_avx512(const GemmTile<double>& tile);
#endif

}  // namespace moesim::model
