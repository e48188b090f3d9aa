// SPDX-License-Identifier: Apache-2.0
// Compiled for x86-64-v4 (AVX-512 F, BW, CD, DQ, VL), and run only where the processor has it.
#if defined(__x86_64__)
#include <immintrin.h>

namespace moesim::model {
namespace {

template <class S>
struct Vector;

template <>
struct Vector<float> {
  using Type = __m512;
  static constexpr int kWidth = 16;
  static constexpr int kRows = 14;

  static Type load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, Type x) { _mm512_storeu_ps(to, x); }
  static Type broadcast(float x) { return _mm512_set1_ps(x); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
  static Type low(Type x, Type y) {
    const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(x, order, y);
  }
  static Type high(Type x, Type y) {
    const __m512i order =
        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(x, order, y);
  }
};

template <>
struct Vector<double> {
  using Type = __m512d;
  static constexpr int kWidth = 8;
  static constexpr int kRows = 14;

  static Type load(const double* from) { return _mm512_loadu_pd(from); }
  static void store(double* to, Type x) { _mm512_storeu_pd(to, x); }
  static Type broadcast(double x) { return _mm512_set1_pd(x); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_pd(a, b, c); }
  static Type low(Type x, Type y) {
    return _mm512_permutex2var_pd(x, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), y);
  }
  static Type high(Type x, Type y) {
    return _mm512_permutex2var_pd(x, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), y);
  }
};

}  // namespace
}  // namespace moesim::model

#include "model/cpu/gemm_kernels.h"

namespace moesim::model {

void multiply_tile_avx512(const GemmTile<float>& tile) { multiply_tile(tile); }
void multiply_tile_avx512(const GemmTile<double>& tile) { multiply_tile(tile); }

}  // namespace moesim::model
#endif
