// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/cuda_step_engine.h"

#include <string>

#include "base/error.h"
#include "model/cpu/cpu_backend.h"
#include "model/cuda/device_gpt.h"
#include "model/cuda/device_optimizer.h"
#include "model/cuda/gemm/shared_layout.h"
#include "model/cuda/kernels/attention.h"

namespace moesim::model::cuda {
namespace {

void require_at_most(const char* key, int value, int most) {
  if (value <= most) return;
  throw base::Error("/model/" + std::string(key),
                    "the CUDA kernels take at most " + std::to_string(most) + ", and " +
                        std::to_string(value) + " are asked for",
                    "train with --backend cpu");
}

class CudaStepEngine final : public StepEngine {
 public:
  CudaStepEngine(Device& device, const EngineSubject& subject)
      : device_(device),
        subject_(subject),
        backend_(make_cpu_backend<float>(subject.threads)),
        parameters_(device, subject.weights),
        optimizer_(device, parameters_, subject.runs, subject.optimizer) {}

  MoeGptLoss run(const TrainingPass& part, std::vector<RoutedLayer>& routing) override {
    begin();
    const Pass<float> host{*backend_, subject_.threads, true, part.seed, part.add_gradients};
    const DevicePass pass{device_, parameters_, host, room_};
    const DeviceGpt gpt{subject_.weights, subject_.model, pass};
    const MoeGptLoss loss = gpt.forward(part.batch, cache_);
    gpt.backward(part.batch, part.share, cache_);
    for (const int layer : subject_.model.moe_layers()) {
      const RouterCache<float>& router =
          cache_.blocks[static_cast<std::size_t>(layer)].moe.router.host;
      routing.push_back({router.batch, router.load});
    }
    return loss;
  }

  double gradient_norm() override { return optimizer_.gradient_norm(); }

  void step(const OptimizerStep& step) override {
    optimizer_.run(step);
    is_ahead_ = true;
  }

  MoeGptLoss judge(const TokenBatch& batch) override {
    begin();
    const Pass<float> host{*backend_, subject_.threads};
    const DevicePass pass{device_, parameters_, host, room_};
    return DeviceGpt{subject_.weights, subject_.model, pass}.forward(batch, cache_);
  }

  std::vector<RoutingBatch> route(std::span<const std::uint8_t> inputs) override {
    begin();
    const Pass<float> host{*backend_, subject_.threads};
    const DevicePass pass{device_, parameters_, host, room_};
    return DeviceGpt{subject_.weights, subject_.model, pass}.route(inputs, cache_);
  }

  void fetch() override {
    if (!is_ahead_) return;
    parameters_.download();
    optimizer_.download(subject_.optimizer);
    is_ahead_ = false;
  }

  void take_selection_bias(const Matrix<float>& selection_bias) override {
    parameters_.upload(selection_bias);
  }

 private:
  // Before a pass.
  void begin() {
    fetch_host_routers();
    if (device_.products() == ProductMode::bf16) parameters_.round();
  }
  // The weights of routers that the processor computes.
  void fetch_host_routers() {
    if (!is_ahead_ || routes_on_device(subject_.model.router)) return;
    for (const int layer : subject_.model.moe_layers()) {
      RouterWeights<float>& router =
          subject_.weights.blocks[static_cast<std::size_t>(layer)].moe.router;
      parameters_.download(router.gate);
      parameters_.download(router.noise);
      parameters_.download(router.group_gate);
    }
  }

  Device& device_;
  const EngineSubject subject_;
  const std::unique_ptr<Backend<float>> backend_;
  DeviceParameters parameters_;
  DeviceOptimizer optimizer_;
  DeviceGptCache cache_;
  Bf16Room room_;
  bool is_ahead_ = false;  // of the subject's weights and optimizer state
};

}  // namespace

void check_limits(const MoeGptConfig& model, ProductMode products) {
  require_at_most("seq_length", model.seq_length, kLongestSequence);
  if (model.use_moe) {
    require_at_most("router/num_experts", model.router.num_experts, kMostExperts);
  }
  if (products == ProductMode::bf16 && model.hidden_size % kLineElements != 0) {
    throw base::Error("/model/hidden_size",
                      "products in bf16 take multiples of 8, and " +
                          std::to_string(model.hidden_size) + " is asked for",
                      "use a multiple of 8, or train with --backend cuda");
  }
}

std::unique_ptr<StepEngine> make_cuda_step_engine(Device& device, const EngineSubject& subject) {
  return std::make_unique<CudaStepEngine>(device, subject);
}

}  // namespace moesim::model::cuda
