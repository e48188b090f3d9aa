// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_router.h"

#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

std::size_t elements(std::int64_t rows, std::int64_t width) {
  return static_cast<std::size_t>(rows * width);
}

Matrix<float> downloaded(Device& device, const float* from, Index rows, Index columns) {
  Matrix<float> matrix(rows, columns);
  device.download(from, matrix.data(), elements(rows, columns) * sizeof(float));
  return matrix;
}

// The losses of the experts' shares alone.
RouterConfig without_z_loss(RouterConfig config) {
  config.balance.z_loss_coef = 0;
  return config;
}

bool reads_shares(const BalanceConfig& balance) {
  return balance.aux_loss_coef > 0 || balance.seq_aux_loss_coef > 0 ||
         balance.variance_loss_coef > 0;
}

void sum_shares(const DeviceRouter& router, DeviceRouterCache& cache) {
  Device& device = router.pass.device;
  const int tokens = cache.routing.tokens;
  const int experts = router.config.num_experts;
  const Index sequences = count_sequences(tokens, router.context.seq_length);
  SumShares kernel;
  kernel.scores = cache.routing.scores.data();
  if (router.config.score_function != ScoreFunction::softmax) {
    float* const inverse = cache.inverse_sums.reserve(device, elements(tokens, 1));
    kernel.inverse = inverse;
    launch(device, InverseSums{kernel.scores, inverse, tokens, experts}, blocks_for_rows(tokens));
  }
  kernel.sums = cache.share_sums.reserve(device, elements(sequences, experts));
  kernel.tokens = tokens;
  kernel.num_experts = experts;
  kernel.seq_length = router.context.seq_length;
  launch(device, kernel, blocks_for_elements(sequences * experts));
}

Matrix<double> share_sums_of(const DeviceRouterCache& cache, int experts) {
  Matrix<double> sums(static_cast<Index>(cache.share_sums.size()) / experts, experts);
  cache.share_sums.download(sums.data());
  return sums;
}

// The decision of a router that the processor computed, on the device.
void upload_decision(const DeviceRouter& router, DeviceRouterCache& cache) {
  Device& device = router.pass.device;
  const RouterCache<float>& host = cache.host;
  DeviceRouting& routing = cache.routing;
  routing.experts.upload(device, host.batch.experts);
  routing.weights.upload(device, host.weights.data(), host.batch.experts.size());
  routing.kept.upload(device, host.batch.kept);
  Pairs pairs;
  pairs.experts = routing.experts.data();
  pairs.kept = routing.kept_or_null();
  pairs.count = static_cast<int>(host.batch.experts.size());
  pairs.num_experts = host.batch.num_experts;
  order_by_expert(device, pairs, routing.order);
}

RouteTokensBackward backward_kernel(const DeviceRouter& router, const DeviceRouterCache& cache,
                                    const float* d_weights, DeviceRouterScratch& scratch) {
  Device& device = router.pass.device;
  const DeviceRouting& routing = cache.routing;
  const RouteTokens forward = route_kernel(router.config, nullptr, routing);
  const std::size_t scores = elements(routing.tokens, router.config.num_experts);
  RouteTokensBackward kernel;
  kernel.logits = routing.logits.data();
  kernel.scores = routing.scores.data();
  kernel.experts = routing.experts.data();
  kernel.weights_before_drop = routing.weights_before_drop.data();
  kernel.kept = routing.kept_or_null();
  kernel.factors = routing.factors.data();
  kernel.kept_sums = routing.kept_sums.data();
  kernel.d_weights = d_weights;
  kernel.slopes = scratch.slopes.reserve(device, elements(cache.pairs(), 1));
  kernel.d_scores = scratch.d_scores.reserve(device, scores);
  kernel.d_logits = scratch.d_logits.reserve(device, scores);
  kernel.tokens = routing.tokens;
  kernel.num_experts = router.config.num_experts;
  kernel.top_k = router.config.top_k;
  kernel.seq_length = router.context.seq_length;
  kernel.scaling = static_cast<float>(router.config.routed_scaling_factor);
  kernel.scoring = forward.scoring;
  kernel.weighing = forward.weighing;
  return kernel;
}

void gate_backward(const DeviceRouter& router, const float* x, const float* d_logits,
                   const DeviceRouterGradients& gradients, std::int64_t tokens) {
  const DevicePass& pass = router.pass;
  const Index experts = router.weights.gate.rows();
  const Index hidden = router.weights.gate.cols();
  DeviceProduct of_weights{
      experts, hidden, tokens, d_logits, 1,
      experts, x,      hidden, 1,        pass.parameters.gradient(router.weights.gate),
      hidden};
  of_weights.accumulate = pass.host.add_gradients;
  multiply_unrounded(pass, of_weights);
  DeviceProduct of_rows{tokens,
                        hidden,
                        experts,
                        d_logits,
                        experts,
                        1,
                        pass.parameters.value(router.weights.gate),
                        hidden,
                        1,
                        gradients.dx,
                        hidden};
  of_rows.accumulate = true;
  multiply_unrounded(pass, of_rows);
}

