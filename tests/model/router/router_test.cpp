// SPDX-License-Identifier: Apache-2.0
#include "model/router/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/named_table.h"
#include "model/router/capacity.h"
#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

struct Kind {
  RouterType type;
  ScoreFunction function;
  RoutingWeights form;

  std::string name() const {
    return base::name_in_words(type) + " " + base::name_in_words(function) + " " +
           base::name_in_words(form);
  }
};

// Every router type with every score function and form of weights that it can have.
std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (const auto& [type, type_name] : names_of(RouterType{})) {
    for (const auto& [function, function_name] : names_of(ScoreFunction{})) {
      if (type == RouterType::two_level && function == ScoreFunction::sigmoid) continue;
      for (const auto& [form, form_name] : names_of(RoutingWeights{})) {
        kinds.push_back({type, function, form});
      }
    }
  }
  return kinds;
}

// Six experts in two groups of three; top 2; all that the type allows is on.
RouterConfig config_of(const Kind& kind) {
  RouterConfig config;
  config.num_experts = 6;
  config.type = kind.type;
  config.score_function = kind.function;
  config.weights = kind.form;
  config.n_group = 2;
  config.topk_group = 1;
  config.input_jitter = 0.1;
  config.routed_scaling_factor = 1.5;
  const bool has_bias = kind.type == RouterType::top_k || kind.type == RouterType::group_limited;
  config.balance.bias_update_rate = has_bias ? 1e-3 : 0;
  return config;
}

void limit_capacity(RouterConfig& config, OverflowPolicy overflow) {
  config.capacity_factor = 0.8;
  if (config.type == RouterType::expert_choice) return;
  config.rank_capacity_factor = 0.9;
  config.capacity_ranks = 2;
  config.renormalise_after_drop = true;
  if (has_gate(config)) config.overflow = overflow;
}

bool is_used(const RoutingBatch& batch, std::size_t pair) {
  return batch.experts[pair] != kNoExpert;
}

double kept_weight(const RouterCache<double>& cache, int token) {
  return cache.weights.row(token).sum();
}

// What a token's weights sum to before drops, as the configuration promises.
double promised_weight(const RouterConfig& config, const RouterCache<double>& cache, int token) {
  const RoutingBatch& batch = cache.batch;
  double scores = 0;
  bool any = false;
  for (int slot = 0; slot < batch.top_k; ++slot) {
    const std::size_t pair = static_cast<std::size_t>(token) * batch.top_k + slot;
    if (!is_used(batch, pair)) continue;
    scores += cache.scores(token, batch.experts[pair]);
    any = true;
  }
  const bool is_score = config.weights == RoutingWeights::as_is && has_gate(config);
  if (is_score) return scores * config.routed_scaling_factor;
  return any ? config.routed_scaling_factor : 0;
}

TEST(Router, DroplessWeightsSumToWhatTheyPromise) {
  const std::vector<Kind> kinds = all_kinds();
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Kind& kind = kinds[seed % kinds.size()];
    base::Rng rng(seed, "router");
    RouterFixture<double> fixture;
    fixture.config = config_of(kind);
    fixture.training = seed % 2 == 0;
    fixture.seed = seed;
    const int tokens = 1 + static_cast<int>(rng.below(50));
    const RouterCache<double> cache = fixture.routed(fixture.randomise(tokens, 4, rng));
    const RoutingBatch& batch = cache.batch;
    EXPECT_GE(cache.weights.minCoeff(), 0);
    for (int t = 0; t < tokens; ++t) {
      EXPECT_NEAR(kept_weight(cache, t), promised_weight(fixture.config, cache, t), 1e-12)
          << kind.name();
    }
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      EXPECT_EQ(batch.is_kept(pair), is_used(batch, pair)) << kind.name();
      EXPECT_FLOAT_EQ(batch.weights[pair], static_cast<float>(cache.weights.data()[pair]));
    }
  }
}

