// SPDX-License-Identifier: Apache-2.0
// Forward and backward time of a part of the step.
#pragma once

#include "base/units.h"

namespace moesim::sim {

struct PassTimes {
  base::Seconds forward;
  base::Seconds backward;
};

inline PassTimes operator+(PassTimes a, PassTimes b) {
  return {a.forward + b.forward, a.backward + b.backward};
}

}  // namespace moesim::sim
