// SPDX-License-Identifier: Apache-2.0
// The matrix of the numerics: row-major, one row per token. Everything is templated on the scalar:
// float in use, double where a test checks gradients. Seen inside model/ and its tests only, which
// are compiled with the same vector flags (model/CMakeLists.txt says why).
#pragma once

#include <Eigen/Core>

namespace moesim::model {

using Eigen::Index;

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace moesim::model