// Pairs are conserved, no capacity is exceeded, and the kept weights of a token that keeps anything
// sum to what all did.
TEST(Router, CapacityIsNeverExceeded) {
  const std::vector<Kind> kinds = all_kinds();
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Kind& kind = kinds[seed % kinds.size()];
    base::Rng rng(seed, "router capacity");
    RouterFixture<double> fixture;
    RouterConfig& config = fixture.config;
    config = config_of(kind);
    limit_capacity(config, seed % 3 == 0 ? OverflowPolicy::drop : OverflowPolicy::next_best);
    if (seed % 2 == 0) config.token_drop_policy = TokenDropPolicy::position;
    validate(config, "");
    fixture.training = seed % 5 != 0;
    const int tokens = 1 + static_cast<int>(rng.below(50));
    const RouterCache<double> cache = fixture.routed(fixture.randomise(tokens, 4, rng));
    const RoutingBatch& batch = cache.batch;
    const int slots = expert_capacity(0.8, tokens, 2, 6);
    const auto asked = std::accumulate(cache.load.begin(), cache.load.end(), std::int64_t{0});
    EXPECT_EQ(asked,
              can_drop(config) || !has_gate(config) ? tokens * 2 : 6 * std::min(slots, tokens));
    std::vector<int> taken(6), by_rank(2);
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      if (!batch.is_kept(pair)) continue;
      ++taken[batch.experts[pair]];
      ++by_rank[rank_of_expert(batch.experts[pair], 6, 2)];
    }
    for (const int count : taken) EXPECT_LE(count, slots) << kind.name();
    if (!can_drop(config)) continue;
    for (const int count : by_rank) EXPECT_LE(count, expert_capacity(0.9, tokens, 2, 2));
    for (int t = 0; t < tokens; ++t) {
      if (kept_weight(cache, t) == 0) continue;
      EXPECT_NEAR(kept_weight(cache, t), promised_weight(config, cache, t), 1e-12) << kind.name();
    }
  }
}

// Tokens in another order choose the same, bit for bit, where no choice depends on the others: not
// for draws by place, and not for capacity, which here is null.
TEST(Router, TheOrderOfTokensDoesNotMatter) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Kind> kinds = all_kinds();
    const Kind& kind = kinds[seed % kinds.size()];
    if (kind.type == RouterType::random) continue;
    base::Rng rng(seed, "router order");
    RouterFixture<float> fixture;
    fixture.config = config_of(kind);
    const Matrix<float> x = fixture.randomise(37, 5, rng);
    const std::vector<std::uint8_t> bytes = fixture.bytes;
    const RouterCache<float> straight = fixture.routed(x);
    std::vector<Index> order(37);
    std::iota(order.begin(), order.end(), 0);
    for (Index i = 36; i > 0; --i) std::swap(order[i], order[rng.below(i + 1)]);
    Matrix<float> mixed(37, 5);
    for (Index t = 0; t < 37; ++t) {
      mixed.row(t) = x.row(order[t]);
      fixture.bytes[t] = bytes[order[t]];
    }
    const RouterCache<float> cache = fixture.routed(mixed);
    ASSERT_EQ(cache.batch.top_k, straight.batch.top_k);
    for (Index t = 0; t < 37; ++t) {
      EXPECT_EQ(cache.weights.row(t), straight.weights.row(order[t])) << kind.name();
      const auto width = cache.batch.top_k;
      EXPECT_TRUE(std::equal(cache.batch.experts.begin() + t * width,
                             cache.batch.experts.begin() + (t + 1) * width,
                             straight.batch.experts.begin() + order[t] * width))
          << kind.name();
    }
  }
}

// Logits ln 1, ln 2, ln 5: softmax 1/8, 2/8, 5/8. Top 2: experts 2 and 1, weights 5/7 and 2/7. The
// loss: f = (0, 1/2, 1/2), 3 x (2/8 + 5/8) / 2 = 21/16, times 0.01.
TEST(Router, OneTokenWorkedByHand) {
  RouterFixture<double> fixture;
  fixture.config.num_experts = 3;
  Matrix<double> logits(1, 3);
  logits << 0, std::log(2.0), std::log(5.0);
  const RouterCache<double> cache = fixture.routed_logits(logits);
  EXPECT_EQ(cache.batch.experts, (std::vector<std::int32_t>{2, 1}));
  EXPECT_NEAR(cache.weights(0, 0), 5.0 / 7, 1e-15);
  EXPECT_NEAR(cache.weights(0, 1), 2.0 / 7, 1e-15);
  EXPECT_NEAR(cache.loss, 0.21 / 16, 1e-15);
  EXPECT_EQ(cache.losses[0].name, "aux_loss");
}

