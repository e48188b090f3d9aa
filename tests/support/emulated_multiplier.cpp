// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_multiplier.h"

#include "base/check.h"
#include "tests/support/host_operations.h"

namespace moesim::testing {
namespace {

namespace cuda = model::cuda;

template <cuda::Form form, class Epilogue>
void run(const EmulatedMultiplier::Problem& problem, const Epilogue& epilogue) {
  using Config = cuda::WarpTile<form, Epilogue::kParts>;
  constexpr int kBlocks = 2;
  CHECK(problem.experts <= cuda::kMostGroupedExperts, "no more experts than a launch takes");
  for (int block = 0; block < kBlocks; ++block) {
    cuda::HostOperations<Config> operations(problem.experts, block, kBlocks);
    cuda::run_grouped<Config>(operations, problem, epilogue);
  }
}

}  // namespace

void EmulatedMultiplier::into_units(const Problem& problem, const Forward<1>& epilogue,
                                    const FirstRow& /*first_row*/) {
  run<cuda::Form::into_units>(problem, epilogue);
}

void EmulatedMultiplier::into_units(const Problem& problem, const Forward<2>& epilogue,
                                    const FirstRow& /*first_row*/) {
  run<cuda::Form::into_units>(problem, epilogue);
}

void EmulatedMultiplier::into_units(const Problem& problem, const Backward& epilogue,
                                    const FirstRow& /*first_row*/) {
  run<cuda::Form::into_units>(problem, epilogue);
}

void EmulatedMultiplier::into_rows(const Problem& problem, const Store& epilogue,
                                   const FirstRow& /*first_row*/) {
  run<cuda::Form::into_rows>(problem, epilogue);
}

void EmulatedMultiplier::into_weights(const Problem& problem, const Store& epilogue,
                                      const FirstRow& /*first_row*/) {
  run<cuda::Form::into_weights>(problem, epilogue);
}

}  // namespace moesim::testing
