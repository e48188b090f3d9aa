// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/cpu_backend.h"

#include <algorithm>

#include "model/cpu/gemm.h"
#include "model/cpu/select.h"

namespace moesim::model {
namespace {

constexpr Index kRowsPerPiece = 64;

// to += weight * from
template <class S>
void add_row(S weight, const S* from, Index width, S* to) {
  for (Index j = 0; j < width; ++j) to[j] += weight * from[j];
}

template <class S>
class CpuBackend final : public Backend<S> {
 public:
  explicit CpuBackend(base::ThreadPool& threads) : threads_(threads) {}

  void multiply(const Product<S>& product) const override {
    multiply_on(threads_, std::span(&product, 1), kernels_);
  }

  void grouped_multiply(std::span<const Product<S>> products) const override {
    multiply_on(threads_, products, kernels_);
  }

  void select(const Selection<S>& selection, std::int32_t* experts) const override {
    for_pieces(selection.tokens, [&](Index first, Index end) {
      select_experts(selection, static_cast<int>(first), static_cast<int>(end), experts);
    });
  }

  void permute(const RowMove<S>& rows, std::span<const std::int32_t> source,
               const S* weights) const override {
    for_pieces(static_cast<Index>(source.size()), [&](Index first, Index end) {
      for (Index i = first; i < end; ++i) {
        const S* const from = rows.from + source[i] * rows.width;
        S* const to = rows.to + i * rows.width;
        if (weights == nullptr) {
          std::copy_n(from, rows.width, to);
        } else {
          for (Index j = 0; j < rows.width; ++j) to[j] = weights[i] * from[j];
        }
      }
    });
  }

  void combine(const RowMove<S>& rows, std::span<const std::int32_t> place, int slots,
               const S* weights, bool accumulate) const override {
    for_pieces(static_cast<Index>(place.size()) / slots, [&](Index first, Index end) {
      for (Index token = first; token < end; ++token) {
        S* const to = rows.to + token * rows.width;
        if (!accumulate) std::fill_n(to, rows.width, S(0));
        for (Index pair = token * slots; pair < (token + 1) * slots; ++pair) {
          if (place[pair] < 0) continue;
          const S weight = weights == nullptr ? S(1) : weights[pair];
          add_row(weight, rows.from + place[pair] * rows.width, rows.width, to);
        }
      }
    });
  }

 private:
  template <class Work>
  void for_pieces(Index rows, const Work& work) const {
    const Index pieces = (rows + kRowsPerPiece - 1) / kRowsPerPiece;
    threads_.run(static_cast<int>(pieces), [&](int piece) {
      const Index first = piece * kRowsPerPiece;
      work(first, std::min(rows, first + kRowsPerPiece));
    });
  }

  base::ThreadPool& threads_;
  GemmKernels kernels_ = best_gemm_kernels();
};

}  // namespace

template <class S>
std::unique_ptr<Backend<S>> make_cpu_backend(base::ThreadPool& threads) {
  return std::make_unique<CpuBackend<S>>(threads);
}

template std::unique_ptr<Backend<float>> make_cpu_backend<float>(base::ThreadPool&);
template std::unique_ptr<Backend<double>> make_cpu_backend<double>(base::ThreadPool&);

}  // namespace moesim::model
