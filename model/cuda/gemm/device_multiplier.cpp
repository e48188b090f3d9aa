// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/device_multiplier.h"

#include "model/cuda/gemm/grouped_products.h"

namespace moesim::model::cuda {
namespace {

class DeviceMultiplier final : public GroupedMultiplier {
 public:
  explicit DeviceMultiplier(CUstream_st* stream) : products_(shipped_method_table(), stream) {}

  void into_units(const GroupedProblem<Bf16>& problem, const ForwardUnits<Bf16, 1>& epilogue,
                  const HostFirstRow& first_row) override {
    products_.run<Form::into_units>(problem, epilogue, first_row);
  }
  void into_units(const GroupedProblem<Bf16>& problem, const ForwardUnits<Bf16, 2>& epilogue,
                  const HostFirstRow& first_row) override {
    products_.run<Form::into_units>(problem, epilogue, first_row);
  }
  void into_units(const GroupedProblem<Bf16>& problem, const BackwardUnits<Bf16>& epilogue,
                  const HostFirstRow& first_row) override {
    products_.run<Form::into_units>(problem, epilogue, first_row);
  }
  void into_rows(const GroupedProblem<Bf16>& problem, const StoreOutput<Bf16>& epilogue,
                 const HostFirstRow& first_row) override {
    products_.run<Form::into_rows>(problem, epilogue, first_row);
  }
  void into_weights(const GroupedProblem<Bf16>& problem, const StoreOutput<Bf16>& epilogue,
                    const HostFirstRow& first_row) override {
    products_.run<Form::into_weights>(problem, epilogue, first_row);
  }

 private:
  GroupedProducts products_;
};

}  // namespace

std::unique_ptr<GroupedMultiplier> make_device_multiplier(CUstream_st* stream) {
  return std::make_unique<DeviceMultiplier>(stream);
}

}  // namespace moesim::model::cuda