// Two tokens want expert 1 of three, one slot each (top 1, 1 x 2 / 3). Softmax scores (1, 4, 3) / 8
// and (1, 6, 1) / 8. Token 1 keeps expert 1; token 0 goes to expert 2, whose score is 3/8, and the
// weight, renormalised over the final choice of one, is 1. The load counts what was chosen.
TEST(Router, OverflowIsWeighedAnew) {
  RouterFixture<double> fixture;
  fixture.config.num_experts = 3;
  fixture.config.top_k = 1;
  fixture.config.capacity_factor = 1.0;
  fixture.config.overflow = OverflowPolicy::next_best;
  fixture.config.weights = RoutingWeights::as_is;
  Matrix<double> logits(2, 3);
  logits << 0, std::log(4.0), std::log(3.0), 0, std::log(6.0), 0;
  RouterCache<double> cache = fixture.routed_logits(logits);
  EXPECT_EQ(cache.batch.experts, (std::vector<std::int32_t>{2, 1}));
  EXPECT_NEAR(cache.weights(0, 0), 3.0 / 8, 1e-15);
  EXPECT_EQ(cache.choices(), (std::vector<std::int32_t>{1, 1}));
  EXPECT_EQ(cache.load, (std::vector<std::int64_t>{0, 2, 0}));
  fixture.config.weights = RoutingWeights::renormalised;
  cache = fixture.routed_logits(logits);
  EXPECT_NEAR(cache.weights(0, 0), 1, 1e-15);
}

TEST(Router, NotANumberIsRoutedSomewhere) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Kind& kind : all_kinds()) {
    base::Rng rng(3, "nan");
    RouterFixture<float> fixture;
    fixture.config = config_of(kind);
    limit_capacity(fixture.config, OverflowPolicy::next_best);
    fixture.config.balance.z_loss_coef = 1;
    fixture.training = true;
    Matrix<float> x = fixture.randomise(9, 4, rng);
    x.row(4).setConstant(nan);
    x(5, 2) = std::numeric_limits<float>::infinity();
    const RouterCache<float> cache = fixture.routed(x);
    for (const std::int32_t expert : cache.batch.experts) {
      EXPECT_GE(expert, kNoExpert);
      EXPECT_LT(expert, 6);
    }
    Matrix<float> dx = Matrix<float>::Zero(9, 4);
    RouterWeights<float> gradient;
    const RouterBackward<float> backward{fixture.weights, fixture.config, fixture.context,
                                         *fixture.pass};
    backward.run(x, cache, cache.weights, gradient, dx);
  }
}

// All that a case's backward pass gives.
template <class S>
struct Gradients {
  RouterWeights<S> weights;
  Matrix<S> dx;
};

template <class S>
Gradients<S> gradients_of(RouterFixture<S>& fixture, const Matrix<S>& x,
                          const RouterCache<S>& cache, const Matrix<S>& d_weights) {
  Gradients<S> result;
  result.dx = Matrix<S>::Zero(x.rows(), x.cols());
  const RouterBackward<S> backward{fixture.weights, fixture.config, fixture.context, *fixture.pass,
                                   2};
  backward.run(x, cache, d_weights, result.weights, result.dx);
  return result;
}

// Every coefficient that the type can have.
void turn_losses_on(RouterConfig& config) {
  config.balance.aux_loss_coef = 0.3;
  config.balance.seq_aux_loss_coef = 0.4;
  config.balance.importance_loss_coef = 0.5;
  config.balance.load_loss_coef = config.type == RouterType::noisy_top_k ? 0.6 : 0;
  config.balance.variance_loss_coef = 0.7;
  config.balance.z_loss_coef = 0.1;
}

