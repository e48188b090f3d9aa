// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "model/cpu/cpu_backend.h"
#include "model/train/step_engine.h"

namespace moesim::model {
namespace {

class CpuStepEngine final : public StepEngine {
 public:
  explicit CpuStepEngine(const EngineSubject& subject)
      : subject_(subject),
        backend_(make_cpu_backend<float>(subject.threads)),
        gradient_(zero_gradient(subject.weights)) {
    cache_.recompute_blocks = subject.training.recompute_activations;
  }

  MoeGptLoss run(const TrainingPass& part, std::vector<RoutedLayer>& routing) override {
    const Pass<float> pass{*backend_, subject_.threads, true, part.seed, part.add_gradients};
    const MoeGptLoss loss =
        moe_gpt_loss(subject_.weights, subject_.model, pass, part.batch, cache_);
    MoeGptBackward<float>{subject_.weights, subject_.model, pass, part.batch, part.share}.run(
        cache_, gradient_);
    for (const int layer : subject_.model.moe_layers()) {
      const RouterCache<float>& router = cache_.blocks[static_cast<std::size_t>(layer)].moe.router;
      CHECK(router.batch.num_experts > 0, "a pass leaves the decisions of all MoE layers");
      routing.push_back({router.batch, router.load});
    }
    return loss;
  }

  double gradient_norm() override {
    return model::gradient_norm(subject_.runs, parameters(gradient_), subject_.threads);
  }

  void step(const OptimizerStep& step) override {
    step.run(parameters(gradient_), parameters(subject_.weights), subject_.optimizer,
             subject_.threads);
  }

  MoeGptLoss judge(const TokenBatch& batch) override {
    return moe_gpt_loss(subject_.weights, subject_.model, quiet_pass(), batch, cache_);
  }

  std::vector<RoutingBatch> route(std::span<const std::uint8_t> inputs) override {
    return route_bytes(subject_.weights, subject_.model, quiet_pass(), inputs);
  }

  void fetch() override {}
  void take_selection_bias(const Matrix<float>& /*selection_bias*/) override {}

 private:
  Pass<float> quiet_pass() const { return {*backend_, subject_.threads}; }

  const EngineSubject subject_;
  const std::unique_ptr<Backend<float>> backend_;
  MoeGptWeights<float> gradient_;
  MoeGptCache<float> cache_;
};

}  // namespace

std::unique_ptr<StepEngine> make_cpu_step_engine(const EngineSubject& subject) {
  return std::make_unique<CpuStepEngine>(subject);
}

}  // namespace moesim::model
