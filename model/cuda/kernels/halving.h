// SPDX-License-Identifier: Apache-2.0
// Which of many things that lie one after another a place belongs to.
#pragma once

#include <cstdint>

#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

// The last of `count` things, at least one, that does not begin after the place; first_of(i), which
// never falls, is where the i-th begins.
template <class FirstOf>
MOESIM_DEVICE_CODE int last_not_after(std::int64_t place, int count, const FirstOf& first_of) {
  int found = 0;
  for (int end = count; end - found > 1;) {
    const int middle = (found + end) / 2;
    (first_of(middle) <= place ? found : end) = middle;
  }
  return found;
}

}  // namespace moesim::model::cuda