// The value is a random combination of the weights plus twice the losses.
void check_slopes(RouterFixture<double>& fixture, const Kind& kind, base::Rng& rng) {
  Matrix<double> x = fixture.randomise(7, 4, rng);
  const RouterCache<double> cache = fixture.routed(x);
  const Matrix<double> d_weights = random_matrix<double>(7, cache.batch.top_k, rng);
  Gradients<double> slopes = gradients_of(fixture, x, cache, d_weights);
  const auto value = [&] {
    const RouterCache<double> moved = fixture.routed(x);
    EXPECT_EQ(moved.batch.experts, cache.batch.experts) << "a step changed the choice";
    return (moved.weights.array() * d_weights.array()).sum() + 2 * moved.loss;
  };
  constexpr double kTolerance = 2e-7;
  EXPECT_LT(slope_error(x, slopes.dx, value), kTolerance) << kind.name();
  RouterWeights<double>& weights = fixture.weights;
  EXPECT_LT(slope_error(weights.gate, slopes.weights.gate, value), kTolerance) << kind.name();
  EXPECT_LT(slope_error(weights.noise, slopes.weights.noise, value), kTolerance) << kind.name();
  EXPECT_LT(slope_error(weights.group_gate, slopes.weights.group_gate, value), kTolerance)
      << kind.name();
}

TEST(Router, SlopesAgreeWithCentralDifferences) {
  std::uint64_t seed = 0;
  for (const Kind& kind : all_kinds()) {
    for (const bool is_limited : {false, true}) {
      base::Rng rng(++seed, "router slopes");
      RouterFixture<double> fixture;
      fixture.config = config_of(kind);
      fixture.training = true;
      fixture.seq_length = 3;
      turn_losses_on(fixture.config);
      const bool drops = seed % 4 == 0;
      if (is_limited) {
        limit_capacity(fixture.config, drops ? OverflowPolicy::drop : OverflowPolicy::next_best);
      }
      check_slopes(fixture, kind, rng);
    }
  }
}

TEST(Router, SlopesOfFixedNoiseAgreeWithCentralDifferences) {
  for (int top_k = 1; top_k <= 6; ++top_k) {
    base::Rng rng(top_k, "router noise slopes");
    RouterFixture<double> fixture;
    const Kind kind{RouterType::noisy_top_k, ScoreFunction::softmax, RoutingWeights::as_is};
    fixture.config = config_of(kind);
    fixture.config.top_k = top_k;
    fixture.config.noise_scale = NoiseScale::fixed;
    fixture.training = true;
    turn_losses_on(fixture.config);
    check_slopes(fixture, kind, rng);
  }
}

