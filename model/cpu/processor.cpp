// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/processor.h"

#include "base/error.h"

namespace moesim::model {

void require_vector_instructions() {
#if defined(__AVX2__) && defined(__FMA__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw base::Error("this processor", "it lacks AVX2 or FMA, which the numerics need",
                      "configure with -DMOESIM_WIDE_VECTORS=OFF, or use synthetic routing");
  }
#endif
}

}  // namespace moesim::model
