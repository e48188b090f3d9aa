// SPDX-License-Identifier: Apache-2.0
// For any processor: vectors are arrays, of which the compiler makes what it can.

namespace moesim::model {
namespace {

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class S>
struct Vector {
  static constexpr int kWidth = 4;
  static constexpr int kRows = 4;
  struct Type {
    S lane[kWidth];
  };

  static Type load(const S* from) {
    Type x;
    for (int i = 0; i < kWidth; ++i) x.lane[i] = from[i];
    return x;
  }
  static void store(S* to, const Type& x) {
    for (int i = 0; i < kWidth; ++i) to[i] = x.lane[i];
  }
  static Type broadcast(S value) {
    Type x;
    for (S& lane : x.lane) lane = value;
    return x;
  }
  static Type fma(const Type& a, const Type& b, const Type& c) {
    Type x;
    for (int i = 0; i < kWidth; ++i) x.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
    return x;
  }
  static Type low(const Type& x, const Type& y) {
    return {{x.lane[0], y.lane[0], x.lane[1], y.lane[1]}};
  }
  static Type high(const Type& x, const Type& y) {
    return {{x.lane[2], y.lane[2], x.lane[3], y.lane[3]}};
  }
};

}  // namespace
}  // namespace moesim::model

#include "model/cpu/gemm_kernels.h"

namespace moesim::model {

void multiply_tile_portable(const GemmTile<float>& tile) { multiply_tile(tile); }
void multiply_tile_portable(const GemmTile<double>& tile) { multiply_tile(tile); }

}  // namespace moesim::model
