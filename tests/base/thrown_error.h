// SPDX-License-Identifier: Apache-2.0
// The Error that a call throws, for tests that look into its parts.
#pragma once

#include <gtest/gtest.h>

#include "base/error.h"

namespace moesim::base {

template <class Call>
Error thrown_error(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error("", "");
}

}  // namespace moesim::base
