// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/trial_processor.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <string>

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
    from_ = random_matrix(shape.total_rows(), shape.width, rng);
    to_ = Matrix<float>::Zero(shape.total_rows(), shape.columns);
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

class Moves final : public KernelTrial {
 public:
  Moves(const TrialShape& shape, const Backend<float>& backend, base::Rng& rng)
      : backend_(backend), width_(shape.width), permutes_(shape.kernel == TrialKernel::permute) {
    const Index rows = shape.total_rows();
    slots_ = shape.slots();
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

  bool has_part() const override { return true; }
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

// What the system calls its processor; "unknown processor" where it does not say.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

class TrialProcessor final : public TrialMachine {
 public:
  explicit TrialProcessor(int threads)
      : threads_(threads), backend_(make_cpu_backend<float>(threads_)) {}

  std::string name() const override { return processor_name(); }
  std::string description() const override {
    return fmt::format("{}, {} thread{}, backend cpu", name(), workers(),
                       workers() == 1 ? "" : "s");
  }
  int workers() const override { return threads_.size(); }
  double element_bytes(TrialKernel) const override { return sizeof(float); }

  bool fits(const TrialShape&) const override { return true; }
  std::unique_ptr<KernelTrial> prepare(const TrialShape& shape) override {
    base::Rng rng(0, "kernel trial");
    switch (shape.kernel) {
      case TrialKernel::permute:
      case TrialKernel::combine:
        return std::make_unique<Moves>(shape, *backend_, rng);
      case TrialKernel::attention:
        return std::make_unique<Scores>(shape, Pass<float>{*backend_, threads_}, rng);
      case TrialKernel::gemm:
      case TrialKernel::grouped_gemm:
        break;
    }
    return std::make_unique<Products>(shape, *backend_, rng);
  }
  void wait() override {}
  double batch_seconds() const override { return 0; }

 private:
  base::ThreadPool threads_;
  std::unique_ptr<Backend<float>> backend_;
};

}  // namespace

std::unique_ptr<TrialMachine> make_trial_processor(int threads) {
  require_vector_instructions();
  return std::make_unique<TrialProcessor>(threads);
}

}  // namespace moesim::model
