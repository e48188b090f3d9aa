// SPDX-License-Identifier: Apache-2.0
#include "model/layers/dropout.h"

#include <cmath>

#include "base/check.h"

namespace moesim::model {

template <class S>
DropoutFactors<S>::DropoutFactors(const Pass<S>& pass, std::string_view name, double rate)
    : field_(pass.seed, name),
      is_active_(pass.training && rate > 0),
      dropped_below_(0),
      factors_{static_cast<S>(1 / (1 - rate)), S(0)} {
  CHECK(rate >= 0 && rate < 1, "a dropout rate is a probability below 1");
  dropped_below_ = static_cast<std::uint32_t>(std::ldexp(rate, 32));
}

template <class S>
void DropoutFactors<S>::apply(std::uint64_t first, S* x, Index n) const {
  if (!is_active_) return;
  Index i = 0;
  const auto one = [&] {
    const std::uint64_t element = first + static_cast<std::uint64_t>(i);
    const std::uint64_t bits = field_.bits(element / 2) >> (element % 2 * 32);
    x[i] *= factor(static_cast<std::uint32_t>(bits));
    ++i;
  };
  if (first % 2 == 1 && n > 0) one();
  for (; i + 1 < n; i += 2) {
    const std::uint64_t bits = field_.bits((first + static_cast<std::uint64_t>(i)) / 2);
    x[i] *= factor(static_cast<std::uint32_t>(bits));
    x[i + 1] *= factor(static_cast<std::uint32_t>(bits >> 32));
  }
  if (i < n) one();
}

template <class S>
void apply_dropout(const Pass<S>& pass, std::string_view name, double rate, Matrix<S>& matrix) {
  const DropoutFactors<S> factors(pass, name, rate);
  if (!factors.is_active()) return;
  for_row_pieces(pass, matrix.rows(), [&](Index first, Index end) {
    const Index at = first * matrix.cols();
    factors.apply(static_cast<std::uint64_t>(at), matrix.data() + at,
                  (end - first) * matrix.cols());
  });
}

template class DropoutFactors<float>;
template class DropoutFactors<double>;
template void apply_dropout(const Pass<float>&, std::string_view, double, Matrix<float>&);
template void apply_dropout(const Pass<double>&, std::string_view, double, Matrix<double>&);

}  // namespace moesim::model
