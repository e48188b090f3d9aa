// SPDX-License-Identifier: Apache-2.0
// Compiled for x86-64-v3 (AVX2 and FMA), and run only where the processor has it.
#if defined(__x86_64__)
#include <immintrin.h>

namespace moesim::model {
namespace {

template <class S>
struct Vector;

template <>
struct Vector<float> {
  using Type = __m256;
  static constexpr int kWidth = 8;
  static constexpr int kRows = 6;

  static Type load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, Type x) { _mm256_storeu_ps(to, x); }
  static Type broadcast(float x) { return _mm256_set1_ps(x); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
  static Type low(Type x, Type y) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y), 0x20);
  }
  static Type high(Type x, Type y) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y), 0x31);
  }
};

template <>
struct Vector<double> {
  using Type = __m256d;
  static constexpr int kWidth = 4;
  static constexpr int kRows = 6;

  static Type load(const double* from) { return _mm256_loadu_pd(from); }
  static void store(double* to, Type x) { _mm256_storeu_pd(to, x); }
  static Type broadcast(double x) { return _mm256_set1_pd(x); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_pd(a, b, c); }
  static Type low(Type x, Type y) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(x, y), _mm256_unpackhi_pd(x, y), 0x20);
  }
  static Type high(Type x, Type y) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(x, y), _mm256_unpackhi_pd(x, y), 0x31);
  }
};

}  // namespace
}  // namespace moesim::model

#include "model/cpu/gemm_kernels.h"

namespace moesim::model {

void multiply_tile_avx2(const GemmTile<float>& tile) { multiply_tile(tile); }
void multiply_tile_avx2(const GemmTile<double>& tile) { multiply_tile(tile); }

}  // namespace moesim::model
#endif