// The processor's way back of a router without kernels.
void host_backward(const DeviceRouter& router, const DeviceRouterCache& cache,
                   const DeviceRouterGradients& gradients) {
  Device& device = router.pass.device;
  const Matrix<float>& x = cache.host_input;
  const Matrix<float> d_weights =
      downloaded(device, gradients.d_weights, cache.host.batch.tokens, cache.top_k);
  Matrix<float> dx = downloaded(device, gradients.dx, x.rows(), x.cols());
  const RouterBackward<float> backward{router.weights, router.config, router.context,
                                       router.pass.host, gradients.loss_scale};
  backward.run(x, cache.host, d_weights, *gradients.host, dx);
  device.upload(dx.data(), gradients.dx, elements(dx.rows(), dx.cols()) * sizeof(float));
  const DeviceParameters& parameters = router.pass.parameters;
  parameters.upload_gradient(router.weights.gate, gradients.host->gate);
  parameters.upload_gradient(router.weights.noise, gradients.host->noise);
  parameters.upload_gradient(router.weights.group_gate, gradients.host->group_gate);
}

}  // namespace

void DeviceRouter::forward(const float* x, int tokens, DeviceRouterCache& cache) const {
  Device& device = pass.device;
  cache.routing.tokens = tokens;
  cache.top_k = config.top_k;
  if (!routes_on_device(config)) {
    cache.host_input = downloaded(device, x, tokens, pass.parameters.hidden_size());
    route(RouterRun<float>{weights, config, context, pass.host}, cache.host_input, cache.host);
    cache.top_k = cache.host.batch.top_k;
    return upload_decision(*this, cache);
  }
  const Index experts = weights.gate.rows();
  const Index hidden = weights.gate.cols();
  float* const logits = cache.routing.logits.reserve(device, elements(tokens, experts));
  multiply_unrounded(pass, {tokens, experts, hidden, x, hidden, 1,
                            pass.parameters.value(weights.gate), 1, hidden, logits, experts});
  route_on_device(device, config, tokens, pass.parameters.value(weights.selection_bias),
                  cache.routing);
  cache.share_sums.reserve(device, 0);
  cache.z_squares.reserve(device, 0);
  if (reads_shares(config.balance)) sum_shares(*this, cache);
  if (config.balance.z_loss_coef > 0) {
    double* const squares = cache.z_squares.reserve(device, elements(tokens, 1));
    launch(device, ZLossRows{logits, squares, tokens, experts}, blocks_for_rows(tokens));
  }
}

void DeviceRouter::fetch(DeviceRouterCache& cache) const {
  if (!routes_on_device(config)) return;  // the decision came from there
  RouterCache<float>& host = cache.host;
  host.batch = download_batch(config, cache.routing);
  host.chosen = cache.routing.chosen.download();
  host.load.assign(static_cast<std::size_t>(config.num_experts), 0);
  for (const std::int32_t expert : host.choices()) ++host.load[expert];
  const RouterConfig shares_only = without_z_loss(config);
  const RouterRun<float> run{weights, shares_only, context, pass.host};
  host.losses =
      balance_losses(LossInputs<float>{run, host, share_sums_of(cache, config.num_experts)});
  if (cache.z_squares.size() > 0) {
    const std::vector<double> squares = cache.z_squares.download();
    const double sum = sum_over_rows(pass.host, host.batch.tokens,
                                     [&](Index t) { return squares[static_cast<std::size_t>(t)]; });
    host.losses.push_back({"z_loss", config.balance.z_loss_coef * (sum / host.batch.tokens)});
  }
  host.loss = 0;
  for (const BalanceTerm& term : host.losses) host.loss += term.value;
}

void DeviceRouter::backward(const float* x, const DeviceRouterCache& cache,
                            const DeviceRouterGradients& gradients,
                            DeviceRouterScratch& scratch) const {
  if (!routes_on_device(config)) return host_backward(*this, cache, gradients);
  Device& device = pass.device;
  const int tokens = cache.routing.tokens;
  RouterSlopes<float> slopes;
  const RouterConfig shares_only = without_z_loss(config);
  const RouterRun<float> run{weights, shares_only, context, pass.host};
  add_balance_slopes(LossInputs<float>{run, cache.host, share_sums_of(cache, config.num_experts)},
                     gradients.loss_scale, slopes);
  RouteTokensBackward kernel = backward_kernel(*this, cache, gradients.d_weights, scratch);
  if (slopes.shares.size() > 0) {
    kernel.d_shares = scratch.d_shares.upload(device, slopes.shares.data(),
                                              static_cast<std::size_t>(slopes.shares.size()));
  }
  launch(device, kernel, blocks_for_rows(tokens));
  if (config.balance.z_loss_coef > 0) {
    const double scale = gradients.loss_scale * config.balance.z_loss_coef;
    launch(device,
           AddZSlope{kernel.logits, kernel.d_logits, tokens, config.num_experts,
                     static_cast<float>(2 * scale / tokens)},
           blocks_for_rows(tokens));
  }
  gate_backward(*this, x, kernel.d_logits, gradients, tokens);
}

}  // namespace moesim::model::cuda
