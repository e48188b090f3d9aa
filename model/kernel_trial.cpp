// SPDX-License-Identifier: Apache-2.0
#include "model/kernel_trial.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/cpu/cpu_backend.h"
#include "model/cpu/processor.h"
#include "model/layers/attention.h"
#include "model/layers/linear.h"
#include "model/matrix.h"

namespace moesim::model {
namespace {

Matrix<float> random_matrix(Index rows, Index columns, base::Rng& rng) {
  Matrix<float> matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i) {
    matrix.data()[i] = static_cast<float>(rng.uniform() - 0.5);
  }
  return matrix;
}

// [rows, width] x [width, columns] for every expert, each with weights of its own.
class Products final : public KernelTrial {
 public:
  Products(const TrialShape& shape, const Backend<float>& backend, base::Rng& rng)
      : backend_(backend) {
    const Index total = std::accumulate(shape.rows.begin(), shape.rows.end(), Index{0});
    from_ = random_matrix(total, shape.width, rng);
    to_ = Matrix<float>::Zero(total, shape.columns);
    weights_ =
        random_matrix(static_cast<Index>(shape.rows.size()) * shape.columns, shape.width, rng);
    Index first = 0;
    Index expert = 0;
    for (const int rows : shape.rows) {
      Product<float> product;
      product.m = rows;
      product.n = shape.columns;
      product.k = shape.width;
      product.a = {from_.data() + first * shape.width, shape.width, 1};
      product.b = {weights_.data() + expert * shape.columns * shape.width, 1, shape.width};
      product.c = to_.data() + first * shape.columns;
      product.c_stride = shape.columns;
      products_.push_back(product);
      first += rows;
      ++expert;
    }
  }

  void run() override {
    if (products_.size() == 1) return backend_.multiply(products_.front());
    backend_.grouped_multiply(products_);
  }

 private:
  const Backend<float>& backend_;
  Matrix<float> from_;
  Matrix<float> weights_;
  Matrix<float> to_;
  std::vector<Product<float>> products_;
};

// Rows [i * step mod count]: every one once, neighbours far apart.
std::vector<std::int32_t> spread_places(Index count) {
  Index step = 7919;
  while (std::gcd(step, count) != 1) ++step;
  std::vector<std::int32_t> places;
  for (Index i = 0; i < count; ++i) places.push_back(static_cast<std::int32_t>(i * step % count));
  return places;
}

class Moves final : public KernelTrial {
 public:
  Moves(const TrialShape& shape, const Backend<float>& backend, base::Rng& rng)
      : backend_(backend), width_(shape.width), permutes_(shape.kernel == TrialKernel::permute) {
    const Index rows = std::accumulate(shape.rows.begin(), shape.rows.end(), Index{0});
    slots_ = static_cast<int>(rows / shape.tokens);
    CHECK(slots_ >= 1 && rows == Index{slots_} * shape.tokens, "every token has equally many rows");
    places_ = spread_places(rows);
    from_ = random_matrix(permutes_ ? shape.tokens : rows, shape.width, rng);
    to_ = Matrix<float>::Zero(permutes_ ? rows : shape.tokens, shape.width);
    if (permutes_) {
      for (std::int32_t& place : places_) place %= shape.tokens;
    } else {
      weights_ = random_matrix(shape.tokens, slots_, rng);
    }
  }

  void run() override {
    const RowMove<float> rows = {from_.data(), to_.data(), width_};
    if (permutes_) return backend_.permute(rows, places_, nullptr);
    backend_.combine(rows, places_, slots_, weights_.data(), false);
  }

 private:
  const Backend<float>& backend_;
  Index width_;
  bool permutes_;
  int slots_ = 1;
  std::vector<std::int32_t> places_;
  Matrix<float> from_;
  Matrix<float> weights_;
  Matrix<float> to_;
};

class Scores final : public KernelTrial {
 public:
  Scores(const TrialShape& shape, const Pass<float>& pass, base::Rng& rng) : pass_(pass) {
    shape_.num_heads = shape_.num_key_value_heads = shape.heads;
    shape_.head_size = shape.width / shape.heads;
    shape_.seq_length = shape.columns;
    const Index width = shape_.query_width();
    weights_.query_key_value.weight = random_matrix(3 * width, width, rng);
    weights_.output.weight = random_matrix(width, width, rng);
    x_ = random_matrix(shape.rows.front(), width, rng);
  }

  void run() override { Attention<float>{weights_, shape_, pass_}.forward(x_, cache_, y_); }

  void run_part() override {
    Linear<float>{weights_.query_key_value, pass_}.forward(x_, cache_.query_key_value);
    Linear<float>{weights_.output, pass_}.forward(x_, y_);
  }

 private:
  Pass<float> pass_;
  AttentionShape shape_;
  AttentionWeights<float> weights_;
  AttentionCache<float> cache_;
  Matrix<float> x_;
  Matrix<float> y_;
};

}  // namespace

struct TrialMachine::State {
  explicit State(int num_threads)
      : threads(num_threads), backend(make_cpu_backend<float>(threads)) {}

  base::ThreadPool threads;
  std::unique_ptr<Backend<float>> backend;
};

TrialMachine::TrialMachine(int threads) {
  require_vector_instructions();
  state_ = std::make_unique<State>(threads);
}

TrialMachine::~TrialMachine() = default;

std::string TrialMachine::backend() const { return "cpu"; }

int TrialMachine::workers() const { return state_->threads.size(); }

std::unique_ptr<KernelTrial> TrialMachine::prepare(const TrialShape& shape) const {
  base::Rng rng(0, "kernel trial");
  switch (shape.kernel) {
    case TrialKernel::permute:
    case TrialKernel::combine:
      return std::make_unique<Moves>(shape, *state_->backend, rng);
    case TrialKernel::attention:
      return std::make_unique<Scores>(shape, Pass<float>{*state_->backend, state_->threads}, rng);
    case TrialKernel::gemm:
    case TrialKernel::grouped_gemm:
      break;
  }
  return std::make_unique<Products>(shape, *state_->backend, rng);
}

}  // namespace moesim::model