TEST(Router, GradientsAreAddedOnRequest) {
  base::Rng rng(4, "add");
  RouterFixture<double> fixture;
  fixture.config = config_of({RouterType::top_k, ScoreFunction::sigmoid, RoutingWeights::as_is});
  const Matrix<double> x = fixture.randomise(7, 4, rng);
  const RouterCache<double> cache = fixture.routed(x);
  const Matrix<double> d_weights = random_matrix<double>(7, 2, rng);
  Gradients<double> once = gradients_of(fixture, x, cache, d_weights);
  EXPECT_EQ(once.weights.selection_bias, (Matrix<double>::Zero(1, 6)));
  Gradients<double> twice = once;
  fixture.pass->add_gradients = true;
  const RouterBackward<double> backward{fixture.weights, fixture.config, fixture.context,
                                        *fixture.pass, 2};
  backward.run(x, cache, d_weights, twice.weights, twice.dx);
  EXPECT_LT((twice.weights.gate - 2 * once.weights.gate).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_LT((twice.dx - 2 * once.dx).cwiseAbs().maxCoeff(), 1e-14);
}

struct Outcome {
  RouterCache<float> cache;
  Gradients<float> gradients;
};

Outcome outcome_on(int num_threads, const Kind& kind) {
  base::Rng rng(6, "threads");
  RouterFixture<float> fixture(num_threads);
  fixture.config = config_of(kind);
  limit_capacity(fixture.config, OverflowPolicy::next_best);
  turn_losses_on(fixture.config);
  fixture.training = true;
  fixture.seq_length = 50;
  const Matrix<float> x = fixture.randomise(333, 16, rng);
  Outcome outcome;
  outcome.cache = fixture.routed(x);
  outcome.gradients = gradients_of(fixture, x, outcome.cache, outcome.cache.weights);
  return outcome;
}

TEST(Router, IsTheSameForAnyNumberOfThreads) {
  for (const Kind& kind : all_kinds()) {
    if (kind.form != RoutingWeights::renormalised) continue;
    const Outcome one = outcome_on(1, kind);
    for (const int num_threads : {2, 4}) {
      const Outcome many = outcome_on(num_threads, kind);
      EXPECT_EQ(many.cache.batch, one.cache.batch) << kind.name();
      EXPECT_EQ(many.cache.weights, one.cache.weights) << kind.name();
      EXPECT_EQ(many.cache.loss, one.cache.loss) << kind.name();
      EXPECT_EQ(many.gradients.dx, one.gradients.dx) << kind.name();
      EXPECT_EQ(many.gradients.weights.gate, one.gradients.weights.gate) << kind.name();
      EXPECT_EQ(many.gradients.weights.noise, one.gradients.weights.noise) << kind.name();
    }
  }
}

// A cache that another configuration used leaves no trace.
TEST(Router, ACacheIsUsedAgain) {
  base::Rng rng(8, "again");
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  for (const Kind& kind : all_kinds()) {
    fixture.config = config_of(kind);
    fixture.training = kind.form == RoutingWeights::as_is;
    if (kind.form == RoutingWeights::renormalised) {
      limit_capacity(fixture.config, OverflowPolicy::next_best);
    }
    const Matrix<double> x = fixture.randomise(11, 4, rng);
    const RouterCache<double> fresh = fixture.routed(x);
    route(fixture.run(), x, cache);
    EXPECT_EQ(cache.batch, fresh.batch) << kind.name();
    EXPECT_EQ(cache.weights, fresh.weights) << kind.name();
    EXPECT_EQ(cache.scores, fresh.scores) << kind.name();
    EXPECT_EQ(cache.loss, fresh.loss) << kind.name();
  }
}

// 6 x 500 draws of variance 1 / 500 in [-0.0775, 0.0775]; the sample's variance is within 5 %.
TEST(RandomRouter, HasTheConfigurationsShapes) {
  base::Rng rng(9, "random router");
  const auto made = [&](RouterType type) {
    return random_router<double>(config_of({type, ScoreFunction::softmax, RoutingWeights::as_is}),
                                 500, rng);
  };
  const RouterWeights<double> plain = made(RouterType::top_k);
  EXPECT_NEAR(plain.gate.squaredNorm() / 3000, 1.0 / 500, 0.05 / 500);
  EXPECT_EQ(plain.selection_bias, (Matrix<double>::Zero(1, 6)));
  EXPECT_EQ(plain.noise.size(), 0);
  EXPECT_EQ(made(RouterType::noisy_top_k).noise, (Matrix<double>::Zero(6, 500)));
  EXPECT_EQ(made(RouterType::two_level).group_gate.rows(), 2);
  EXPECT_EQ(made(RouterType::hash).gate.size(), 0);
  EXPECT_EQ(made(RouterType::random).gate.size(), 0);
}

// Loads 5, 1, 3 have the mean 3: above it the bias falls, below it rises, at it it stays.
TEST(SelectionBias, MovesTowardsTheMeanLoad) {
  Matrix<float> bias(1, 3);
  bias << 1, 2, 3;
  update_selection_bias<float>(std::vector<std::int64_t>{5, 1, 3}, 0.25, bias);
  EXPECT_EQ(bias(0, 0), 0.75F);
  EXPECT_EQ(bias(0, 1), 2.25F);
  EXPECT_EQ(bias(0, 2), 3.0F);
}

// All tokens prefer expert 0 by a little; a hundred updates spread them, and no weight moves.
TEST(SelectionBias, EvensOutTheLoad) {
  base::Rng rng(10, "bias");
  RouterFixture<float> fixture;
  fixture.config = config_of({RouterType::top_k, ScoreFunction::sigmoid, RoutingWeights::as_is});
  fixture.config.input_jitter = 0;
  fixture.config.top_k = 1;
  fixture.weights.selection_bias.setZero(1, 6);
  Matrix<float> logits = random_matrix<float>(240, 6, rng);
  logits.col(0).array() += 2;
  const auto most = [&] {
    const RouterCache<float> cache = fixture.routed_logits(logits);
    update_selection_bias<float>(cache.load, 0.01, fixture.weights.selection_bias);
    return *std::max_element(cache.load.begin(), cache.load.end());
  };
  EXPECT_GT(most(), 120);
  for (int step = 0; step < 100; ++step) most();
  EXPECT_LT(most(), 60);
}

}  // namespace
}  // namespace moesim::model
