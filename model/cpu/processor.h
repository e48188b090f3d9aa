// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace moesim::model {

// Throws base::Error where the processor lacks the vector instructions that the numerics were
// compiled for (AVX2 and FMA on x86-64, unless configured otherwise). Every door to the numerics
// calls it first.
void require_vector_instructions();

}  // namespace moesim::model
